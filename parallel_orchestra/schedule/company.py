"""Which tasks may not run beside the running ones: full groups, and rivals for the same files.

Sets are numbers: bit i stands for the task of rank i.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from parallel_orchestra.graph.rivals import positions
from parallel_orchestra.model import Task


class Company:
    """The limits of a plan, and who of those that they concern runs."""

    def __init__(
        self,
        tasks: Sequence[Task],
        rank: Mapping[str, int],
        rivals: Mapping[str, tuple[str, ...]],
        limits: Mapping[str, int],
    ) -> None:
        """Takes how many tasks of each group may run at once, one if it is not said."""
        self._tasks = {task.id: task for task in tasks}
        self._rank = rank
        self._rivals = rivals
        self._limits = limits
        members: dict[str, list[str]] = {}
        for task in tasks:
            members.setdefault(task.concurrency_group, []).append(task.id)
        members.pop("", None)
        self._members = {group: self.set_of(ids) for group, ids in members.items()}
        #: The tasks that some limit concerns.
        self.limited = {task.id for task in tasks if task.concurrency_group or task.id in rivals}
        self.clear()

    def set_of(self, tasks: Iterable[str]) -> int:
        """Returns tasks as a set of ranks."""
        octets = bytearray(len(self._rank) // 8 + 1)
        for task in tasks:
            rank = self._rank[task]
            octets[rank >> 3] |= 1 << (rank & 7)
        return int.from_bytes(octets, "little")

    def clear(self) -> None:
        """Forgets who runs."""
        self._used: dict[str, int] = {}
        self._held_up: dict[str, int] = {}

    def enter(self, task: str) -> None:
        """Takes notice that a task runs."""
        group = self._tasks[task].concurrency_group
        if group:
            self._used[group] = self._used.get(group, 0) + 1
        if task in self._rivals:
            self._held_up[task] = self.set_of(self._rivals[task])

    def leave(self, task: str) -> None:
        """Takes notice that a task that ran does so no more."""
        self._held_up.pop(task, None)
        group = self._tasks[task].concurrency_group
        if group:
            self._used[group] -= 1
            if not self._used[group]:
                del self._used[group]  # `barred` looks at the groups in use only

    def barred(self) -> int:
        """Returns the set of those that may not start beside the running ones."""
        barred = 0
        for held_up in self._held_up.values():
            barred |= held_up
        for group in self._used:
            if self._used[group] >= self.limit(group):
                barred |= self._members[group]
        return barred

    def full_group(self, task: str) -> str:
        """Returns a task's group if no more of it may run, else an empty string."""
        group = self._tasks[task].concurrency_group
        return group if group and self._used.get(group, 0) >= self.limit(group) else ""

    def limit(self, group: str) -> int:
        """Returns how many tasks of a group may run at once."""
        return self._limits.get(group, 1)

    def members(self, group: str) -> Iterator[int]:
        """Yields the ranks of the tasks in a group."""
        return positions(self._members[group])

    def rival(self, task: str) -> str:
        """Returns a running task that writes the same files as this one, or an empty string."""
        rank = self._rank[task]
        running = (one for one, held_up in self._held_up.items() if held_up >> rank & 1)
        return next(running, "")
