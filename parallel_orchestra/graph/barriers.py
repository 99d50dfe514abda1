"""Waves as dependencies: who of a later wave waits for whom of the wave before.

Not everybody for everybody: within a wave the order is known, so it is enough that its first
ones wait for the last ones of the wave before. Those who wait for the same tasks share one
tuple of them: a thousand before a thousand is a million edges, but a thousand names.
"""

from collections.abc import Iterable, Mapping

#: Edges of all waves together that a plan may have; all of them are looked at again and again.
MOST_EDGES = 1_000_000


def barriers(
    waves: Mapping[str, int], dependencies: Mapping[str, Iterable[str]]
) -> dict[str, tuple[str, ...]]:
    """Returns for each task that waits for a wave the tasks of that wave that it waits for.

    `waves` has the tasks that are in a wave; numbers may be left out, their order counts. What
    a task depends on anyway may be among them.
    """
    members: dict[int, list[str]] = {}
    for task, wave in waves.items():
        members.setdefault(wave, []).append(task)
    waited_for: dict[str, tuple[str, ...]] = {}
    before: tuple[str, ...] = ()
    for wave in sorted(members):
        needed: set[str] = set()
        for task in members[wave]:
            inside = {other for other in dependencies.get(task, ()) if waves.get(other) == wave}
            needed |= inside
            if before and not inside:
                waited_for[task] = before
        before = tuple(task for task in members[wave] if task not in needed)
    return waited_for
