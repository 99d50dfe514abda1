"""What the attempts of a run have used, and what the next one may use. Pure.

An attempt reserves before its agent starts, and what it has used takes the place of that once it
has ended. One that never said what it used counts with all that it had reserved: a budget that
can't be known to hold does not hold.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import field

from parallel_orchestra.frozen import frozen
from parallel_orchestra.model import Budget, Task
from parallel_orchestra.plan.abilities import UNITS

#: So many dollars or tokens are none: sums of fractions are not exact.
_NOTHING = 1e-9
#: Of an agent that keeps to what it is told, the first attempts get this share of what is free.
_SHARE = 0.25
#: An attempt is given this times the most that one has used so far.
_MARGIN = 2.0

#: How the words begin where it is its own budget that keeps a task from starting.
OWN = "its own budget is used up"

#: Dollars or tokens, by the names that plans have for their limits.
Amounts = Mapping[str, float]


@frozen
class Outlay:
    """One attempt: what it `reserved`, and from when (epoch).

    `used` None and `seconds` None: it has not said how it ended. A unit that is not in `used` was
    not told. `asked` is False if no agent was started. `last` is its last known sign of life.
    """

    task: str
    attempt: int
    owner: str
    started: float
    reserved: Amounts = field(default_factory=dict)
    used: Amounts | None = None
    seconds: float | None = None
    asked: bool = True
    last: float = 0.0
    budgeted: bool = True

    @property
    def key(self) -> tuple[str, int, str]:
        """Which attempt it is."""
        return self.task, self.attempt, self.owner

    def counts(self, unit: str) -> float:
        """Returns what of a unit it counts with: what it used, or else all that it reserved."""
        if not self.asked:
            return 0.0
        used = (self.used or {}).get(unit)
        return self.reserved.get(unit, 0.0) if used is None else used


@frozen
class Spent:
    """How a run stands: `used` by attempts that ended, `held` for those at work.

    `largest` is the most that one attempt has used. `seconds` is for how long at least one attempt
    was at work. `by_task` has what each task used and holds, `seconds_by_task` its time.
    """

    used: Amounts = field(default_factory=dict)
    held: Amounts = field(default_factory=dict)
    largest: Amounts = field(default_factory=dict)
    seconds: float = 0.0
    by_task: Mapping[str, Amounts] = field(default_factory=dict)
    seconds_by_task: Mapping[str, float] = field(default_factory=dict)

    def of_task(self, task: str, unit: str) -> float:
        """Returns what of a unit a task has used in all of its attempts."""
        return self.by_task.get(task, {}).get(unit, 0.0)


NOTHING_SPENT = Spent()


@frozen
class Grant:
    """What an attempt may use: dollars and tokens, and seconds (None for no limit).

    `own` are the units of which that is all that its task has left; of the others it is a share of
    what the run has left.
    """

    amounts: Amounts = field(default_factory=dict)
    seconds: float | None = None
    own: frozenset[str] = frozenset()


@frozen
class Short:
    """Why an attempt can't start: `final` if no attempt at work could change that."""

    words: str
    final: bool


def spent(outlays: Iterable[Outlay], live: Collection[tuple[str, int, str]], now: float) -> Spent:
    """Returns how a run stands, if these attempts are at work now (epoch)."""
    used, held, largest = dict.fromkeys(UNITS, 0.0), dict.fromkeys(UNITS, 0.0), dict[str, float]()
    by_task: dict[str, dict[str, float]] = {}
    seconds_by_task: dict[str, float] = {}
    spans = []
    for one in outlays:
        at_work = one.seconds is None and one.key in live
        its = by_task.setdefault(one.task, dict.fromkeys(UNITS, 0.0))
        for unit in UNITS:
            amount = one.counts(unit)
            its[unit] += amount
            (held if at_work else used)[unit] += amount
            if one.used and unit in one.used:
                largest[unit] = max(largest.get(unit, 0.0), amount)
        end = now if at_work else one.last if one.seconds is None else one.started + one.seconds
        length = max(0.0, end - one.started)
        seconds_by_task[one.task] = seconds_by_task.get(one.task, 0.0) + length
        if one.budgeted:
            spans.append((one.started, one.started + length))
    return Spent(used, held, largest, _union(spans), by_task, seconds_by_task)


def grant(task: Task, budget: Budget, spent: Spent, keeps: Collection[str]) -> Grant | Short:
    """Returns what the next attempt at a task may use, or why it can't start.

    `keeps` are the units of which its agent uses no more than it is told.
    """
    seconds = _seconds(task, budget, spent)
    if isinstance(seconds, Short):
        return seconds
    amounts: dict[str, float] = {}
    own = set()
    for unit in UNITS:
        found = _amount(unit, task, budget, spent, keeps=unit in keeps)
        if isinstance(found, Short):
            return found
        if found is not None:
            amounts[unit] = found
            limit = getattr(task, unit)
            if limit is not None and found >= limit - spent.of_task(task.id, unit) - _NOTHING:
                own.add(unit)
    return Grant(amounts, seconds, frozenset(own))


def limited(task: Task, budget: Budget) -> bool:
    """Returns whether an attempt at a task has to be accounted for."""
    mine = (task.max_cost_usd, task.max_tokens, task.max_duration)
    run = (budget.max_cost_usd, budget.max_tokens, budget.max_duration)
    return any(limit is not None for limit in (*mine, *run))


def shown(unit: str, amount: float) -> str:
    """Returns an amount as people write it: `$1.25`, `20,000 tokens`."""
    if unit == "max_cost_usd":
        # a thousandth of a cent is not nothing
        return f"${amount:.2f}" if amount >= 0.01 or amount < _NOTHING else f"${amount:.4f}"
    return f"{amount:,.0f} tokens"


def lasting(seconds: float) -> str:
    """Returns a duration as plans write it."""
    if seconds < 10:
        return f"{seconds:.2g}s"
    whole = round(seconds)
    parts = ((whole // 3600, "h"), (whole % 3600 // 60, "m"), (whole % 60, "s"))
    return "".join(f"{number}{unit}" for number, unit in parts if number) or "0s"


def _seconds(task: Task, budget: Budget, spent: Spent) -> float | Short | None:
    limit = budget.max_duration
    if limit is not None and spent.seconds >= limit:
        words = f"{lasting(spent.seconds)} of {lasting(limit)}"
        return Short(f"the run's budget is used up: {words}", final=True)
    if task.max_duration is None:
        return None
    left = task.max_duration - spent.seconds_by_task.get(task.id, 0.0)
    if left <= 0:
        taken = lasting(task.max_duration - left)
        words = f"its attempts took {taken} of {lasting(task.max_duration)}"
        return Short(f"{OWN}: {words}", final=True)
    return left


def _amount(
    unit: str, task: Task, budget: Budget, spent: Spent, *, keeps: bool
) -> float | Short | None:
    own: float | None = getattr(task, unit)
    limit: float | None = getattr(budget, unit)
    if own == 0:
        return 0.0
    mine = None if own is None else own - spent.of_task(task.id, unit)
    if own is not None and mine is not None and mine <= _NOTHING:
        words = f"{shown(unit, own - mine)} of {shown(unit, own)}"
        return Short(f"{OWN}: {words}", final=True)
    if limit is None:
        return mine
    used, held = spent.used.get(unit, 0.0), spent.held.get(unit, 0.0)
    if used >= limit - _NOTHING:
        words = f"{shown(unit, used)} of {shown(unit, limit)}"
        return Short(f"the run's budget is used up: {words}", final=True)
    free = max(0.0, limit - used - held)
    largest = spent.largest.get(unit, 0.0)
    wanted = _wanted(mine, free, largest, keeps=keeps)
    if _NOTHING < wanted <= free:
        return wanted
    left = f"of the run's {shown(unit, limit)}, {shown(unit, limit - used)} are left"
    if held > _NOTHING:
        return Short(f"{left}, {shown(unit, held)} of it reserved by running tasks", final=False)
    if mine is not None and not keeps:
        return Short(f"{left}, and it may use {shown(unit, mine)}", final=True)
    if free < largest - _NOTHING and not keeps:
        # nobody would hold it to what is left
        return Short(f"{left}, and an attempt has used {shown(unit, largest)}", final=True)
    return free


def _wanted(mine: float | None, free: float, largest: float, *, keeps: bool) -> float:
    if mine is not None:
        return mine
    if keeps:
        return max(largest * _MARGIN, free * _SHARE)
    # without a measure, an agent that can't be held may use all of it
    return largest * _MARGIN or free


def _union(spans: Iterable[tuple[float, float]]) -> float:
    """Returns how long at least one of these spans of time lasted."""
    total, end = 0.0, float("-inf")
    for begin, until in sorted(spans):
        total += max(0.0, until - max(begin, end))
        end = max(end, until)
    return total
