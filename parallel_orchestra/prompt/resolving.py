"""What an agent is told that resolves a conflict: plain values for the template of ours."""

from collections.abc import Sequence
from typing import Any

from parallel_orchestra.frozen import frozen
from parallel_orchestra.model import Command, Task, as_typed
from parallel_orchestra.prompt.feedback import fenced

#: How many files are named, and how much of git's words on them is shown, in characters.
LISTED = 100
_SAID = 4_000


@frozen
class Clash:
    """A task whose work conflicts with that of `others`, in these files; `said` is git's word on it.

    `rules` are the files that are generated, with what makes them.
    """

    task: Task
    others: Sequence[Task]
    files: Sequence[str]
    said: str
    rules: Sequence[tuple[str, Command]] = ()


def clash_facts(clash: Clash) -> dict[str, Any]:
    """Returns the variables of `resolve.md.j2`. What others wrote stands in fences."""
    return {
        "task": _side(clash.task),
        "others": [_side(one) for one in clash.others],
        "files": list(clash.files),
        "listed": LISTED,
        "said": fenced(clash.said[-_SAID:]) if clash.said.strip() else "",
        "rules": [{"files": files, "command": as_typed(made)} for files, made in clash.rules],
    }


def _side(task: Task) -> dict[str, str]:
    prompt = fenced(task.prompt) if task.prompt.strip() else ""
    return {"id": task.id, "title": task.title, "prompt": prompt}
