"""Whether the agents of a plan tell what its budgets count: one that does not could use any amount.

A task that says `max_cost_usd: 0` uses no money, and `max_tokens: 0` no tokens: it need not tell.
"""

from collections.abc import Iterator, Mapping

from parallel_orchestra.errors import Problem
from parallel_orchestra.model import AFTER_MERGE, Budget, Plan, Task, Template
from parallel_orchestra.plan.abilities import ABILITIES, UNITS, Abilities, abilities_of

#: What an agent that can't be held to a limit does not tell, in words.
_UNTOLD = {"max_cost_usd": "what it costs", "max_tokens": "how many tokens it uses"}


def untold(unit: str, owner: str, backend: str) -> str:
    """Returns in words why a limit can't be kept for a task whose agent does not tell."""
    return f"{owner} has the backend `{backend}`, which does not tell {_UNTOLD[unit]}"


def way_out(unit: str, backend: str, templates: Mapping[str, Template]) -> str:
    """Returns what to do about an agent that does not tell what it uses."""
    telling = " or ".join(f"`{name}`" for name in sorted(ABILITIES) if _tells(name, unit))
    if backend in templates:
        more = f"say in whose language it answers (`result`: {telling})"
    else:
        more = f"{telling} tells it"
    return f"write `{unit}: 0` if it uses none; {more}"


def problems_of(plan: Plan, what_for: str) -> Iterator[Problem]:
    """Yields why a budget that was not in the plan can't be kept; `what_for` names it."""
    after = plan.after_merge.task
    for task in plan.tasks if after is None else (*plan.tasks, after):
        known = abilities_of(task.backend, plan.backends)
        for unit in UNITS if known is not None and not _ours(plan, task) else ():
            if limit_of(plan.budget, unit) is None or getattr(task, unit) == 0:
                continue
            if known is not None and unit not in known.tells:
                what = f"{what_for} can't be kept: {untold(unit, _owner(task), task.backend)}"
                yield Problem(what, str(plan.source), way_out(unit, task.backend, plan.backends))


def _owner(task: Task) -> str:
    return "`after_merge`" if task.id == AFTER_MERGE else f"task `{task.id}`"


def limit_of(budget: Budget, unit: str) -> float | None:
    """Returns what a budget says of one of `UNITS`."""
    limit: float | None = getattr(budget, unit)
    return limit


def _tells(name: str, unit: str) -> bool:
    return unit in ABILITIES.get(name, Abilities()).tells


def _ours(plan: Plan, task: Task) -> bool:
    """Returns whether a task is a program that a `cpo` folder is made of: it asks no model."""
    return plan.cpo and task.backend == "command"
