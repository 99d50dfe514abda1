"""What a person asks of a run as a whole: to pause, to go on, to stop; and to cancel a task.

A wish is a file that all processes of the run look at, see `store.steering`. What nobody alive
would do is done here.
"""

import time
from collections.abc import Callable

from parallel_orchestra.conductor.byhand.desk import workshop
from parallel_orchestra.conductor.byhand.freeing import kept_work
from parallel_orchestra.conductor.byhand.holding import judged
from parallel_orchestra.conductor.byhand.whose import entry_of, path_of
from parallel_orchestra.conductor.picture import read_record
from parallel_orchestra.conductor.present import alive
from parallel_orchestra.conductor.workshop import Workshop
from parallel_orchestra.config import Settings
from parallel_orchestra.errors import Problem, UsageError
from parallel_orchestra.frozen import frozen
from parallel_orchestra.process import identity
from parallel_orchestra.states import TaskState
from parallel_orchestra.store import Entry, Layout, WorkerKind, steering
from parallel_orchestra.store.liveness import Life
from parallel_orchestra.store.records import read_workers
from parallel_orchestra.store.steering import Asked, Wish

#: Seconds between two looks at whether an agent has ended.
_BETWEEN_LOOKS = 0.1


@frozen
class Heard:
    """What was asked of a run, and who will hear it: processes in words; nobody if it is empty.

    `changed` is false if it stood so before.
    """

    asked: str
    changed: bool
    by: str
    reason: str
    processes: tuple[str, ...]


@frozen
class Cancelled:
    """A task that was cancelled: where it lies, and the ref that keeps what its agent wrote.

    While it lies in `locked/`, its owner has been asked and has not ended it yet. In `done/` it
    was done before anybody could end it.
    """

    task: str
    owner: str
    state: TaskState
    ref: str


def pause_run(layout: Layout, asked: Asked) -> Heard:
    """Lets no process of the run start a task until `go_on`; running ones may finish.

    Raises:
        EnvironmentProblem: there is no run.
    """
    read_record(layout)
    before = steering.asked_for(layout, Wish.PAUSE)
    if before is None:
        steering.ask(layout, Wish.PAUSE, asked)
    now = before or asked
    return Heard("pause", before is None, now.by, now.reason, at_work(layout))


def go_on(layout: Layout, asked: Asked) -> Heard:
    """Takes a pause back.

    Raises:
        EnvironmentProblem: there is no run.
    """
    read_record(layout)
    changed = steering.withdraw(layout, Wish.PAUSE)
    return Heard("resume-run", changed, asked.by, asked.reason, at_work(layout))


def stop_run(layout: Layout, asked: Asked, *, now: bool) -> Heard:
    """Lets every process of the run end: after its running tasks, or `now`, giving them back.

    If nobody is at work, nothing is asked for.

    Raises:
        EnvironmentProblem: there is no run.
    """
    read_record(layout)
    wish = Wish.STOP_NOW if now else Wish.STOP
    processes = at_work(layout)
    changed = bool(processes) and steering.asked_for(layout, wish) is None
    if processes:
        steering.ask(layout, wish, asked)
    return Heard(wish.value, changed, asked.by, asked.reason, processes)


def cancel_task(
    layout: Layout, task: str, asked: Asked, settings: Settings, wait: float
) -> Cancelled:
    """Ends a task for good: it lies in `failed/` then, and only `retry` has it done.

    A running one is ended by its owner, for which this waits so many seconds at most.

    Raises:
        UsageError: it is done, has failed, is in the hands of a person, or is unknown.
        EnvironmentProblem: there is no run, or the task's file is missing.
    """
    with workshop(layout, settings) as shop:
        entry = entry_of(layout, shop.job.run, shop.store, task)
        if entry.state in (TaskState.DONE, TaskState.FAILED):
            raise _too_late(layout, entry)
        life = judged(shop.watch, layout, entry).life if entry.state is TaskState.LOCKED else None
        if life is not None:
            _demand_no_person(shop, layout, entry, life)
        steering.ask_to_cancel(layout, task, asked)
        if life is Life.DEAD and shop.recovery.free(entry, "cancelled, and its owner is dead"):
            kept_work(shop, entry.name, alive=False)
        now = _settled(shop, task, time.monotonic, wait)
        ref = "" if now.state is TaskState.LOCKED else _kept(shop, entry)
        return Cancelled(task, entry.name.owner if life else "", now.state, ref)


def at_work(layout: Layout) -> tuple[str, ...]:
    """Returns the processes that work on a run, in words; those out of sight may have ended."""
    here = identity.host_name()
    found = [
        f"{'the conductor' if kind is WorkerKind.CONDUCTOR else 'a worker'}, process {one.pid}"
        for kind in (WorkerKind.CONDUCTOR, WorkerKind.WORKER)
        for one in alive(layout, kind)
    ]
    found += [
        f"{one.kind} {one.pid} on {one.host}, if it is alive"
        for one in read_workers(layout)
        if one.kind != WorkerKind.MANUAL.value and one.host != here
    ]
    return tuple(found)


def _settled(shop: Workshop, task: str, clock: Callable[[], float], wait: float) -> Entry:
    """Carries the wish out as every look does, until the task is not at work any more."""
    deadline = clock() + wait
    while True:
        listing = shop.store.settled_listing([task])
        known = listing.entries.get(task)
        # Whoever is at work on it ends it by itself; what only lies there, anybody moves.
        if known is not None and known.state is not TaskState.LOCKED:
            shop.recovery.heal(listing, ())
            shop.settle()
        entry = entry_of(shop.job.layout, shop.job.run, shop.store, task)
        if entry.state in (TaskState.DONE, TaskState.FAILED) or clock() >= deadline:
            return entry
        time.sleep(_BETWEEN_LOOKS)


def _kept(shop: Workshop, before: Entry) -> str:
    """Returns the ref that keeps what the attempt wrote that was at work; empty if it wrote nothing."""
    if before.state is not TaskState.LOCKED or not before.name.owner:
        return ""
    name = before.name
    ref = shop.refs.salvage(name.task, name.attempts, name.owner)
    return ref if shop.job.repo.refs.read(ref) else ""


def _demand_no_person(shop: Workshop, layout: Layout, entry: Entry, life: Life) -> None:
    record = shop.watch.record(entry.name.owner)
    by_hand = record is not None and record.kind == WorkerKind.MANUAL.value
    task = entry.task
    if life is Life.PARKED or (by_hand and life is not Life.DEAD):
        who = entry.name.owner or "somebody who locked it by hand"
        raise UsageError(
            Problem(
                f"task `{task}` is in the hands of a person, {who}; nothing was changed",
                path_of(layout, entry),
                f"they can give it up: `parallel-orchestra fail {task} --final`; or take it away "
                f"first: `parallel-orchestra unlock {task} --force`",
            )
        )


def _too_late(layout: Layout, entry: Entry) -> UsageError:
    task = entry.task
    if entry.state is TaskState.DONE:
        hint = f"`parallel-orchestra undo {task}` takes back what it merged"
    else:
        hint = f"nothing runs; `parallel-orchestra why {task}` says why it failed"
    said = f"task `{task}` lies in `{entry.state.value}/`: there is nothing to cancel"
    return UsageError(Problem(said, path_of(layout, entry), hint))
