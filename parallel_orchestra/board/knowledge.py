"""What this process knows of the tasks of its run, and what its workers tell of them.

The claims themselves are handed out in `board`.
"""

import math
import threading
from collections import Counter
from collections.abc import Mapping
from contextlib import ExitStack, suppress

from parallel_orchestra.board.backoffs import Backoffs
from parallel_orchestra.board.breaker import Breaker
from parallel_orchestra.board.budget import Purse
from parallel_orchestra.board.clock import Clock
from parallel_orchestra.board.gate import Gate
from parallel_orchestra.board.limits import Limits, Orders
from parallel_orchestra.board.rounds import Rounds
from parallel_orchestra.board.troubles import Troubles
from parallel_orchestra.errors import EnvironmentProblem, Problem
from parallel_orchestra.model import FailureClass, Halt, HaltWhen, Task
from parallel_orchestra.recovery import Recovery
from parallel_orchestra.schedule import Schedule, Seen
from parallel_orchestra.schedule.usage_limits import Account, Limit
from parallel_orchestra.spending import Grant
from parallel_orchestra.states import TaskState
from parallel_orchestra.store import Claim, Entry, TaskName, TaskStore
from parallel_orchestra.store.records import last_result
from parallel_orchestra.store.room import Room

#: Seconds that the end of an attempt waits for `claim.lock`.
_LOCK_PATIENCE = 5.0
_GO_ON = Halt()
_SEEN = {state: Seen(state) for state in TaskState}


class Knowledge:
    """What this process knows of its tasks, and is told of them. Any thread may call."""

    def __init__(
        self,
        tasks: Mapping[str, Task],
        schedule: Schedule,
        store: TaskStore,
        recovery: Recovery,
        clock: Clock,
        rivals: Mapping[str, tuple[str, ...]],
        limits: Mapping[str, int],
        room: Room,
        gate: Gate,
        halt: Halt = _GO_ON,
        purse: Purse | None = None,
        breaker: Breaker | None = None,
        *,
        asks: bool = False,
        mends: bool = True,
    ) -> None:
        """Takes the room, gate and breaker that let tasks start, and when failures are enough.

        If it `asks`, one conflict is enough: a person is to look at it. One that `mends` ends with a
        look at all tasks, for what others left half-done.
        """
        self._asks, self._mends = asks, mends
        #: The failed tasks that were there before, or whose failure is known to be no conflict.
        self._looked_into: set[str] | None = None
        self._question = ""
        self._tasks = tasks
        self._room = room
        self._troubles = Troubles(room, store.layout.root, clock.monotonic)
        self._gate = gate
        self._breaker = breaker or Breaker.of_nobody(store.layout, clock)
        self._halt = halt
        self._purse = purse
        self._undone: frozenset[str] = frozenset()
        self._schedule = schedule
        self._store = store
        self._recovery = recovery
        self._clock = clock
        self._changed = threading.Condition()
        self._limits = Limits(
            tasks, store, rivals, limits, monotonic=clock.monotonic, pause=self._changed.wait
        )
        self._orders = Orders(store.layout, clock.monotonic)
        self._entries: dict[str, Entry] = {}
        self._active: dict[str, Claim] = {}
        self._backoffs = Backoffs(store.layout, clock.now, clock.monotonic)
        self._barred: dict[str, str] = {}
        self._rounds = Rounds(clock.monotonic)
        self._stopping = self._halted = False

    @property
    def active(self) -> tuple[Claim, ...]:
        """The claims that this process works on; never waits, so that the heartbeat goes on."""
        # A copy is one step for all other threads.
        return tuple(self._active.copy().values())

    def count(self) -> Counter[TaskState]:
        """Returns how many tasks lie in each state, as far as this process knows."""
        with self._changed:
            return self._schedule.count()

    def seen(self) -> dict[str, Seen]:
        """Returns where the tasks lie, as far as this process knows; when they may start is left out."""
        with self._changed:
            found = {
                task: _SEEN[one.state] for task, one in self._entries.items() if task in self._tasks
            }
            return found | dict.fromkeys(self._active, _SEEN[TaskState.LOCKED])

    def halted(self) -> HaltWhen | None:
        """Returns how the run stops because too many tasks have failed; None if it does not."""
        with self._changed:
            if self._question:
                return HaltWhen.SOON
            return self._halt.when if self._halted else None

    @property
    def question(self) -> str:
        """The task whose conflict ended the run before its time; empty if none did."""
        with self._changed:
            return self._question

    def stop(self) -> None:
        """Hands out no more claims; `next` returns None to everybody."""
        with self._changed:
            self._stopping = True
            self._changed.notify_all()

    def granted(self, claim: Claim) -> Grant | None:
        """Returns what an attempt may use; None if no budget limits it."""
        return self._purse.granted(claim) if self._purse is not None else None

    def exhausted(self) -> bool:
        """Returns whether, as of the last look, nothing can become runnable any more."""
        with self._changed:
            return self._schedule.exhausted()

    def why(self, task: str) -> str:
        """Returns what, as of the last look, keeps an available task from running; may be empty."""
        with self._changed:
            return self._schedule.why(task, self._clock.monotonic())

    def ended(self, name: TaskName, state: TaskState, delay: float = 0.0) -> None:
        """Takes notice of where a claimed task went; it is offered again after `delay` seconds."""
        with self._changed:
            self._forget(name.task)
            self._entries[name.task] = Entry.of(state, name)
            wake = self._backoffs.begin(name, delay) if state is TaskState.AVAILABLE else 0.0
            self._schedule.moved(name.task, state, wake)
            if state is TaskState.FAILED:
                self._count_failures()
            self._changed.notify_all()

    def answered(
        self, claim: Claim, failure: FailureClass | None, reason: str, wait: float | None
    ) -> None:
        """Takes notice of how an agent's attempt ends, before its task moves.

        `wait` is in how many seconds its usage limit ends, as far as it said so.
        """
        # Without the lock, for which eight workers wait: if the claim is one that tries whether a
        # limit is over, this very thread has noted it.
        if not self._breaker.concerns(claim, failure):
            return
        with self._changed:
            with ExitStack() as stack:
                # Without the lock, which a full disk may keep from us, it is one attempt too many.
                with suppress(OSError, EnvironmentProblem):
                    stack.enter_context(self._limits.alone(_LOCK_PATIENCE))
                self._breaker.ended(claim, failure, reason, wait)
            if self._breaker.brake(self._schedule):
                self._rounds.ask()
            self._changed.notify_all()

    def stopped(self) -> tuple[Limit, ...]:
        """Returns the usage limits because of which, as of the last look, tasks are left undone."""
        with self._changed:
            entries = (entry for task, entry in self._entries.items() if task in self._tasks)
            left = (entry.name.task for entry in entries if entry.state is TaskState.AVAILABLE)
            return self._breaker.stopping(left)

    def lost(self, claim: Claim) -> None:
        """Takes notice that a claim is not ours any more; the next look tells where it lies."""
        with self._changed:
            self._forget(claim.task)
            self._rounds.ask()
            self._changed.notify_all()

    def bar(self, task: str) -> None:
        """Starts no more tasks of that one's account, which can't log in; they stay where they are."""
        with self._changed:
            self._barred.setdefault(self._lane(task), task)
            self._rounds.ask()
            self._changed.notify_all()

    def barred(self) -> Mapping[str, list[str]]:
        """Returns the tasks left undone, as of the last look, because that one could not log in."""
        with self._changed:
            left: dict[str, list[str]] = {}
            for name, entry in self._entries.items():
                if entry.state is TaskState.AVAILABLE and name in self._tasks:
                    culprit = self._barred.get(self._lane(name))
                    if culprit is not None:
                        left.setdefault(culprit, []).append(name)
            return left

    def enlarge(
        self,
        schedule: Schedule,
        rivals: Mapping[str, tuple[str, ...]],
        accounts: Mapping[str, Account],
        purse: Purse | None = None,
    ) -> None:
        """Goes on with a schedule that has more tasks, which `tasks` has already."""
        with self._changed:
            self._breaker.accounts = accounts
            self._purse = self._purse or purse
            schedule.inherit(self._schedule)
            self._schedule = schedule
            self._limits.rivals = rivals
            self._rounds.ask()
            self._changed.notify_all()

    def lack(self, since: float = math.inf) -> Problem | None:
        """Returns which disk of the run is full, or was at or after a monotonic time; else None.

        Never waits. Who works long asks now and then: what nobody saw is not known later.
        """
        return self._room.lack(since)

    @property
    def _may_halt(self) -> bool:
        """Whether a task that fails may be the last one to do so."""
        return self._asks or self._halt.when is not HaltWhen.KEEP_GOING

    def _forget(self, task: str) -> None:
        self._active.pop(task, None)

    def _count_failures(self) -> None:
        failed = self._schedule.failed + self._just_failed() - len(self._undone)
        if not self._halted and self._halt.reached(failed, len(self._tasks)):
            self._halted = self._stopping = True
        if self._asks and not self._question:
            self._look_for_a_question()

    def _just_failed(self) -> int:
        """Returns how many of ours lie in `failed/` by now, of which their threads are about to tell."""
        found = (self._entries.get(task) for task in self._active)
        return sum(one is not None and one.state is TaskState.FAILED for one in found)

    def _look_for_a_question(self) -> None:
        entries = self._entries.items()
        failed = {task for task, entry in entries if entry.state is TaskState.FAILED}
        if self._looked_into is None:
            # What failed in an earlier run was asked then.
            self._looked_into = failed
        for task in sorted(failed - self._looked_into):
            self._looked_into.add(task)
            last = last_result(self._store.layout, task)
            if last is not None and last.failure == FailureClass.CONFLICT.value:
                self._question = task
                self._halted = self._stopping = True
                return

    def _lane(self, task: str) -> str:
        """Returns the account that pays for a task, or where nobody knows it the backend."""
        return self._breaker.lane(task) or self._tasks[task].backend
