"""Looks at the four directories: where each task lies.

A look meets every file of a run, and each process takes one when it begins and one when it ends,
so with many processes it is most of what a claim costs. Therefore only names that the last look
did not see are taken apart, all of a directory at once, and owners and counters when somebody asks.
"""

from collections.abc import Mapping, Sequence
from dataclasses import field
from itertools import repeat
from operator import attrgetter
from typing import NamedTuple

from parallel_orchestra import files
from parallel_orchestra.frozen import frozen
from parallel_orchestra.states import TaskState
from parallel_orchestra.store.names import TaskName, parse, tasks_of


# No dataclass: a look at 100,000 tasks makes as many, and a tuple is made in a third of the time.
class Entry(NamedTuple):
    """Where a task lies, and the name of its file there."""

    state: TaskState
    task: str
    file: str

    @classmethod
    def of(cls, state: TaskState, name: TaskName) -> "Entry":
        """Returns the entry of a file with that name."""
        return cls(state, name.task, name.file)

    @property
    def name(self) -> TaskName:
        """What the file's name says, taken apart whenever it is asked for."""
        if self.bare:
            return TaskName(self.task)
        name = parse(self.file)
        assert name is not None, self.file  # noqa: S101
        return name

    @property
    def bare(self) -> bool:
        """Whether the file's name says nothing but the task, as that of a fresh one."""
        return len(self.file) == len(self.task) + len(".md")


@frozen
class Listing:
    """One look at the four directories, along the way of travel; the later place wins.

    A task that moved backwards meanwhile may be missing, see `TaskStore.settled_listing`.
    `doubles` are tasks seen in more than one place, `strange` paths whose names are not ours.
    """

    entries: dict[str, Entry]
    doubles: dict[str, tuple[Entry, ...]] = field(default_factory=dict)
    strange: tuple[str, ...] = ()


_TASK_OF = attrgetter("task")


class Looks:
    """The looks of one store. Any thread may take one: what was seen is replaced, never changed."""

    def __init__(self, paths: Mapping[TaskState, str]) -> None:
        """Takes the directory of each state."""
        self._paths = paths
        self._seen: dict[TaskState, dict[str, Entry]] = {state: {} for state in TaskState}

    def take(self) -> Listing:
        """Returns one look at all tasks."""
        entries: dict[str, Entry] = {}
        strange: list[str] = []
        all_seen = []
        # Along the way of travel: a task may be seen twice, but not missed while it advances.
        for state in TaskState:
            seen, odd = self._look_at(state)
            entries.update(zip(map(_TASK_OF, seen.values()), seen.values(), strict=True))
            strange += [f"{state.value}/{file}" for file in odd]
            all_seen.append(seen)
        fewer = len(entries) < sum(map(len, all_seen))
        return Listing(
            entries, _doubles(entries, all_seen) if fewer else {}, tuple(sorted(strange))
        )

    def _look_at(self, state: TaskState) -> tuple[dict[str, Entry], list[str]]:
        """Returns the tasks' files in one directory, by name, and the names that are not ours."""
        names, before = files.names(self._paths[state]), self._seen[state]
        # In the order of the directory: what was made together lies together in memory.
        appeared = [file for file in names if file not in before]
        left = len(names) - len(appeared)
        if not appeared and left == len(before):
            return before, []
        seen = before.copy() if left else {}
        for file in seen.keys() - set(names) if left < len(seen) else ():
            del seen[file]
        tasks, odd = tasks_of(appeared), list[str]()
        # All at once: a look may be at 100,000 of them.
        seen.update(
            zip(appeared, map(Entry._make, zip(repeat(state), tasks, appeared)), strict=True)
        )
        if not all(tasks):
            odd = [file for task, file in zip(tasks, appeared, strict=True) if not task]
            for file in odd:
                del seen[file]
        self._seen[state] = seen
        return seen, odd


def _doubles(
    entries: Mapping[str, Entry], all_seen: Sequence[Mapping[str, Entry]]
) -> dict[str, tuple[Entry, ...]]:
    """Returns all files of the tasks that have more than the one that counts."""
    all_files = [entry for seen in all_seen for entry in seen.values()]
    double = {entry.task for entry in all_files if entries[entry.task] is not entry}
    found: dict[str, tuple[Entry, ...]] = {}
    for entry in all_files:
        if entry.task in double:
            found[entry.task] = (*found.get(entry.task, ()), entry)
    return found
