"""Why each open task of a run waits, and how the rest of the run will go: the schedule's own words.

The schedule is asked anew, about the tasks as they lie; what holds up all of them (short memory,
no run at work) comes from the journal.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import field, replace

from parallel_orchestra.frozen import frozen
from parallel_orchestra.graph import Graph, rivals
from parallel_orchestra.model import DEFAULT_MAX_WORKERS, Plan, Task
from parallel_orchestra.ownership import NOTHING, Tree
from parallel_orchestra.plan.abilities import abilities_of
from parallel_orchestra.progress.picture import Outcome, TaskReport
from parallel_orchestra.schedule import Cause, Hold, Outlook, Schedule, Seen, Standing, outlook
from parallel_orchestra.spending import NOTHING_SPENT, Short, Spent, grant, limited
from parallel_orchestra.states import TaskState

_OPEN = (Outcome.RUNNING, Outcome.WAITING, Outcome.SKIPPED)
_READY = "ready: it starts when a worker is free"
_NO_RUN = "ready, but no run is at work"


@frozen
class Crew:
    """Who is at work: how many workers (0 for the plan's), how long tasks took before.

    `at_work` is False when the run has ended. `held` says why processes start nothing, `paused`
    who wants it so, `left_out` gives the tasks that this run does not carry out, and `limited` those
    that wait for the end of a usage limit. `tree` are the files that tasks start from.
    """

    workers: int
    at_work: bool
    held: tuple[str, ...]
    past: Mapping[str, float]
    paused: str = ""
    left_out: Mapping[str, str] = field(default_factory=dict)
    limited: Mapping[str, Cause] = field(default_factory=dict)
    tree: Tree = NOTHING
    spent: Spent = NOTHING_SPENT


def with_causes(
    plan: Plan, tasks: tuple[TaskReport, ...], seen: Mapping[str, Seen], crew: Crew, now: float
) -> tuple[tuple[TaskReport, ...], Outlook | None]:
    """Returns the tasks, those in `available/` with their cause, and how the rest will go.

    The outlook is None if nothing is open. `seen` and `now` (epoch) are of one moment.
    """
    if not any(task.outcome in _OPEN for task in tasks):
        return tasks, None
    known = {task.id: seen[task.id] for task in tasks if task.id in seen}
    graph = Graph.of(plan.tasks)
    contenders = rivals(plan.tasks, graph, crew.tree)
    schedule = Schedule.of(plan.tasks, graph, contenders, plan.concurrency_limits, crew.past)
    schedule.observe(known)
    causes = schedule.causes(now)
    usual = _usual(crew)
    defined = {task.id: task for task in plan.tasks}
    for task, one in known.items():
        if one.state is TaskState.AVAILABLE:
            left_out = crew.left_out.get(task)
            if left_out is None:
                short = _short(plan, defined[task], crew.spent)
                causes.setdefault(task, short or crew.limited.get(task, usual))
            else:
                causes[task] = Cause(Hold.LEFT_OUT, left_out)
    ours = {task: one for task, one in known.items() if task not in crew.left_out}
    ahead = outlook(
        plan.tasks,
        graph,
        contenders,
        plan.concurrency_limits,
        crew.past,
        crew.workers or plan.max_workers or DEFAULT_MAX_WORKERS,
        Standing(ours, dict(_elapsed(tasks, now)), now),
        took=dict(_took(tasks)),
    )
    return tuple(replace(task, cause=causes.get(task.id)) for task in tasks), ahead


def _short(plan: Plan, task: Task, spent: Spent) -> Cause | None:
    """Returns that a task which could run waits for a budget, if it does."""
    if not limited(task, plan.budget):
        return None
    known = abilities_of(task.backend, plan.backends)
    found = grant(task, plan.budget, spent, known.keeps if known is not None else ())
    return Cause(Hold.BUDGET, found.words) if isinstance(found, Short) else None


def _elapsed(tasks: Iterable[TaskReport], now: float) -> Iterator[tuple[str, float]]:
    for task in tasks:
        if task.outcome is Outcome.RUNNING and task.attempts:
            yield task.id, now - task.attempts[-1].started


def _took(tasks: Iterable[TaskReport]) -> Iterator[tuple[str, float]]:
    """Yields what the last attempts took of the tasks that workers of this run have done."""
    for task in tasks:
        last = task.attempts[-1] if task.attempts else None
        if task.outcome is not Outcome.SUCCEEDED or last is None:
            continue
        if last.slot and last.seconds is not None:
            yield task.id, last.seconds


def _usual(crew: Crew) -> Cause:
    """Returns what keeps those from running whom no other task and no limit holds up."""
    if not crew.at_work:
        return Cause(Hold.NO_RUN, _NO_RUN)
    if crew.paused:
        return Cause(Hold.PAUSED, f"the run is paused {crew.paused}")
    if crew.held:
        return Cause(Hold.MACHINE, crew.held[0])
    return Cause(Hold.WORKER, _READY)
