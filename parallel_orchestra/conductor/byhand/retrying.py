"""Has tasks done again: failed ones once more, done ones as their next generation."""

from collections.abc import Mapping, Sequence

from parallel_orchestra.conductor.byhand.whose import entry_of, path_of, person
from parallel_orchestra.conductor.picture import is_undone, read_record, repository_of
from parallel_orchestra.errors import Problem, UsageError
from parallel_orchestra.frozen import frozen
from parallel_orchestra.plan import fingerprint, plan_from_json
from parallel_orchestra.states import TaskState
from parallel_orchestra.store import Entry, Layout, RunRecord, TaskStore, steering
from parallel_orchestra.store.feedback import write_feedback


@frozen
class Retried:
    """What `retry_tasks` did: `was` is where the task lay; in `available/` it had nothing to move."""

    task: str
    was: TaskState
    feedback: bool
    undone: bool = False


def retry_tasks(
    layout: Layout, tasks: Sequence[str], feedback: str, environ: Mapping[str, str]
) -> tuple[Retried, ...]:
    """Puts tasks back to be done again, whatever they came to, and returns what they had been.

    A done or undone task gets its next generation: its old merge does not count for that.
    Dependents that are done stay done. `feedback` is for the next attempt's prompt; it is on the disk before the
    task moves.

    Raises:
        UsageError: a task is at work, or unknown; nothing was changed.
        EnvironmentProblem: there is no run, or a task's file is missing; nothing was changed.
    """
    record = read_record(layout)
    store = TaskStore(layout, person(record.run, layout).owner)
    found = [entry_of(layout, record, store, task) for task in dict.fromkeys(tasks)]
    at_work = [_at_work(layout, one) for one in found if one.state is TaskState.LOCKED]
    if at_work:
        raise UsageError(*at_work)
    plan = plan_from_json(record.plan)
    undone = _undone(record, store, found, environ)
    done = []
    for entry in found:
        name = entry.name
        steering.forget_cancel(layout, name.task)
        if feedback.strip():
            write_feedback(layout, name.task, name.attempts, feedback)
        if entry.state is TaskState.DONE or name.task in undone:
            definition = plan.task(name.task)
            store.run_again(name, definition, record.run, fingerprint(definition), entry.state)
        elif entry.state is TaskState.FAILED:
            store.requeue(name)
        told = bool(feedback.strip())
        done.append(Retried(name.task, entry.state, told, name.task in undone))
    return tuple(done)


def _undone(
    record: RunRecord, store: TaskStore, found: Sequence[Entry], environ: Mapping[str, str]
) -> frozenset[str]:
    failed = [entry for entry in found if entry.state is TaskState.FAILED]
    if not failed:
        return frozenset()
    repo = repository_of(record, environ)
    try:
        return frozenset(entry.task for entry in failed if is_undone(record, store, entry, repo))
    finally:
        repo.close()


def _at_work(layout: Layout, entry: Entry) -> Problem:
    task = entry.task
    return Problem(
        f"task `{task}` is at work, held by {entry.name.owner or 'somebody'}",
        path_of(layout, entry),
        f"wait for its end, or take it away: `parallel-orchestra unlock {task}`",
    )
