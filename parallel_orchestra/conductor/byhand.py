"""What a person may do to single tasks while no run, or any run, goes on: free one, have it again.

The same renames and fences as everybody's (`recovery`, `store`), so it is safe at any time.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from enum import Enum

from parallel_orchestra.conductor.myself import myself
from parallel_orchestra.conductor.picture import read_record, repository_of
from parallel_orchestra.config import Settings
from parallel_orchestra.errors import EnvironmentProblem, Problem, UsageError
from parallel_orchestra.journal import Journal
from parallel_orchestra.merge_queue import MergeQueue, RunRefs
from parallel_orchestra.plan import fingerprint, plan_from_json
from parallel_orchestra.recovery import Recovery
from parallel_orchestra.states import TaskState
from parallel_orchestra.store import (
    Entry,
    Layout,
    RunRecord,
    TaskStore,
    Watch,
    WorkerKind,
    WorkerRecord,
)
from parallel_orchestra.store.records import read_worker


class Retried(Enum):
    """What `retry_task` did: put a failed task back, a done one as its next generation, nothing."""

    FAILED = "failed"
    DONE = "done"
    WAITING = "waiting"


@dataclass(frozen=True, slots=True)
class Holder:
    """Who holds a task: `dead` says why the owner is known to be dead, else it is empty.

    `record` is None for a lock without an owner, or if its record is lost.
    """

    entry: Entry
    record: WorkerRecord | None
    dead: str


def free_task(layout: Layout, task: str, settings: Settings, *, force: bool) -> bool:
    """Takes a task from its owner and returns whether that was done (False: somebody was faster).

    Its fence moves first, so that a worker that was only slow can't merge any more. Without
    `force` only what nobody alive holds is freed.

    Raises:
        UsageError: the task is not locked, or its owner may be alive and there is no `force`.
        EnvironmentProblem: there is no run, or no such task.
    """
    record = read_record(layout)
    me = myself(record.run, WorkerKind.MANUAL, layout)
    store = TaskStore(layout, me.owner)
    entry = _entry(layout, record, store, task)
    if entry.state is not TaskState.LOCKED:
        raise UsageError(
            Problem(
                f"task `{task}` is not locked: it lies in `{entry.state.value}/`",
                _at(layout, entry),
            )
        )
    watch = Watch(layout, me, time.monotonic)
    dead = watch.death(entry.name, str(layout.state(entry.state) / entry.name.file))
    if entry.name.owner and not dead and not force:
        raise UsageError(
            Problem(
                f"task `{task}` is held by {entry.name.owner}, which is not known to be dead",
                _at(layout, entry),
                f"if it must end: `parallel-orchestra unlock {task} --force`",
            )
        )
    plan = plan_from_json(record.plan)
    repo = repository_of(record, settings.environ)
    journal = Journal(layout.journal, me.owner)
    try:
        refs = RunRefs(record.run, record.integration)
        queue = MergeQueue(repo, store, refs, record.base_commit, None)
        tasks = {one.id: one for one in plan.tasks}
        recovery = Recovery(store, queue, watch, tasks, journal, time.time)
        return recovery.free(entry, dead or "freed by hand")
    finally:
        journal.close()
        store.close()
        repo.close()


def retry_task(layout: Layout, task: str) -> Retried:
    """Puts a task back to be done again, whatever it came to, and returns what it had been.

    A done task gets its next generation: its old merge does not count for that. Dependents that
    are done stay done.

    Raises:
        UsageError: the task is at work, or missing.
        EnvironmentProblem: there is no run, or no such task.
    """
    record = read_record(layout)
    store = TaskStore(layout, myself(record.run, WorkerKind.MANUAL, layout).owner)
    entry = _entry(layout, record, store, task)
    if entry.state is TaskState.LOCKED:
        raise UsageError(
            Problem(
                f"task `{task}` is at work, held by {entry.name.owner or 'somebody'}",
                _at(layout, entry),
                f"wait for its end, or take it away: `parallel-orchestra unlock {task}`",
            )
        )
    if entry.state is TaskState.FAILED:
        store.requeue(entry.name)
        return Retried.FAILED
    if entry.state is TaskState.AVAILABLE:
        return Retried.WAITING
    definition = plan_from_json(record.plan).task(task)
    store.run_again(entry.name, definition, record.run, fingerprint(definition))
    return Retried.DONE


def holders(layout: Layout) -> tuple[Holder, ...]:
    """Returns who holds which task at this moment, by task; changes nothing.

    Raises:
        EnvironmentProblem: the directory holds no run.
    """
    me = myself(read_record(layout).run, WorkerKind.MANUAL, layout)
    watch = Watch(layout, me, time.monotonic)
    listing = TaskStore(layout, me.owner).settled_listing(())
    found = []
    for _, entry in sorted(listing.entries.items()):
        if entry.state is TaskState.LOCKED:
            dead = watch.death(entry.name, str(layout.state(entry.state) / entry.name.file))
            record = read_worker(layout, entry.name.owner) if entry.name.owner else None
            found.append(Holder(entry, record, dead))
    return tuple(found)


def _entry(layout: Layout, record: RunRecord, store: TaskStore, task: str) -> Entry:
    ids = [one.get("id") for one in record.plan.get("tasks", ())]
    if task not in ids:
        raise no_such_task(layout, task, [one for one in ids if isinstance(one, str)])
    entry = store.settled_listing([task]).entries.get(task)
    if entry is None:
        raise EnvironmentProblem(
            Problem(
                f"the file of task `{task}` is in none of the four directories",
                str(layout.root),
                "`parallel-orchestra run PLAN --resume` publishes it again",
            )
        )
    return entry


def no_such_task(layout: Layout, task: str, known: Sequence[str]) -> UsageError:
    """Returns the error for a task that the run does not have."""
    close = get_close_matches(task, known, n=1)
    hint = f"did you mean `{close[0]}`?" if close else "`parallel-orchestra status` shows the run"
    return UsageError(Problem(f"the run has no task `{task}`", str(layout.run_file), hint))


def _at(layout: Layout, entry: Entry) -> str:
    return str(layout.state(entry.state) / entry.name.file)
