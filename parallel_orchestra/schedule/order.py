"""Decides which task may run next and says why the others wait. Pure bookkeeping.

It is told where tasks lie and asked for work; it never looks at a disk or a clock. Critical
path first: the task with the longest chain of work behind it, then priority, then the order
of the plan. A task's rank is its place in that order.

Ready tasks that no other task can hold up wait in heaps of ranks, one for each lane, since a lane
may be held as a whole: the tasks of one backend, or those for which one account pays. For those
with a concurrency group or with rivals, that write the same files, sets are numbers: bit i stands
for rank i. So what may run of them is one subtraction
(the ready ones without those that a full group, a running rival or a held lane holds up), and
nobody has to be woken when a limit becomes free.
"""

import heapq
from collections import Counter, defaultdict
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from random import Random

from parallel_orchestra.graph import Graph
from parallel_orchestra.graph.rivals import positions
from parallel_orchestra.model import Task
from parallel_orchestra.schedule.causes import Cause, Hold, doomed, named
from parallel_orchestra.schedule.company import Company
from parallel_orchestra.schedule.expected import durations
from parallel_orchestra.schedule.seen import Held, Seen
from parallel_orchestra.schedule.turns import Turns
from parallel_orchestra.states import TaskState


class Schedule:
    """The order of work of one process. Not thread-safe: its owner holds a lock."""

    def __init__(
        self,
        tasks: Sequence[Task],
        graph: Graph,
        rivals: Mapping[str, tuple[str, ...]],
        limits: Mapping[str, int],
        levels: Mapping[str, float],
        dice: Random | None = None,
        lanes: Mapping[str, str] | None = None,
    ) -> None:
        """Takes `levels`: per task, the seconds from its start to the end of the plan.

        `lanes` gives the tasks' lanes; one that is left out is in that of its backend.

        With `dice`, tasks of equal level and priority go in an order of one's own instead of
        the plan's: processes that share the tasks would all run for the same one.
        """
        self._turns = Turns(tasks, levels, dice)
        self._by_rank, self._rank = self._turns.by_rank, self._turns.rank
        self._tasks = {task.id: task for task in tasks}
        self._lane = {task.id: (lanes or {}).get(task.id, task.backend) for task in tasks}
        self._lanes: dict[str, dict[str, None]] = {}
        for task in tasks:
            self._lanes.setdefault(task.backend, {})[self._lane[task.id]] = None
        #: Stays right when equals change places: they do so within a lane.
        self._lane_at = tuple(self._lane[task] for task in self._by_rank)
        self._company = Company(tasks, self._rank, rivals, limits)
        self._graph = graph
        self._needy = tuple(task for task, needs in graph.dependencies.items() if needs)
        self._holds: dict[str, Held] = {}
        self.observe({})

    @classmethod
    def of(
        cls,
        tasks: Sequence[Task],
        graph: Graph,
        rivals: Mapping[str, tuple[str, ...]],
        limits: Mapping[str, int],
        past: Mapping[str, float],
        dice: Random | None = None,
        lanes: Mapping[str, str] | None = None,
    ) -> "Schedule":
        """Returns the schedule of a run: critical path first by what is known of durations.

        `past` are seconds that tasks took before; see `durations`.
        """
        levels = graph.bottom_levels(durations(tasks, past))
        return cls(tasks, graph, rivals, limits, levels, dice, lanes)

    def observe(self, seen: Mapping[str, Seen]) -> None:
        """Takes a whole look at the tasks in place of all that was known; absent ones are missing."""
        done, locked = TaskState.DONE, TaskState.LOCKED
        self._state = state = {task: one.state for task, one in seen.items()}
        # Not by a Counter of 100,000: before Python 3.12 the hash of an Enum is slow.
        states = list(state.values())
        self._count = Counter({one: states.count(one) for one in TaskState})
        self._pending: dict[str, int] = {}
        self._company.clear()
        self._locked = 0
        for task in self._needy:
            needs = self._graph.dependencies[task]
            self._pending[task] = sum(state.get(need) is not done for need in needs)
        held = [task for task, one in state.items() if one is locked]
        self._parked_locks = {task for task in held if seen[task].parked}
        for task in held:
            if task in self._rank:
                self._enter_lock(task)
        self._make_ready(seen)

    def _make_ready(self, seen: Mapping[str, Seen]) -> None:
        """Sorts the tasks that wait for no other into those that may start and those that sleep."""
        ready: defaultdict[str, list[int]] = defaultdict(list)
        self._asleep: list[tuple[float, int]] = []
        limited: list[str] = []
        # Local names: a look may be at 100,000 tasks. In the order of ranks each list is a heap.
        state, pending, lane_at = self._state, self._pending, self._lane_at
        choosy, available = self._company.limited, TaskState.AVAILABLE
        for rank, task in enumerate(self._by_rank if self._count[available] else ()):
            if state.get(task) is not available or pending.get(task):
                continue
            if not_before := seen[task].not_before:
                heapq.heappush(self._asleep, (not_before, rank))
            elif task in choosy:
                limited.append(task)
            else:
                ready[lane_at[rank]].append(rank)
        self._ready = dict(ready)
        self._ready_limited = self._company.set_of(limited)

    def glance(self, available: Container[str]) -> None:
        """Takes notice that of the tasks that are ready only these are still to be had.

        The others count as locked, as one that `take` returned.
        """
        by_rank, gone = self._by_rank, list[str]()
        for lane, ranks in self._ready.items():
            there = [rank for rank in ranks if by_rank[rank] in available]
            if len(there) < len(ranks):
                gone += [by_rank[rank] for rank in ranks if by_rank[rank] not in available]
                # In order, it is a heap again.
                self._ready[lane] = sorted(set(there))
                if not self._asleep:
                    self._turns.go_elsewhere(self._ready[lane])
        limited = [by_rank[rank] for rank in positions(self._ready_limited)]
        gone += [task for task in limited if task not in available]
        self._ready_limited = self._company.set_of(task for task in limited if task in available)
        self._lock_all(task for task in dict.fromkeys(gone) if self._startable(task))

    def may_start(self, now: float) -> bool:
        """Returns whether some task may run at this moment."""
        self._wake(now)
        return self._best() is not None

    def take(self, now: float, only: str = "") -> str | None:
        """Returns the best task that may run at this moment (on the monotonic clock), or None.

        `only` asks for that one and no other. The task counts as locked from here on; tell
        `moved` where it really went.
        """
        if self._asleep or self._holds:
            self._wake(now)
        rank = self._ready_rank(only) if only else self._best()
        if rank is None:
            return None
        task = self._by_rank[rank]
        if task in self._company.limited:
            self._ready_limited ^= 1 << rank
        elif not only:
            heapq.heappop(self._ready[self._lane[task]])
        self._lock(task)
        return task

    def hold(self, lane: str, until: float, words: str, kind: Hold = Hold.BACKEND) -> None:
        """Starts no task of a lane before an instant; `words` say why, as "waits until ...".

        Tasks of other lanes go on. A hold that ends later stands.
        """
        held = self._holds.get(lane)
        if held is None:
            ours = (task for task in self._company.limited if self._lane[task] == lane)
            self._holds[lane] = Held(until, words, self._company.set_of(ours), kind)
        elif until > held.until:
            self._holds[lane] = Held(until, words, held.limited, kind)

    def lift(self, lane: str) -> None:
        """Ends the hold on a lane, if there is one."""
        self._holds.pop(lane, None)

    def lanes_of(self, backend: str) -> tuple[str, ...]:
        """Returns the lanes in which a backend's tasks are."""
        return tuple(self._lanes.get(backend, ()))

    def inherit(self, old: "Schedule") -> None:
        """Takes over what lanes an older schedule, of fewer tasks, holds."""
        for lane, held in old._holds.items():  # noqa: SLF001  # one of us
            self.hold(lane, held.until, held.words, held.kind)

    def moved(self, task: str, state: TaskState, not_before: float = 0.0) -> None:
        """Takes notice that a task that counted as locked lies elsewhere; not to start before then."""
        before = self._place(task, state)
        if before is TaskState.LOCKED and state is not TaskState.LOCKED:
            self._leave_lock(task)
        if state is TaskState.DONE and before is not TaskState.DONE:
            for dependent in self._graph.dependents[task]:
                self._pending[dependent] -= 1
                self._offer(dependent, 0.0)
        if state is TaskState.AVAILABLE:
            self._offer(task, not_before)

    def count(self) -> Counter[TaskState]:
        """Returns how many tasks lie in each state."""
        return +self._count

    @property
    def failed(self) -> int:
        """How many tasks have failed."""
        return self._count[TaskState.FAILED]

    def available(self) -> tuple[str, ...]:
        """Returns the tasks that lie in `available/`, the best first."""
        available = TaskState.AVAILABLE
        return tuple(task for task in self._by_rank if self._state.get(task) is available)

    def next_wake(self) -> float | None:
        """Returns when (on the monotonic clock) a ready task's backoff or hold ends, or None."""
        ends = [held.until for lane, held in self._holds.items() if self._has_ready(lane)]
        return min([*ends, *(when for when, _ in self._asleep[:1])], default=None)

    def exhausted(self) -> bool:
        """Returns whether nothing can become runnable any more, whatever running tasks do.

        Locks that only a person can free do not keep a run alive.
        """
        at_rest = self._locked == len(self._parked_locks) and not self._asleep
        return at_rest and not any(map(self._has_ready, self._holds)) and self._best() is None

    def causes(self, now: float) -> dict[str, Cause]:
        """Returns what keeps each available task from running; who may run is not in it."""
        culprits = doomed(self._graph, self._state)
        asleep = {self._by_rank[rank]: when for when, rank in self._asleep}
        found = {}
        for task in self._by_rank:
            if self._state.get(task) is TaskState.AVAILABLE:
                cause = self._cause(task, now, culprits, asleep)
                if cause is not None:
                    found[task] = cause
        return found

    def why(self, task: str, now: float) -> str:
        """Returns in words what keeps an available task from running; empty if nothing does."""
        asleep = {self._by_rank[rank]: when for when, rank in self._asleep}
        cause = self._cause(task, now, doomed(self._graph, self._state), asleep)
        return cause.words if cause is not None else ""

    def _cause(
        self, task: str, now: float, culprits: Mapping[str, str], asleep: Mapping[str, float]
    ) -> Cause | None:
        if task in culprits:
            culprit = culprits[task]
            return Cause(Hold.DOOMED, f"`{culprit}`, which it needs, failed", (culprit,))
        missing = tuple(self._missing(task))
        if missing:
            return Cause(Hold.DEPENDENCY, f"waits for {named(missing)}", missing)
        if asleep.get(task, now) > now:
            wait = asleep[task] - now
            words = f"failed before; next attempt in {wait:.0f} s"
            return Cause(Hold.BACKOFF, words, until=asleep[task])
        return self._limit_on(task) or self._hold_on(task, now)

    def _missing(self, task: str) -> Iterator[str]:
        for need in self._graph.dependencies[task]:
            if self._state.get(need) is not TaskState.DONE:
                yield need

    def _limit_on(self, task: str) -> Cause | None:
        """Returns which running task or group keeps a task from starting beside it."""
        group = self._company.full_group(task)
        if group:
            limit = self._company.limit(group)
            words = f"concurrency group `{group}` is full ({limit} running)"
            return Cause(Hold.GROUP, words, tuple(self._running_in(group)))
        rival = self._company.rival(task)
        if rival:
            how = "locked by hand" if rival in self._parked_locks else "running"
            words = f"`{rival}` writes the same files and is {how}"
            return Cause(Hold.OVERLAP, words, (rival,))
        return None

    def _running_in(self, group: str) -> Iterator[str]:
        for rank in self._company.members(group):
            if self._state.get(self._by_rank[rank]) is TaskState.LOCKED:
                yield self._by_rank[rank]

    def _hold_on(self, task: str, now: float) -> Cause | None:
        held = self._holds.get(self._lane[task])
        if held is None or held.until <= now:
            return None
        return Cause(held.kind, held.words, until=held.until)

    def _wake(self, now: float) -> None:
        """Takes notice of the backoffs and holds that are over."""
        while self._asleep and self._asleep[0][0] <= now:
            self._offer(self._by_rank[heapq.heappop(self._asleep)[1]], 0.0)
        if self._holds:
            for lane in [name for name, held in self._holds.items() if held.until <= now]:
                del self._holds[lane]

    def _startable(self, task: str) -> bool:
        return self._state.get(task) is TaskState.AVAILABLE and not self._pending.get(task)

    def _offer(self, task: str, not_before: float) -> None:
        if not self._startable(task):
            return
        if not_before:
            heapq.heappush(self._asleep, (not_before, self._rank[task]))
        elif task in self._company.limited:
            self._ready_limited |= 1 << self._rank[task]
        else:
            heapq.heappush(self._ready.setdefault(self._lane[task], []), self._rank[task])

    def _best(self) -> int | None:
        """Returns the lowest rank of all that may run at this moment."""
        best = None
        for lane in self._ready:
            rank = self._first(lane) if lane not in self._holds else None
            if rank is not None and (best is None or rank < best):
                best = rank
        free = self._ready_limited & ~self._barred() if self._ready_limited else 0
        if free:
            limited = (free & -free).bit_length() - 1
            best = limited if best is None else min(best, limited)
        return best

    def _first(self, lane: str) -> int | None:
        """Returns the lowest rank in a lane's heap; takes out what is ready no more."""
        ready = self._ready[lane]
        while ready and not self._startable(self._by_rank[ready[0]]):
            heapq.heappop(ready)
        return ready[0] if ready else None

    def _has_ready(self, lane: str) -> bool:
        """Returns whether some task of a held lane waits for nothing but the hold."""
        if lane in self._ready and self._first(lane) is not None:
            return True
        limited = self._ready_limited & self._holds[lane].limited
        return bool(limited & ~self._company.barred())

    def _ready_rank(self, task: str) -> int | None:
        """Returns the rank of a task if it may run at this moment."""
        rank, lane = self._rank[task], self._lane[task]
        if task in self._company.limited:
            return rank if (self._ready_limited & ~self._barred()) >> rank & 1 else None
        there = lane not in self._holds and rank in self._ready.get(lane, ())
        return rank if there and self._startable(task) else None

    def _lock(self, task: str) -> None:
        self._place(task, TaskState.LOCKED)
        self._enter_lock(task)

    def _lock_all(self, tasks: Iterable[str]) -> None:
        """Does the same as `_lock` for many tasks in `available/`, and counts them once."""
        before = self._locked
        for task in tasks:
            self._state[task] = TaskState.LOCKED
            self._locked += 1
            if task in self._company.limited:
                self._company.enter(task)
        self._count[TaskState.LOCKED] += self._locked - before
        self._count[TaskState.AVAILABLE] -= self._locked - before

    def _place(self, task: str, state: TaskState) -> TaskState | None:
        """Notes where a task lies and returns where it lay before."""
        before = self._state.get(task)
        if before is not None:
            self._count[before] -= 1
        self._count[state] += 1
        self._state[task] = state
        return before

    def _enter_lock(self, task: str) -> None:
        self._locked += 1
        if task in self._company.limited:
            self._company.enter(task)

    def _leave_lock(self, task: str) -> None:
        self._locked -= 1
        self._parked_locks.discard(task)
        if task in self._company.limited:
            self._company.leave(task)

    def _barred(self) -> int:
        """Returns those that a running task or a hold keeps from starting now."""
        barred = self._company.barred()
        for held in self._holds.values():
            barred |= held.limited
        return barred
