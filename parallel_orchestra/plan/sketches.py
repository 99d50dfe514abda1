"""What can be judged of the tasks of a plan that has errors."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from parallel_orchestra.model import Task
from parallel_orchestra.plan import fields
from parallel_orchestra.plan.findings import Findings
from parallel_orchestra.plan.wording import validated

_WRITING = ("writes", "creates", "modifies")
#: What of a task can be judged although the plan has errors.
_SKETCHED = frozenset({"id", "depends_on", "wave", *_WRITING})


def sketches(raw: Sequence[Any]) -> list[Task]:
    """Returns a task for each entry of a plan with errors: what is in order of its files and order.

    An entry without an id, or one that repeats it, only writes; one whose files are not known
    may write anything.
    """
    seen = {""}
    found = []
    for entry in raw:
        given = {}
        if isinstance(entry, dict):
            given = validated(fields.TaskFields, entry, "", (), Findings(""))
        written = (*given.get("writes", ()), *given.get("creates", ()))
        if not isinstance(entry, dict) or (entry.keys() - given.keys()) & set(_WRITING):
            written = ("**",)
        if given.get("id", "") in seen:
            found.append(Task(id="", writes=written))
        else:
            kept = {key: given[key] for key in given.keys() & _SKETCHED}
            found.append(Task(**{**kept, "writes": written}))
            seen.add(kept["id"])
    needs = (tuple(name for name in task.depends_on if name in seen) for task in found)
    return [replace(task, depends_on=kept) for task, kept in zip(found, needs, strict=True)]
