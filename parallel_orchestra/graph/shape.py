"""Who waits for whom: order, waves, the critical path.

Everything is iterative and about linear: a chain of 10,000 tasks is as good as a fan.
"""

import heapq
from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol

from parallel_orchestra.frozen import frozen
from parallel_orchestra.graph.barriers import barriers


class Node(Protocol):
    """What a graph needs to know of a task."""

    @property
    def id(self) -> str:
        """The task's id."""

    @property
    def depends_on(self) -> tuple[str, ...]:
        """The ids of the tasks that must be done before it."""

    @property
    def wave(self) -> int | None:
        """Its wave, which begins when all tasks of lower waves are done; None for no wave."""


@frozen
class Graph:
    """The tasks of a plan in an order in which they can run, with both directions of every edge.

    `order` is topological and keeps the plan's order among equals. `dependencies` and
    `dependents` have an entry for every task; their tuples are in the plan's order of mention.
    A task of a later wave depends on the last ones of the wave before as well.
    """

    order: tuple[str, ...]
    dependencies: Mapping[str, tuple[str, ...]]
    dependents: Mapping[str, tuple[str, ...]]

    @classmethod
    def of(cls, tasks: Iterable[Node]) -> "Graph":
        """Returns the graph of these tasks.

        Raises:
            ValueError: a dependency is unknown, or the tasks wait for each other in a circle
                (`plan` refuses both with better words).
        """
        nodes = tuple(tasks)
        dependencies = {task.id: tuple(dict.fromkeys(task.depends_on)) for task in nodes}
        waves = {task.id: task.wave for task in nodes if task.wave is not None}
        for task_id, needed in barriers(waves, dependencies).items():
            own = dependencies[task_id]
            dependencies[task_id] = tuple(dict.fromkeys((*own, *needed))) if own else needed
        dependents: dict[str, list[str]] = {task_id: [] for task_id in dependencies}
        for task_id, needed in dependencies.items():
            for other in needed:
                if other not in dependents:
                    raise ValueError(f"task {task_id!r} depends on unknown {other!r}")
                dependents[other].append(task_id)
        backward = {task_id: tuple(ids) for task_id, ids in dependents.items()}
        return cls(_topological(dependencies, backward), dependencies, backward)

    def waves(self) -> tuple[tuple[str, ...], ...]:
        """Returns the tasks by their earliest level: the first wave depends on nothing.

        A picture of the plan, not a schedule: nobody waits for the end of a wave.
        """
        level: dict[str, int] = {}
        waves: list[list[str]] = []
        for task_id in self.order:
            depth = 1 + max((level[other] for other in self.dependencies[task_id]), default=-1)
            level[task_id] = depth
            if depth == len(waves):
                waves.append([])
            waves[depth].append(task_id)
        return tuple(tuple(wave) for wave in waves)

    def bottom_levels(self, durations: Mapping[str, float]) -> dict[str, float]:
        """Returns for each task the length of the longest way from its start to the plan's end.

        In the unit of `durations`, the task's own included; a task without a duration counts 1.
        """
        levels: dict[str, float] = {}
        for task_id in reversed(self.order):
            after = max((levels[other] for other in self.dependents[task_id]), default=0.0)
            levels[task_id] = durations.get(task_id, 1.0) + after
        return levels

    def critical_path(self, durations: Mapping[str, float]) -> tuple[str, ...]:
        """Returns the longest chain of tasks, first to last; the plan can't end sooner."""
        levels = self.bottom_levels(durations)
        path: list[str] = []
        choices: Sequence[str] = self.order
        while choices:
            # max keeps the first of equals, which is the earliest in the plan's order
            path.append(max(choices, key=levels.__getitem__))
            choices = self.dependents[path[-1]]
        return tuple(path)


def find_cycle(dependencies: Mapping[str, Iterable[str]]) -> tuple[str, ...] | None:
    """Returns a circle of tasks, each waiting for the next, the first repeated at the end.

    None if there is none. Ids that have no entry of their own are passed over.
    """
    finished: set[str] = set()
    for start in dependencies:
        if start in finished:
            continue
        path = {start: None}  # an ordered set: where the walk is
        ways = [iter(dependencies[start])]
        while ways:
            onward = next((other for other in ways[-1] if other not in finished), None)
            if onward is None:
                ways.pop()
                finished.add(path.popitem()[0])
            elif onward in path:
                walked = list(path)
                return (*walked[walked.index(onward) :], onward)
            elif onward in dependencies:
                path[onward] = None
                ways.append(iter(dependencies[onward]))
    return None


def _topological(
    dependencies: Mapping[str, tuple[str, ...]], dependents: Mapping[str, tuple[str, ...]]
) -> tuple[str, ...]:
    # Not graphlib: it gives whole batches, and an order that follows the plan needs a heap.
    rank = {task_id: position for position, task_id in enumerate(dependencies)}
    names = tuple(dependencies)
    missing = {task_id: len(needed) for task_id, needed in dependencies.items()}
    ready = [rank[task_id] for task_id, count in missing.items() if count == 0]
    order: list[str] = []
    while ready:
        task_id = names[heapq.heappop(ready)]
        order.append(task_id)
        for other in dependents[task_id]:
            missing[other] -= 1
            if missing[other] == 0:
                heapq.heappush(ready, rank[other])
    if len(order) != len(names):
        raise ValueError("the tasks wait for each other in a circle")
    return tuple(order)
