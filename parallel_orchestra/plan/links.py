"""How tasks name each other: ids, dependencies, circles.

Looks at what was written, not at what was understood: so these mistakes are found beside others.
"""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

from parallel_orchestra.graph import MOST_EDGES, barriers, find_cycle
from parallel_orchestra.plan.findings import Finding, Findings, KeyPath, brief, did_you_mean
from parallel_orchestra.plan.values import is_task_id

_MOST_CYCLES = 20


def check_links(raw: Sequence[Any], findings: Findings, *, strict: bool) -> None:
    """Notes ids that are used twice, and dependencies that lead nowhere or in a circle.

    `raw` are the entries of `tasks`; of those that are no mappings or have no usable id only
    the rest is looked at. If not strict, naming a dependency twice is no mistake, and there are
    no waves.
    """
    known = _ids(raw, findings)
    edges: dict[str, list[str]] = {}
    for i, task in enumerate(raw):
        if findings.full:
            return
        needed = _needed(task)
        if needed:
            usable = _dependencies(i, task.get("id"), needed, known, findings, strict=strict)
            if is_task_id(task.get("id")) and known.get(task["id"]) == i:
                edges[task["id"]] = usable
    waves = _waves(raw, known) if strict else {}
    _backwards(raw, edges, waves, known, findings)
    waits = barriers(waves, edges)
    count = sum(map(len, waits.values()))
    if count > MOST_EDGES:
        what = f"the waves make {count:,} dependencies, more than {MOST_EDGES:,}"
        hint = "put a wave with one task between two large ones: all of the later one wait for it"
        findings.problem(Finding(what, hint, ("tasks", known[next(iter(waits))], "wave")))
        waits = {}
    _cycles(raw, edges, waits, known, findings)


def _needed(task: object) -> Sequence[object]:
    """Returns what a task depends on; text in place of a list is meant as its only entry."""
    needed = task.get("depends_on") if isinstance(task, dict) else None
    if isinstance(needed, str):
        return [word.strip() for word in needed.split(",")]
    return needed if isinstance(needed, list) else ()


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


def _waves(raw: Sequence[Any], known: Mapping[str, int]) -> dict[str, int]:
    """Returns the wave of each task that is in one."""
    waves = {task_id: raw[i].get("wave") for task_id, i in known.items()}
    return {task_id: wave for task_id, wave in waves.items() if type(wave) is int}


def _backwards(
    raw: Sequence[Any],
    edges: dict[str, list[str]],
    waves: Mapping[str, int],
    known: Mapping[str, int],
    findings: Findings,
) -> None:
    """Notes, and takes out, dependencies on a task of a later wave, which waits for this one's."""
    for task_id, needed in edges.items():
        own = waves.get(task_id)
        late = [other for other in needed if own is not None and waves.get(other, own) > own]
        for other in late:
            what = f"task `{task_id}` of wave {own} depends on `{other}` of wave {waves[other]}"
            hint = f"wave {waves[other]} begins when wave {own} is done: change one of the two"
            findings.problem(Finding(what, hint, _place(raw, known[task_id], other)))
        edges[task_id] = [other for other in needed if other not in late]


def _cycles(
    raw: Sequence[Any],
    edges: Mapping[str, list[str]],
    waits: Mapping[str, Sequence[str]],
    known: Mapping[str, int],
    findings: Findings,
) -> None:
    """Notes circles of dependencies; `waits` are those that come from waves."""
    ways: dict[str, Sequence[str]] = {**edges}
    for task_id, needed in waits.items():
        ways[task_id] = (*edges[task_id], *needed) if edges.get(task_id) else needed
    for _ in range(_MOST_CYCLES):
        cycle = find_cycle(ways)
        if cycle is None:
            return
        names = list(cycle) if len(cycle) <= 12 else [*cycle[:6], "…", *cycle[-5:]]
        what = f"these tasks wait for each other in a circle: {' -> '.join(names)}"
        written = [(one, other) for one, other in pairwise(cycle) if other in edges.get(one, ())]
        hint = "remove one of these dependencies"
        if len(written) < len(cycle) - 1:
            hint += ", or change a `wave`: its tasks wait for those of the wave before"
        # Waves alone make no circle: some step of it was written.
        task_id, other = written[0]
        findings.problem(Finding(what, hint, _place(raw, known[task_id], other)))
        for one in cycle:
            ways.pop(one, None)


def _place(raw: Sequence[Any], index: int, other: str) -> KeyPath:
    return ("tasks", index, "depends_on", _needed(raw[index]).index(other))
