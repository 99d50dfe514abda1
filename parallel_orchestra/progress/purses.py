"""What a run has used of its budgets, as reports show it."""

from collections.abc import Iterator

from parallel_orchestra.model import Budget
from parallel_orchestra.plan.abilities import UNITS
from parallel_orchestra.progress.picture import Purse
from parallel_orchestra.spending import Spent


def purses(budget: Budget, spent: Spent) -> Iterator[Purse]:
    """Yields each budget that the run as a whole has, with what was used of it."""
    for unit in UNITS:
        limit = getattr(budget, unit)
        if limit is not None:
            yield Purse(unit, spent.used.get(unit, 0.0), spent.held.get(unit, 0.0), limit)
    if budget.max_duration is not None:
        yield Purse("max_duration", spent.seconds, 0.0, budget.max_duration)
