"""Where the workers of a process work: as many berths as workers, each lent for one attempt.

A berth is a seat (a number and ports) with the worktrees that were made at it. A task that comes back
gets the berth that it had, if that is free at this moment, whoever takes it: its agent's session can
go on only there. Nobody ever waits for one.
"""

import contextlib
import threading
from collections.abc import Iterator

from parallel_orchestra.isolation import BENCH, CLONES, InPlace, Isolation, Slot, Tenant, take_down
from parallel_orchestra.model import Isolation as IsolationKind
from parallel_orchestra.model import Task
from parallel_orchestra.process import Supervisor
from parallel_orchestra.worker.shop import Shop

#: What the pool calls its worktrees, by the way in which they isolate.
_PREFIXES = {IsolationKind.WORKTREE: "wt", IsolationKind.CLONE: CLONES}


class Berth:
    """One seat with its worktrees, for one attempt at a time."""

    def __init__(self, shop: Shop, number: int) -> None:
        """Takes the number of the worker who has it if nobody needs it more."""
        self.number = number
        self.seat = shop.seats.take()
        self._shop = shop
        self._slots: dict[IsolationKind, Slot] = {}
        self._bench: Slot | None = None
        self._tenant: Tenant | None = None

    def place(self, task: Task) -> Isolation:
        """Returns where a task's next attempt works; its worktree is made when it is opened."""
        kind = task.isolation
        if kind is IsolationKind.NONE:
            return InPlace(self._shop.plan.cwd)
        if kind is IsolationKind.SHARED:
            self._tenant = self._tenant or Tenant(self._shop.commons)
            return self._tenant.owns(task.may_write)
        if kind not in self._slots or self._shop.keep_worktrees:
            self._slots[kind] = self._shop.pool.slot(_PREFIXES[kind])
        return self._slots[kind]

    def bench(self) -> Slot:
        """Returns where the work of its attempts is judged, and where conflicts are resolved."""
        if self._bench is None:
            self._bench = self._shop.pool.slot(BENCH)
        return self._bench

    def has(self, directory: str) -> bool:
        """Returns whether one of its worktrees is where agents work in that directory."""
        return any(str(slot.directory) == directory for slot in self._slots.values())

    def take_down(self) -> None:
        """Takes down what was set up, also after a cancel: nothing of it may run on."""
        shop = self._shop
        log = shop.store.layout.root / f"teardown-{self.number}.log"
        places: tuple[Isolation | None, ...] = (*self._slots.values(), self._bench, self._tenant)
        for place in filter(None, places):
            if shop.keep_worktrees or not place.set_up_as().teardown:
                continue
            with Supervisor() as supervisor:
                for trouble in take_down(place, shop.means(supervisor, self.seat), log):
                    shop.warn("", f"{trouble}; see {log}")


class Berths:
    """The berths of a process, one for each of its workers; any thread may call."""

    def __init__(self) -> None:
        self._turn = threading.Lock()
        self._free: list[Berth] = []

    def add(self, berth: Berth) -> None:
        """Adds that of one more worker."""
        with self._turn:
            self._free.append(berth)

    @contextlib.contextmanager
    def lent(self, worker: int, directory: str) -> Iterator[Berth]:
        """Lends a worker a berth: the one with that directory if it is free, else rather its own."""
        berth = self.retired(worker, directory)
        try:
            yield berth
        finally:
            self.add(berth)

    def retired(self, worker: int, directory: str = "") -> Berth:
        """Takes a berth out; whose worker works no more, needs it no more."""
        with self._turn:
            berth = min(
                self._free,
                key=lambda one: (not (directory and one.has(directory)), one.number != worker),
            )
            self._free.remove(berth)
            return berth
