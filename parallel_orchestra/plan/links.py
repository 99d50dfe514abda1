"""How tasks name each other: ids, dependencies, circles.

Looks at what was written, not at what was understood: so these mistakes are found beside others.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from parallel_orchestra.graph import find_cycle
from parallel_orchestra.plan.findings import Finding, Findings, brief, did_you_mean
from parallel_orchestra.plan.values import is_task_id

_MOST_CYCLES = 20


def check_links(raw: Sequence[Any], findings: Findings, *, strict: bool) -> None:
    """Notes ids that are used twice, and dependencies that lead nowhere or in a circle.

    `raw` are the entries of `tasks`; of those that are no mappings or have no usable id only
    the rest is looked at. If not strict, naming a dependency twice is no mistake.
    """
    known = _ids(raw, findings)
    edges: dict[str, list[str]] = {}
    for i, task in enumerate(raw):
        if findings.full:
            return
        needed = task.get("depends_on") if isinstance(task, dict) else None
        if isinstance(needed, list):
            usable = _dependencies(i, task.get("id"), needed, known, findings, strict=strict)
            if is_task_id(task.get("id")) and known.get(task["id"]) == i:
                edges[task["id"]] = usable
    _cycles(edges, known, findings)


def _ids(raw: Sequence[Any], findings: Findings) -> dict[str, int]:
    """Returns where each id stands (first); notes the ones that stand twice."""
    first: dict[str, tuple[int, str]] = {}
    ids: dict[str, int] = {}
    for i, task in enumerate(raw):
        task_id = task.get("id") if isinstance(task, dict) else None
        if not is_task_id(task_id):
            continue
        ids.setdefault(task_id, i)
        # file names are compared without case on some systems
        where, name = first.setdefault(task_id.casefold(), (i, task_id))
        if where != i:
            what = f"the task id `{task_id}` is used twice"
            if name != task_id:
                what = f"the task ids `{name}` and `{task_id}` differ only in case"
            hint = f"choose another id: tasks[{where}] has it already"
            at, see = ("tasks", i, "id"), ("tasks", where, "id")
            findings.problem(Finding(what, hint, at, see=see))
    return ids


def _dependencies(
    index: int,
    task_id: object,
    needed: Sequence[object],
    known: Mapping[str, int],
    findings: Findings,
    *,
    strict: bool,
) -> list[str]:
    """Returns the dependencies that exist; notes the others."""
    usable: dict[str, None] = {}
    who = f"task `{brief(task_id)}`" if isinstance(task_id, str) else f"tasks[{index}]"
    for position, other in enumerate(needed):
        if not isinstance(other, str):
            continue  # its type is noted where the fields are read
        path = ("tasks", index, "depends_on", position)
        if other == task_id:
            findings.problem(Finding(f"{who} depends on itself", "remove this entry", path))
        elif other not in known:
            what = f"{who} depends on `{brief(other)}`, which the plan does not have"
            hint = did_you_mean(findings.guess(other, known), "name a task by its `id`")
            findings.problem(Finding(what, hint, path))
        elif other in usable and strict:
            what = f"{who} names its dependency `{brief(other)}` twice"
            findings.problem(Finding(what, "remove one of them", path))
        else:
            usable[other] = None
    return list(usable)


def _cycles(edges: dict[str, list[str]], known: Mapping[str, int], findings: Findings) -> None:
    for _ in range(_MOST_CYCLES):
        cycle = find_cycle(edges)
        if cycle is None:
            return
        names = list(cycle) if len(cycle) <= 12 else [*cycle[:6], "…", *cycle[-5:]]
        what = f"these tasks wait for each other in a circle: {' -> '.join(names)}"
        path = ("tasks", known[cycle[0]], "depends_on", edges[cycle[0]].index(cycle[1]))
        findings.problem(Finding(what, "remove one of these dependencies", path))
        for task_id in cycle:
            edges.pop(task_id, None)
