"""Takes task files that people put into `available/` into the run.

`run.json` is the definition of every task (decision 0005), and who holds `run.lock` alone writes
it: the conductor, or the command `add` while there is none. So a file joins in three steps, each
of which a crash may end: it is read and judged; `run.json` names it; then a file of ours takes its
place, and what the person wrote goes to the attic. Until the second step nobody may claim it,
after it everybody may.
"""

from collections.abc import Iterable
from dataclasses import replace

from parallel_orchestra import files
from parallel_orchestra.agents import BACKENDS
from parallel_orchestra.errors import EnvironmentProblem, PlanError, Problem
from parallel_orchestra.frozen import frozen
from parallel_orchestra.model import Plan, Task
from parallel_orchestra.plan import (
    contents,
    fingerprint,
    plan_from_json,
    plan_to_json,
    read_joining,
)
from parallel_orchestra.states import TaskState
from parallel_orchestra.store import Layout, RunRecord, TaskName, TaskStore
from parallel_orchestra.store.names import parse
from parallel_orchestra.store.records import peek_run, write_run

_WHERE = TaskState.AVAILABLE


@frozen
class Adoption:
    """What came of dropped files: the run as it is then, who joined it, what is wrong with others."""

    record: RunRecord
    joined: tuple[Task, ...] = ()
    problems: tuple[Problem, ...] = ()


def dropped(store: TaskStore, known: Iterable[str]) -> tuple[TaskName, ...]:
    """Returns the files in `available/` of tasks that the run does not have, by name."""
    there = {name.removesuffix(".md") for name in files.names(store.layout.state(_WHERE))}
    # What bears counters or an owner was a task of some run, which somebody moved here.
    names = (parse(f"{task}.md") for task in sorted(there - set(known)))
    fresh = (name for name in names if name is not None and name == TaskName(name.task))
    return tuple(name for name in fresh if not store.fingerprint(_WHERE, name))


def adopt(
    layout: Layout, record: RunRecord, store: TaskStore, names: Iterable[TaskName]
) -> Adoption:
    """Takes into the run those of the files that are in order; the caller holds `run.lock`.

    Files may depend on each other. One that is not in order stays where it lies.

    Raises:
        OSError: the disk is full or read-only.
    """
    plan = plan_from_json(record.plan)
    joined: list[Task] = []
    left, found = list(names), True
    errors: list[PlanError] = []
    while left and found:
        errors, found = [], False
        for name in tuple(left):
            try:
                task = judge(layout, plan, name)
            except PlanError as error:
                errors.append(error)
                continue
            plan = replace(plan, tasks=(*plan.tasks, task))
            joined.append(task)
            left.remove(name)
            found = True
    problems = tuple(problem for error in errors for problem in error.problems)
    if not joined:
        return Adoption(record, (), problems)
    new = with_tasks(record, plan, joined)
    write_run(layout, new)
    for task in joined:
        # Nobody else moves it meanwhile but who claims it: then it stays as the person wrote it.
        if store.discard(_WHERE, TaskName(task.id)):
            store.publish([task], new.run, new.fingerprints)
    return Adoption(new, tuple(joined), problems)


def judge(layout: Layout, plan: Plan, name: TaskName) -> Task:
    """Returns the task in a dropped file.

    Raises:
        PlanError: with everything that is wrong with it.
    """
    path = layout.state(_WHERE) / name.file
    shown = f"{_WHERE.value}/{name.file}"
    try:
        data = contents(path)
    except OSError as error:
        what = f"the task's file can't be read: {error.strerror or error}"
        raise PlanError(Problem(what, shown)) from error
    return read_joining(data, name.task, plan, shown=shown, read=contents, backends=tuple(BACKENDS))


def refusals(layout: Layout, plan: Plan, task: str) -> tuple[Problem, ...] | None:
    """Returns what keeps the file of a task in `available/` from joining; None without a file."""
    name = parse(f"{task}.md")
    if name is None or name != TaskName(task) or not (layout.state(_WHERE) / name.file).exists():
        return None
    try:
        judge(layout, plan, name)
    except PlanError as error:
        return error.problems
    return ()


def with_tasks(record: RunRecord, plan: Plan, joined: Iterable[Task]) -> RunRecord:
    """Returns the run's record with a plan that has these tasks too."""
    prints = {task.id: fingerprint(task) for task in joined}
    return replace(
        record,
        plan=plan_to_json(plan),
        fingerprints={**record.fingerprints, **prints},
        added=[*record.added, *prints],
    )


def with_added(plan: Plan, old: RunRecord | None) -> Plan:
    """Returns a plan as its file has it, with the tasks that joined the run since.

    One that the file has by now is a task of the plan like others.

    Raises:
        EnvironmentProblem: one of them needs a task that the plan does not have any more.
    """
    if old is None or not old.added:
        return plan
    known = {task.id for task in plan.tasks}
    added = set(old.added) - known
    tasks = [task for task in plan_from_json(old.plan).tasks if task.id in added]
    problems = [
        Problem(
            f"task `{task.id}`, which was added to the run, needs `{need}`, which the plan does "
            "not have any more",
            str(plan.source),
            f"keep `{need}`, or write `{task.id}` into the plan as it is to be",
        )
        for task in tasks
        for need in task.depends_on
        if need not in known and need not in added
    ]
    if problems:
        raise EnvironmentProblem(*problems)
    return replace(plan, tasks=(*plan.tasks, *tasks))


def added_to(layout: Layout) -> tuple[str, ...]:
    """Returns the tasks that were added to the run of a directory; none if there is no run."""
    record = peek_run(layout)
    return tuple(record.added) if record is not None else ()


def words_of(problem: Problem) -> str:
    """Returns what keeps a dropped file from joining, as a sentence."""
    hint = f" ({problem.hint})" if problem.hint else ""
    return f"{problem.where}: can't join the run: {problem.what}{hint}"
