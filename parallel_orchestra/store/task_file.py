"""The text of a task file: front matter that says what the task is, then its prompt.

It is written for people and for other tools; our workers take the definition from `run.json`
and only the generation from here.
"""

import json

from parallel_orchestra.model import Isolation, Task

_SHOWN = (
    "title",
    "agent",
    "backend",
    "model",
    "command",
    "read_only",
    "depends_on",
    "writes",
    "priority",
    "estimate",
    "max_retries",
    "timeout",
    "verify",
    "allow_empty",
    "isolation",
    "concurrency_group",
)
_DEFAULTS = Task(id="default")


def task_file(task: Task, run: str, generation: int, fingerprint: str) -> bytes:
    """Returns the file's content; values are JSON, which YAML reads as it stands."""
    facts: dict[str, object] = {
        "id": task.id,
        "run": run,
        "generation": generation,
        "fingerprint": fingerprint,
    }
    for name in _SHOWN:
        value = getattr(task, name)
        if value != getattr(_DEFAULTS, name):
            facts[name] = value.value if isinstance(value, Isolation) else value
    lines = [f"{name}: {json.dumps(value)}" for name, value in facts.items()]
    return "\n".join(("---", *lines, "---", "", task.prompt, "")).encode("utf-8", "surrogateescape")


def generation_in(text: str) -> int:
    """Returns the generation that a task file names; 1 if it names none."""
    value = _fact(text, "generation")
    return int(value) if value.isdigit() else 1


def fingerprint_in(text: str) -> str:
    """Returns the fingerprint that a task file names; empty if it names none."""
    return _fact(text, "fingerprint").strip('"')


def _fact(text: str, wanted: str) -> str:
    head, _, _ = text.removeprefix("---\n").partition("\n---")
    for line in head.splitlines():
        key, _, value = line.partition(":")
        if key == wanted:
            return value.strip()
    return ""
