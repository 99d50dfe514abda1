"""What a run may use and has used, in words and for programs."""

from collections.abc import Iterable, Iterator
from typing import Any

from parallel_orchestra.progress import Outcome, Purse, RunReport, TaskReport
from parallel_orchestra.schedule import Hold
from parallel_orchestra.spending import OWN, lasting, shown


def budget_lines(purses: Iterable[Purse]) -> Iterator[str]:
    """Yields a line for each budget of a run: what was used of it, and what is reserved."""
    for purse in purses:
        held = f", {_amount(purse, purse.held)} reserved by running tasks" if purse.held else ""
        yield f"budget: {_amount(purse, purse.used)} of {_amount(purse, purse.limit)} used{held}"


def budget_records(purses: Iterable[Purse]) -> list[dict[str, Any]]:
    """Returns the budgets of a run as JSON."""
    return [
        {"unit": one.unit, "used": one.used, "reserved": one.held, "limit": one.limit}
        for one in purses
    ]


def short_of(report: RunReport) -> tuple[TaskReport, ...]:
    """Returns the tasks that could run if there was more of a budget."""
    return tuple(
        task
        for task in report.tasks
        if task.outcome is Outcome.WAITING and task.cause and task.cause.kind is Hold.BUDGET
    )


def enough_dollars(report: RunReport) -> float | None:
    """Returns a larger limit of dollars for the run; None if it is not that which is short."""
    if all(task.cause and task.cause.words.startswith(OWN) for task in short_of(report)):
        return None
    empty = [one for one in report.purses if one.used >= one.limit]
    cost = next((one for one in report.purses if one.unit == "max_cost_usd"), None)
    if cost is None or (empty and cost not in empty):
        return None
    return max(cost.limit, cost.used) * 2


def _amount(purse: Purse, amount: float) -> str:
    return lasting(amount) if purse.unit == "max_duration" else shown(purse.unit, amount)
