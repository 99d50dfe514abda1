"""What a run is going to be, before it is: the pre-flight block and the dry run. Pure."""

import textwrap
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from parallel_orchestra.cli.sharing import sharing
from parallel_orchestra.conductor.limited import Limited
from parallel_orchestra.conductor.selecting import told
from parallel_orchestra.errors import Problem
from parallel_orchestra.frozen import frozen
from parallel_orchestra.graph import Graph, Mode, Rivals, caps, choose_mode, rivals, width
from parallel_orchestra.model import (
    DEFAULT_IDLE_TIMEOUT,
    DEFAULT_MAX_REJECTIONS,
    Budget,
    Isolation,
    Plan,
    Task,
)
from parallel_orchestra.ownership import NOTHING, Tree
from parallel_orchestra.plan.abilities import UNITS
from parallel_orchestra.progress import Purse, purses
from parallel_orchestra.report.ahead import (
    ahead,
    cause_record,
    limit_record,
    outlook_record,
    too_many,
)
from parallel_orchestra.report.budgets import budget_lines, budget_records
from parallel_orchestra.report.text import counted, one_line, span
from parallel_orchestra.schedule import (
    Cause,
    Hold,
    Outlook,
    Schedule,
    Seen,
    Standing,
    at_the_start,
    outlook,
)
from parallel_orchestra.schedule.usage_limits import Limit, clock_words
from parallel_orchestra.spending import NOTHING_SPENT, lasting, shown
from parallel_orchestra.states import TaskState
from parallel_orchestra.store.steering import Selection

_LISTED = 20
_WIDTH = 88
_UNLIMITED = Limited()


@frozen
class Part:
    """What a call carries out of a plan, if that is not all of it, and what is done already."""

    chosen: Selection
    done: frozenset[str]

    def word(self, task: str) -> str:
        """Returns where a task stands that this call leaves alone; empty for one that it does."""
        if task in self.done:
            return "done"
        if task in self.chosen.tasks:
            return ""
        return "later" if self.chosen.step else "left out"

    def standing(self, tasks: Iterable[Task]) -> Standing:
        """Returns how the tasks stand for the schedule, which does not see those of later calls."""
        seen = {True: Seen(TaskState.DONE), False: Seen(TaskState.AVAILABLE)}
        return Standing(
            {
                task.id: seen[task.id in self.done]
                for task in tasks
                if task.id in self.done or task.id in self.chosen.tasks
            }
        )


@frozen
class Preview:
    """What a dry run found out: how the plan would go, and what would stop it.

    `causes` say why a task does not run once all workers have taken one; who is not in it, runs,
    unless it is not part of what this call carries out: `part`, None for everything. `purses` are
    the budgets of the run that it would go on with.
    """

    plan: Plan
    graph: Graph
    contenders: Rivals
    mode: Mode
    mode_reason: str
    outlook: Outlook
    causes: Mapping[str, Cause]
    problems: tuple[Problem, ...]
    tree: Tree
    part: Part | None = None
    limits: tuple[Limit, ...] = ()
    purses: tuple[Purse, ...] = ()

    def word(self, task: str) -> str:
        """Returns where a task stands that this call leaves alone; empty for one that it does."""
        return self.part.word(task) if self.part is not None else ""


def preview(
    plan: Plan,
    workers: int,
    enough: int,
    past: Mapping[str, float],
    problems: Sequence[Problem] = (),
    tree: Tree = NOTHING,
    part: Part | None = None,
    limited: Limited = _UNLIMITED,
) -> Preview:
    """Returns how a plan would go.

    `enough` tasks that could run beside others make several workers worth while; one after the
    other they have a single one, as in a run. `past` are
    seconds that tasks took before. `problems` stand in the way of a real run. `tree` are the
    files that the tasks start from. `part` is what the call carries out, None for everything,
    `limited` what usage limits hold in the run's directory.
    """
    graph = Graph.of(plan.tasks)
    contenders = rivals(plan.tasks, graph, tree)
    limits = plan.concurrency_limits
    most = width(graph, contenders, caps(plan.tasks, limits))
    mode, reason = choose_mode(graph, contenders, most, enough=enough)
    if mode is Mode.SEQUENTIAL:
        workers = 1
    standing = Standing.fresh(plan.tasks) if part is None else part.standing(plan.tasks)
    schedule = Schedule.of(plan.tasks, graph, contenders, limits, past)
    schedule.observe(standing.seen)
    elsewhere = (lambda _: "") if part is None else part.word
    held = {task: cause for task, cause in limited.causes.items() if not elsewhere(task)}
    return Preview(
        plan,
        graph,
        contenders,
        mode,
        reason,
        outlook(plan.tasks, graph, contenders, limits, past, workers, standing, most),
        {**held, **at_the_start(schedule, workers)},
        tuple(problems),
        tree,
        part,
        limited.limits,
    )


def dry_run(found: Preview) -> str:
    """Returns the order of a plan, how wide it is, what takes longest and how long; for stdout."""
    plan = found.plan
    tasks = {task.id: task for task in plan.tasks}
    lines = [f"{plan.name or plan.source.name}: {counted(len(tasks), 'task')}"]
    # a plan that has waves of its own numbers those
    word = "wave" if all(task.wave is None for task in plan.tasks) else "level"
    for number, wave in enumerate(found.graph.waves(), 1):
        lines += ["", f"{word} {number}", *_rows([tasks[name] for name in wave], found)]
    used = list(budget_lines(found.purses))
    lines += ["", *(used or (f"budget: {words}" for words in limits_of(plan.budget)))]
    lines += [f"mode: {found.mode.value}: {found.mode_reason}"]
    if found.part is not None:
        lines += _wrapped(told(found.part.chosen, found.graph))
    for line in ahead(found.outlook):
        lines += _wrapped(line)
    for sentence in sharing(plan, found.contenders, found.tree):
        lines += _wrapped(sentence)
    lines += [f"warning: {one_line(warning)}" for warning in _usage_limits(found)]
    lines += [f"warning: {one_line(warning)}" for warning in plan.warnings]
    lines += [f"warning: {one_line(warning)}" for warning in _stops(found)]
    return "\n".join(lines) + "\n"


def dry_run_record(found: Preview) -> dict[str, Any]:
    """Returns the same for programs; `docs/how-to/check-a-plan.md` has the keys."""
    levels = enumerate(found.graph.waves(), 1)
    level = {task: number for number, tasks in levels for task in tasks}
    return {
        "plan": found.plan.name or found.plan.source.name,
        "mode": found.mode.value,
        "mode_reason": found.mode_reason,
        "outlook": outlook_record(found.outlook),
        "usage_limits": [limit_record(limit) for limit in found.limits],
        "budgets": budget_records(found.purses or purses(found.plan.budget, NOTHING_SPENT)),
        "warnings": [*found.plan.warnings, *_too_many(found), *_stops(found)],
        "tasks": [
            {
                "id": task.id,
                "level": level[task.id],
                "wave": task.wave,
                "depends_on": found.graph.dependencies[task.id],
                "never_beside": found.contenders.get(task.id, ()),
                "judge": judge.backend if (judge := found.plan.judge_of(task)) else None,
                "state": found.word(task.id).replace(" ", "_")
                or ("waiting" if task.id in found.causes else "ready"),
                "cause": cause_record(found.causes.get(task.id)),
            }
            for task in found.plan.tasks
        ],
    }


def _stops(found: Preview) -> Iterator[str]:
    for problem in found.problems:
        where = f" ({problem.where})" if problem.where else ""
        yield f"a run would stop here: {problem.what}{where}"


def _usage_limits(found: Preview) -> Iterator[str]:
    for limit in found.limits:
        yield f"usage limit of `{limit.account.backend}` until {clock_words(limit.until)}"


def _too_many(found: Preview) -> Iterator[str]:
    if too_many(found.outlook):
        workers, width = found.outlook.workers, found.outlook.width
        yield f"{workers} workers, but at most {counted(width, 'task')} can run at once"


def _rows(tasks: Sequence[Task], found: Preview) -> Iterator[str]:
    ids = max(len(task.id) for task in tasks)
    agents = max(len(_agent(task)) for task in tasks)
    for task in tasks:
        word = found.word(task.id)
        start = (word,) if word else _start(found.causes.get(task.id))
        facts = ", ".join((*_facts(task), *_judged(found.plan, task), *start))
        yield f"  {task.id:<{ids}}  {_agent(task):<{agents}}  {facts}"


def _agent(task: Task) -> str:
    return f"{task.backend}/{task.agent}" if task.agent else task.backend


def _facts(task: Task) -> Iterator[str]:
    yield f"timeout {span(task.timeout)}"
    if task.idle_timeout != DEFAULT_IDLE_TIMEOUT:
        yield f"idle timeout {span(task.idle_timeout)}"
    yield "no retry" if not task.max_retries else counted(task.max_retries, "retry", "retries")
    yield from (f"at most {words}" for words in limits_of(task))
    if task.model:
        yield f"model {one_line(task.model)}"
    if task.read_only:
        place = " in the project itself" if task.isolation is Isolation.NONE else ""
        yield f"read-only{place}"
    if task.isolation is Isolation.CLONE:
        yield "in a clone"
    if task.isolation is Isolation.SHARED:
        yield "in the shared worktree"
    if task.concurrency_group:
        yield f"group {task.concurrency_group}"
    if task.wave is not None:
        yield f"in wave {task.wave}"
    if task.depends_on:
        yield f"after {' '.join(task.depends_on)}"


def _judged(plan: Plan, task: Task) -> Iterator[str]:
    """Yields who judges a task's work, and how often it may be rejected."""
    judge, qa = plan.judge_of(task), plan.qa_of(task)
    if judge is not None and qa is not None:
        model = f" ({one_line(judge.model)})" if judge.model else ""
        yield f"judged by {_agent(judge)}{model}"
        if qa.rejections != DEFAULT_MAX_REJECTIONS:
            yield f"at most {counted(qa.rejections, 'rejection')}"


def judges_of(plan: Plan) -> Iterator[str]:
    """Yields who judges how many tasks."""
    found = Counter(_agent(judge) for task in plan.tasks if (judge := plan.judge_of(task)))
    for agent, number in found.items():
        yield f"{agent} judges the work of {counted(number, 'task')}"


def limits_of(whose: Budget | Task) -> Iterator[str]:
    """Yields what a run or a task may use, as one writes it."""
    for unit in UNITS:
        limit = getattr(whose, unit)
        if limit is not None:
            yield shown(unit, limit)
    if whose.max_duration is not None:
        yield f"{lasting(whose.max_duration)} of work"


def _start(cause: Cause | None) -> Iterator[str]:
    """Yields what a task waits for at the start; `after` has said so of dependencies."""
    if cause is None:
        yield "starts at once"
    elif cause.kind is Hold.OVERLAP:
        yield f"waits for {cause.tasks[0]}, which writes the same files"
    elif cause.kind is Hold.GROUP:
        yield "waits for room in its group"
    elif cause.kind is not Hold.DEPENDENCY:
        yield cause.words


def _wrapped(text: str) -> list[str]:
    return textwrap.wrap(
        text, _WIDTH, subsequent_indent="  ", break_long_words=False, break_on_hyphens=False
    )
