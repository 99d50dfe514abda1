"""Which tasks of a run a usage limit keeps from starting, as its directory shows it.

Who looks may have another environment than the run, so that accounts are told apart by what the
plan itself says of them.
"""

import os
from collections.abc import Iterable, Iterator
from dataclasses import field
from pathlib import Path

from parallel_orchestra.frozen import frozen
from parallel_orchestra.model import Plan, Task
from parallel_orchestra.schedule import Cause, Hold
from parallel_orchestra.schedule.usage_limits import Limit, held_until
from parallel_orchestra.states import TaskState
from parallel_orchestra.store import Layout
from parallel_orchestra.store.limits import limits


@frozen
class Limited:
    """The limits that hold at a moment, and for each task that they concern the cause."""

    limits: tuple[Limit, ...] = ()
    causes: dict[str, Cause] = field(default_factory=dict)


def usage_limits_of(plan: Plan, layout: Layout, now: float) -> Limited:
    """Returns what usage limits hold at `now` (epoch) in the run of that directory."""
    found = tuple(_holding(layout, now))
    if not found:
        return Limited()
    causes = {
        task.id: _cause(limit, now, probing=probing)
        for limit, probing in found
        for task in _concerned(limit, plan)
    }
    return Limited(tuple(limit for limit, _ in found), causes)


def _holding(layout: Layout, now: float) -> Iterable[tuple[Limit, bool]]:
    for limit in limits(layout)[0].values():
        lock = layout.state(TaskState.LOCKED) / limit.probe
        probing = bool(limit.probe) and os.path.lexists(lock)
        if held_until(limit, now, probing=probing) is not None:
            yield limit, probing


def _concerned(limit: Limit, plan: Plan) -> Iterator[Task]:
    # while no limit holds, nobody who looks loads a backend
    from parallel_orchestra.agents import AgentSettings, backend_of, own_part  # noqa: PLC0415

    agents = AgentSettings({}, Path("/"), templates=plan.backends)
    account = limit.account
    for task in plan.tasks:
        if task.backend != account.backend:
            continue
        if own_part(task, backend_of(task.backend, agents)) == account.own:
            yield task


def _cause(limit: Limit, now: float, *, probing: bool) -> Cause:
    until = held_until(limit, now, probing=probing)
    return Cause(Hold.USAGE_LIMIT, limit.words(now), until=until)
