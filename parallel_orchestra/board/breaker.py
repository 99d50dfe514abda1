"""What keeps the tasks of an account from starting whose usage limit an agent has met.

Joins the pure story (`schedule.usage_limits`) with its files (`store.limits`), the clock and the
schedule. Any process opens and closes a breaker for all; who reads and writes a record holds the lock
of claims where that can be had, and is right without it at the price of one attempt too many.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace

from parallel_orchestra.board.clock import Clock
from parallel_orchestra.events import Event, LimitOver, LimitReached, Warned
from parallel_orchestra.model import FailureClass, UsageLimit
from parallel_orchestra.schedule import Hold, Schedule
from parallel_orchestra.schedule.usage_limits import (
    Account,
    Limit,
    Met,
    held_until,
    is_over,
    proves,
    reached,
    too_long,
)
from parallel_orchestra.states import TaskState
from parallel_orchestra.store import Claim, Layout
from parallel_orchestra.store import limits as records

#: Seconds for which a directory that has just changed is read again: its time may be as coarse as
#: the kernel's tick, so that it does not tell two changes apart.
_UNSURE = 0.1


class Breaker:
    """The usage limits of one run, as one process keeps to them; its owner holds a lock."""

    def __init__(
        self,
        layout: Layout,
        accounts: Mapping[str, Account],
        policy: UsageLimit,
        clock: Clock,
        *,
        dice: Callable[[], float],
        tell: Callable[[Event], None],
    ) -> None:
        """Takes who pays for each task, and who is told that a limit was met or is over."""
        #: Who pays for which task; more when tasks join the run.
        self.accounts = accounts
        self._layout = layout
        self._policy = policy
        self._now = clock.now
        self._monotonic = clock.monotonic
        self._dice = dice
        self._tell = tell
        self._begun = clock.now()
        self._sign: records.Sign | None = None
        self._sure_at = 0.0
        self._limits: dict[str, Limit] = {}
        #: Those that only this process knows of: the disk was full.
        self._unwritten: dict[str, Limit] = {}
        self._odd: frozenset[str] = frozenset()
        self._braked: frozenset[str] = frozenset()
        self._stopped: frozenset[str] = frozenset()

    @classmethod
    def of_nobody(cls, layout: Layout, clock: Clock) -> "Breaker":
        """Returns a breaker that concerns no task."""
        return cls(layout, {}, UsageLimit(), clock, dice=lambda: 0.0, tell=lambda _: None)

    def lane(self, task: str) -> str:
        """Returns the name of the account that pays for a task; empty if nobody knows it."""
        account = self.accounts.get(task)
        return account.lane if account is not None else ""

    def heed(self, schedule: Schedule, *, anyhow: bool = False) -> bool:
        """Brakes the schedule as the files say if they changed; returns whether that stops a lane.

        `anyhow` does it even if they did not: time has passed.
        """
        if anyhow:
            for limit in list(self._unwritten.values()):
                self._write(limit)
        sign, now = records.sign(self._layout), self._monotonic()
        if sign != self._sign:
            self._sign, self._sure_at = sign, now + _UNSURE
        elif now >= self._sure_at and not anyhow:
            return False
        if sign != (0, 0) or self._limits:
            self._read()
        return self.brake(schedule)

    def brake(self, schedule: Schedule) -> bool:
        """Holds the lanes whose limit is not over, and those only; returns whether it stops one."""
        if not (self._limits or self._braked or self._stopped):
            return False
        now, until = self._now(), {}
        for lane, limit in list(self._limits.items()):
            probing = self._probing(limit)
            if is_over(limit, now, probing=probing):
                self._close(lane)
            elif (end := held_until(limit, now, probing=probing)) is not None:
                until[lane] = end
        for lane in self._braked - until.keys():
            schedule.lift(lane)
        for lane, end in until.items():
            schedule.lift(lane)
            words = self._limits[lane].words(now)
            schedule.hold(lane, self._monotonic() + end - now, words, Hold.USAGE_LIMIT)
        self._braked = frozenset(until)
        before = self._stopped
        # Who has stopped stays so, even if the time comes while other tasks still run.
        self._stopped = frozenset(
            lane
            for lane, limit in self._limits.items()
            if lane in before or too_long(limit, now, self._begun, self._policy)
        )
        return bool(self._stopped - before)

    @property
    def stops(self) -> bool:
        """Whether this process starts no more tasks of some account."""
        return bool(self._stopped)

    def stopped(self, task: str) -> bool:
        """Returns whether this process starts no more tasks of that one's account."""
        return self.stops and self.lane(task) in self._stopped

    def stopping(self, tasks: Iterable[str]) -> tuple[Limit, ...]:
        """Returns the limits because of which some of these tasks do not start in this process."""
        found = {self.lane(task): self.limit(task) for task in tasks if self.stopped(task)}
        return tuple(limit for limit in found.values() if limit is not None)

    def limit(self, task: str) -> Limit | None:
        """Returns the usage limit that concerns a task, if one was met."""
        return self._limits.get(self.lane(task)) if self._limits else None

    def half_open(self, task: str) -> bool:
        """Returns whether an attempt of that task would be the one that tries."""
        limit = self.limit(task)
        return limit is not None and self._now() >= limit.until

    def admits(self, task: str) -> bool:
        """Returns whether a task may be claimed at this moment; asked under the lock of claims."""
        lane = self.lane(task)
        if lane not in self._limits:
            return True
        self._refresh(lane)
        limit = self._limits.get(lane)
        if limit is None:
            return True
        return held_until(limit, self._now(), probing=self._probing(limit)) is None

    def began(self, claim: Claim) -> None:
        """Takes notice of a claim: if its account's limit may be over, it is the one that tries."""
        limit = self.limit(claim.task)
        if limit is not None:
            self._keep(replace(limit, probe=claim.name.file, probed=self._now()))

    def concerns(self, claim: Claim, failure: FailureClass | None) -> bool:
        """Returns whether the end of an attempt says anything of a limit."""
        if failure is FailureClass.USAGE_LIMIT:
            return claim.task in self.accounts
        limit = self.limit(claim.task)
        return limit is not None and limit.probe == claim.name.file and proves(failure)

    def ended(
        self, claim: Claim, failure: FailureClass | None, reason: str, wait: float | None
    ) -> None:
        """Takes notice of how an attempt ended that `concerns`, before its task moves.

        `wait` is in how many seconds the limit ends, as far as the agent said so.
        """
        account = self.accounts[claim.task]
        self._refresh(account.lane)
        known, now = self._limits.get(account.lane), self._now()
        if failure is not FailureClass.USAGE_LIMIT:
            if known is not None and known.probe == claim.name.file:
                self._close(account.lane)
            return
        met = Met(claim.name.file, None if wait is None else now + wait, reason)
        limit = reached(known, account, met, now, self._dice())
        if limit != known:
            self._keep(limit)
            if known is None or limit.until > known.until:
                self._tell(
                    LimitReached(now, account.backend, account.key, limit.until, limit.reason)
                )

    def _read(self) -> None:
        found, odd = records.limits(self._layout)
        ours = {account.lane for account in self.accounts.values()} if found else set()
        self._limits = self._unwritten | {
            lane: limit for lane, limit in found.items() if lane in ours
        }
        for name in odd:
            if name not in self._odd:
                path = self._layout.limits / name
                self._tell(Warned(self._now(), "", f"`{path}` is no record of a limit: ignored"))
        self._odd = frozenset(odd)

    def _refresh(self, lane: str) -> None:
        limit = records.limit_of(self._layout, lane) or self._unwritten.get(lane)
        if limit is not None:
            self._limits[lane] = limit
        else:
            self._limits.pop(lane, None)

    def _probing(self, limit: Limit) -> bool:
        """Returns whether the probe is at work: its lock is still there."""
        if not limit.probe:
            return False
        return (self._layout.state(TaskState.LOCKED) / limit.probe).exists()

    def _keep(self, limit: Limit) -> None:
        self._limits[limit.account.lane] = limit
        if (error := self._write(limit)) is not None:
            why = error.strerror or error
            said = f"the usage limit could not be written down for other processes: {why}"
            self._tell(Warned(self._now(), "", said))

    def _write(self, limit: Limit) -> OSError | None:
        """Writes a limit down, or keeps it in mind until that is possible."""
        try:
            records.write_limit(self._layout, limit)
        except OSError as error:
            self._unwritten[limit.account.lane] = limit
            return error
        self._unwritten.pop(limit.account.lane, None)
        return None

    def _close(self, lane: str) -> None:
        limit, unwritten = self._limits.pop(lane, None), self._unwritten.pop(lane, None)
        gone = records.forget_limit(self._layout, lane) or unwritten is not None
        if gone and limit is not None:
            account = limit.account
            self._tell(LimitOver(self._now(), account.backend, account.key))
