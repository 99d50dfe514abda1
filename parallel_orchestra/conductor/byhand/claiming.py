"""A person's claim: the next task, or one by name, with a place to work; and its sign of life."""

from pathlib import Path

from parallel_orchestra.board import WALL_CLOCK
from parallel_orchestra.conductor.byhand.desk import workshop
from parallel_orchestra.conductor.byhand.whose import entry_of, path_of, person
from parallel_orchestra.conductor.picture import read_record
from parallel_orchestra.conductor.workshop import Workshop
from parallel_orchestra.config import Settings
from parallel_orchestra.errors import EnvironmentProblem, Problem, WaitsForPerson
from parallel_orchestra.events import Claimed, Returned
from parallel_orchestra.frozen import frozen
from parallel_orchestra.isolation import Label, Seat, SetUpFailed, Slot, prepared
from parallel_orchestra.model import FailureClass, Isolation, as_typed
from parallel_orchestra.process import Supervisor
from parallel_orchestra.states import TaskState
from parallel_orchestra.store import (
    Claim,
    Entry,
    Layout,
    TaskStore,
    WorkerKind,
    WorkerRecord,
    steering,
)
from parallel_orchestra.store.liveness import sign_of
from parallel_orchestra.store.records import read_worker, write_worker
from parallel_orchestra.worker.prompt import Source, Spoiled, write_prompt

#: The slot of a claim that no worker thread has.
BY_HAND = 0


@frozen
class Taken:
    """A task that is claimed by hand: where to work on it, from what, and how long it holds.

    `worktree` is the project itself for tasks without isolation. `prompt_file` may be empty.
    `lease_end` is an instant (epoch) by the wall clock, for people; `lease_sec` counts.
    """

    task: str
    attempt: int
    owner: str
    title: str
    read_only: bool
    worktree: str
    base: str
    prompt_file: str
    verify: tuple[str, ...]
    lease_sec: float
    lease_end: float


@frozen
class Nothing:
    """No task was claimed: `more` if one may become runnable without a person's help."""

    more: bool
    reason: str


@frozen
class Held:
    """A person's claim as it lies in `locked/`, and the record of who made it."""

    claim: Claim
    record: WorkerRecord


def claim_task(layout: Layout, settings: Settings, task: str = "") -> Taken | Nothing:
    """Claims the best task that may run at this moment, or the one that is named.

    Dependencies, backoff, groups and `writes` hold as for workers. Waits for no work.

    Raises:
        UsageError: the run has no such task.
        EnvironmentProblem: there is no run, or there is no place to work; nothing is claimed.
    """
    me = person(read_record(layout).run, layout)
    with workshop(layout, settings, me) as shop:
        if task:
            entry_of(layout, shop.job.run, shop.store, task)
        claim = shop.board.now(lambda: write_worker(layout, me), task)
        if claim is None:
            return _nothing(shop, task)
        shop.journal.write(Claimed(shop.clock.now(), claim.task, claim.attempt, BY_HAND))
        try:
            return _prepared(shop, claim)
        except BaseException as error:
            # Without a place to work the claim is of no use.
            why = (claim.task, claim.attempt, FailureClass.ENVIRONMENT.value, str(error))
            back = Returned(shop.clock.now(), *why, 0.0)
            shop.store.give_back(claim, counted=False, then=(back,))
            raise


def renew(layout: Layout, task: str, owner: str = "") -> float:
    """Renews a person's claim and returns for how many seconds it holds.

    Raises:
        WaitsForPerson: the task is not claimed by hand any more, or not by `owner`.
        UsageError: there is no such task.
    """
    held = held_by_hand(layout, task, owner)
    if held is None or not beat(layout, held):
        raise lost(layout, task)
    return held.record.lease


def beat(layout: Layout, held: Held) -> bool:
    """Gives a sign of life for a person's claim; returns False if the claim is lost."""
    store = TaskStore(layout, held.record.owner)
    return store.beat(held.claim, sign_of(held.record, WALL_CLOCK.monotonic()))


def held_by_hand(layout: Layout, task: str, owner: str = "") -> Held | None:
    """Returns a person's claim on a task; None if there is none, or not by `owner`, if named.

    Raises:
        UsageError: there is no such task.
        EnvironmentProblem: there is no run, or the task's file is missing.
    """
    run = read_record(layout)
    entry = entry_of(layout, run, TaskStore(layout, ""), task)
    if entry.state is not TaskState.LOCKED or not entry.name.owner:
        return None
    record = read_worker(layout, entry.name.owner)
    if record is None or record.kind != WorkerKind.MANUAL.value:
        return None
    if owner and owner != record.owner:
        return None
    return Held(Claim(entry.name, path_of(layout, entry)), record)


def lost(layout: Layout, task: str, ref: str = "", worktree: str = "") -> WaitsForPerson:
    """Returns the error for a claim by hand that is not there, and where its work is kept."""
    entry = entry_of(layout, read_record(layout), TaskStore(layout, ""), task)
    if entry.state is TaskState.LOCKED:
        where_now = f"{entry.name.owner} has it" if entry.name.owner else "it is locked by hand"
    else:
        where_now = f"it lies in `{entry.state.value}/`"
    kept = f"; your work is kept in git under `{ref}`" if ref else ""
    hint = f"`parallel-orchestra why {task}` says why"
    if worktree:
        hint += f"; your worktree stays: {worktree}"
    what = f"your claim on task `{task}` is lost, or was never made: {where_now}{kept}"
    return WaitsForPerson(Problem(what, path_of(layout, entry), hint))


def worktree_name(claim: Claim) -> str:
    """Returns what a claim's worktree is called: the task, the attempt, and whose."""
    return f"{claim.task}-{claim.attempt}-{claim.name.owner.rpartition('-')[2]}"


def _prepared(shop: Workshop, claim: Claim) -> Taken:
    task, layout = shop.tasks[claim.task], shop.job.layout
    if task.isolation is Isolation.NONE:
        path, base = shop.job.plan.cwd, shop.job.run.base_commit
    else:
        if not task.read_only:
            # Before the look, as in `worker.attempt`: until then an earlier attempt may merge.
            shop.queue.fence(claim)
        base = shop.queue.tip()
        if not task.read_only:
            _refuse_merged(shop, claim)
        slot = shop.pool.by_hand(worktree_name(claim))
        ref = shop.refs.salvage(claim.task, claim.attempt, claim.name.owner)
        label = Label(shop.refs.run, claim.task, claim.attempt, claim.name.owner, ref)
        path = _set_up(shop, claim, slot, base, label)
        slot.note_home(layout.root)
    prompt = _prompt(shop, claim)
    beat(layout, Held(claim, shop.me))
    return Taken(
        task=task.id,
        attempt=claim.attempt,
        owner=claim.name.owner,
        title=task.title,
        read_only=task.read_only,
        worktree=str(path),
        base=base,
        prompt_file=str(prompt or ""),
        verify=tuple(map(as_typed, task.verify)),
        lease_sec=shop.me.lease,
        lease_end=shop.clock.now() + shop.me.lease,
    )


def _prompt(shop: Workshop, claim: Claim) -> Path | None:
    job, layout = shop.job, shop.job.layout
    source = Source(job.plan, shop.tasks, layout, job.repo.objects, shop.queue.merge_of)
    try:
        return write_prompt(source, layout, claim)
    except Spoiled as spoiled:
        what = f"the plan's `prompt_template` can't be used: {spoiled}"
        where = str(job.plan.source)
        raise EnvironmentProblem(Problem(what, where, "mend it, then `--resume`")) from spoiled


def _set_up(shop: Workshop, claim: Claim, slot: Slot, base: str, label: Label) -> Path:
    """Returns the person's directory, made ready as for an agent.

    Raises:
        EnvironmentProblem: the set-up failed.
    """
    layout, tools = shop.job.layout, shop.shop()
    log = layout.attempt(claim.task, claim.attempt, claim.name.owner) / "setup.log"
    setup = shop.job.plan.setup_of(shop.tasks[claim.task])
    seat = Seat(BY_HAND, shop.seats.take().port_base)
    with Supervisor() as supervisor:
        means = tools.means(supervisor, seat)
        try:
            return prepared(slot, base, label, setup, means, log, carry_claude=False).path
        except SetUpFailed as failed:
            raise EnvironmentProblem(Problem(str(failed), str(log), failed.detail)) from failed


def _refuse_merged(shop: Workshop, claim: Claim) -> None:
    merge = shop.queue.merge_of(claim.task)
    generation = shop.store.generation(TaskState.LOCKED, claim.name)
    if merge is not None and merge.generation >= generation:
        raise EnvironmentProblem(
            Problem(
                f"task `{claim.task}` was merged in this moment, by the attempt before",
                merge.commit,
                "there is nothing to do: the next look of any worker moves it to `done/`",
            )
        )


def _nothing(shop: Workshop, task: str) -> Nothing:
    held = steering.hold(shop.job.layout, task) if task else _paused(shop)
    if held:
        return Nothing(more=True, reason=f"no task may start at this moment: {held}")
    listing = shop.store.settled_listing(shop.tasks)
    more = not shop.board.exhausted()
    if task:
        return _not_this_one(shop, listing.entries[task], more=more)
    count = {
        state: sum(entry.state is state for entry in listing.entries.values())
        for state in TaskState
    }
    total = len(shop.tasks)
    if count[TaskState.DONE] == total:
        return Nothing(more=False, reason=f"all {total} tasks are done")
    words = [
        f"{count[state]} {word}"
        for state, word in (
            (TaskState.DONE, "done"),
            (TaskState.LOCKED, "at work"),
            (TaskState.AVAILABLE, "waiting"),
            (TaskState.FAILED, "failed"),
        )
        if count[state]
    ]
    stands = f"of {total} tasks {', '.join(words)}"
    if more:
        return Nothing(more=True, reason=f"no task may start at this moment: {stands}")
    return Nothing(more=False, reason=f"no task can start any more without your help: {stands}")


def _paused(shop: Workshop) -> str:
    asked = steering.asked_for(shop.job.layout, steering.Wish.PAUSE)
    return "" if asked is None else f"the run is paused {asked.words}"


def _not_this_one(shop: Workshop, entry: Entry, *, more: bool) -> Nothing:
    task = entry.task
    if entry.state is TaskState.LOCKED:
        return Nothing(
            more=bool(entry.name.owner),
            reason=f"task `{task}` is held by {entry.name.owner or 'somebody who locked it by hand'}",
        )
    if entry.state is TaskState.AVAILABLE:
        why = shop.board.why(task) or "somebody else was faster"
        return Nothing(more=more, reason=f"task `{task}` may not start: {why}")
    again = f"`parallel-orchestra retry {task}` has it done again"
    return Nothing(more=False, reason=f"task `{task}` is {entry.state.value}: {again}")
