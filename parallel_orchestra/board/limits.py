"""What keeps a task from being claimed: others at work, in whatever process, or what people asked.

Its concurrency group may be full, and no two tasks that write the same files may run at once.
Such a task is claimed under `claim.lock`, with a look at what lies in `locked/`. The run may be
paused, or be one that carries out some tasks only.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import IO

from parallel_orchestra.errors import Problem, WaitsForPerson
from parallel_orchestra.model import Task
from parallel_orchestra.store import Layout, TaskStore, steering

_PAUSE = 0.01
#: Seconds that a process waits in a paused run before it ends: nobody comes back to it.
_LONGEST_PAUSE = 86_400.0


class Orders:
    """What people asked of the run that keeps tasks from starting; its owner holds a lock."""

    def __init__(self, layout: Layout, monotonic: Callable[[], float]) -> None:
        self._layout = layout
        self._monotonic = monotonic
        self._selection: steering.Selection | None = None
        self._since: float | None = None

    def look(self) -> None:
        """Takes notice of which tasks this run carries out."""
        self._selection = steering.selection(self._layout)

    @property
    def selective(self) -> bool:
        """Whether, as of the last `look`, this run carries out some tasks only."""
        return self._selection is not None

    def allow(self, task: str) -> bool:
        """Returns whether this run carries out a task, as of the last `look`."""
        return self._selection is None or task in self._selection.tasks

    def paused(self, *, idle: bool) -> bool:
        """Returns whether nothing may start at this moment.

        Raises:
            WaitsForPerson: it has been so for a day, and this process is idle.
        """
        if not steering.paused(self._layout):
            self._since = None
            return False
        now = self._monotonic()
        if self._since is None:
            self._since = now
        if idle and now - self._since > _LONGEST_PAUSE:
            raise WaitsForPerson(
                Problem(
                    "the run has been paused for a day; it stays so",
                    str(self._layout.steering),
                    "`parallel-orchestra resume-run`, then run with `--resume`",
                )
            )
        return True


class Limits:
    """The limits of one run, as one process keeps them; its owner holds a lock."""

    def __init__(
        self,
        tasks: Mapping[str, Task],
        store: TaskStore,
        rivals: Mapping[str, tuple[str, ...]],
        groups: Mapping[str, int],
        *,
        monotonic: Callable[[], float],
        pause: Callable[[float], object],
    ) -> None:
        """Takes how many tasks of each group may run at once, one if it is not said."""
        self._tasks = tasks
        self._store = store
        #: Which tasks write the same files; more when tasks join the run.
        self.rivals = rivals
        self._groups = groups
        self._monotonic = monotonic
        self._pause = pause
        self._lock: IO[bytes] | None = None

    def concern(self, task: str) -> bool:
        """Returns whether tasks that are locked may keep this one from running."""
        return bool(self._tasks[task].concurrency_group) or task in self.rivals

    @contextmanager
    def held(self, task: str, patience: float = 0.0, *, alone: bool = False) -> Iterator[bool]:
        """Holds what limits a task; tells whether it may run beside those that are locked.

        Waits for others who claim for `patience` seconds at most. `alone` keeps others from
        claiming meanwhile, whatever limits the task.

        Raises:
            OSError: the lock file can't be opened.
        """
        group = self._tasks[task].concurrency_group
        rivals = self.rivals.get(task, ())
        if not group and not rivals and not alone:
            yield True
            return
        with self.alone(patience) as mine:
            if not mine:
                yield False
                return
            locked = self._store.locked_tasks() & self._tasks.keys()
            used = sum(self._tasks[one].concurrency_group == group for one in locked)
            full = bool(group) and used >= self._groups.get(group, 1)
            yield not full and locked.isdisjoint(rivals)

    @contextmanager
    def alone(self, patience: float = 0.0) -> Iterator[bool]:
        """Holds `claim.lock`, if it is to be had within `patience` seconds; tells whether it was.

        Raises:
            OSError: the lock file can't be opened.
        """
        if not self._taken(patience):
            yield False
            return
        try:
            yield True
        finally:
            self._give_back()

    def _taken(self, patience: float) -> bool:
        import portalocker  # noqa: PLC0415  # 70 ms that only such plans need

        if self._lock is None:
            self._lock = self._store.layout.lock_file("claim.lock")
        deadline = self._monotonic() + patience
        while True:
            try:
                portalocker.lock(self._lock, portalocker.LOCK_EX | portalocker.LOCK_NB)
            except portalocker.LockException:
                if self._monotonic() >= deadline:
                    return False
                self._pause(_PAUSE)
            else:
                return True

    def _give_back(self) -> None:
        import portalocker  # noqa: PLC0415  # see above

        if self._lock is not None:
            portalocker.unlock(self._lock)
            self._lock.close()
            self._lock = None
