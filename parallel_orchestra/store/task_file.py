"""The text of a task file: front matter that says what the task is, then its prompt.

It is written for people and for other tools; our workers take the definition from `run.json`
and only the generation from here.
"""

import json
import re
from itertools import compress
from operator import attrgetter, is_not

from parallel_orchestra.model import Evidence, Isolation, Qa, Setup, Task, Timed

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
    "idle_timeout",
    "verify",
    "qa",
    "expect",
    "allow_empty",
    "skills",
    "contracts",
    "isolation",
    "concurrency_group",
    "max_cost_usd",
    "max_tokens",
    "max_duration",
    "wave",
    "setup",
)
_VALUES = attrgetter(*_SHOWN)
_DEFAULTS = _VALUES(Task(id="default"))
# `json.dumps` makes an encoder anew for every text that is not written as by default.
_ENCODER = json.JSONEncoder(ensure_ascii=False)
#: What JSON lets stand and YAML 1.1 does not, or takes for a line break (chapters 4.1 and 4.2).
_UNPRINTABLE = re.compile("[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]")
_GENERATION = re.compile("[0-9]{1,9}")


def task_file(task: Task, run: str, generation: int, fingerprint: str) -> bytes:
    """Returns the file's content; values are JSON, which YAML reads as it stands."""
    facts: dict[str, object] = {
        "id": task.id,
        "run": run,
        "generation": generation,
        "fingerprint": fingerprint,
    }
    values = _VALUES(task)
    # a few of these are said, and a run has tens of thousands of tasks: see `plan.canonical`
    others = compress(zip(_SHOWN, values, _DEFAULTS, strict=True), map(is_not, values, _DEFAULTS))
    for name, value, default in others:
        if value != default:
            facts[name] = value.value if isinstance(value, Isolation) else _plain(value)
    lines = [f"{name}: {_yaml(value)}" for name, value in facts.items()]
    text = "\n".join(("---", *lines, "---", "", task.prompt, ""))
    # Half a surrogate pair has no UTF-8; the agent gets its prompt from `run.json` as it is.
    return text.encode("utf-8", "replace")


def edited(text: str, task: Task, run: str, fingerprint: str) -> bool:
    """Returns whether a task's file is not what was written for it: somebody changed it since."""
    return text != task_file(task, run, generation_in(text), fingerprint).decode()


def generation_in(text: str) -> int:
    """Returns the generation that a task file names; 1 if it names none."""
    value = _fact(text, "generation")
    return int(value) if _GENERATION.fullmatch(value) else 1


def fingerprint_in(text: str) -> str:
    """Returns the fingerprint that a task file names; empty if it names none."""
    return _fact(text, "fingerprint").strip('"')


def _plain(value: object) -> object:
    if isinstance(value, Evidence | Setup | Timed):
        return value.facts()
    if isinstance(value, Qa):
        return value.on and (value.facts() or True)
    return [_plain(one) for one in value] if isinstance(value, tuple) else value


def _yaml(value: object) -> str:
    # YAML has no surrogate pairs, so beyond ASCII only what it can't print is escaped.
    return _UNPRINTABLE.sub(lambda found: f"\\u{ord(found[0]):04x}", _ENCODER.encode(value))


def _fact(text: str, wanted: str) -> str:
    head, _, _ = text.removeprefix("---\n").partition("\n---")
    for line in head.splitlines():
        key, _, value = line.partition(":")
        if key == wanted:
            return value.strip()
    return ""
