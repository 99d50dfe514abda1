"""Makes `_tasks/` ours for a run: a new one, a resumed one, or the archive of an old one.

What each of `run`, `--resume` and `--fresh` does with a fresh, used, finished or half-published
directory is decided here and nowhere else.
"""

import os
import time
from collections.abc import Callable, Collection
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from parallel_orchestra.conductor.adopting import adopt, dropped, with_added, words_of
from parallel_orchestra.conductor.after_merge import due
from parallel_orchestra.conductor.branch import free_branch, make_branch
from parallel_orchestra.conductor.picture import NOBODY, ledger_at, undos_under_way
from parallel_orchestra.conductor.preflight import Preflight
from parallel_orchestra.conductor.present import alive
from parallel_orchestra.conductor.takeover import Takeover, take_over
from parallel_orchestra.config import Settings
from parallel_orchestra.errors import EnvironmentProblem, HeldElsewhere, Problem
from parallel_orchestra.frozen import frozen
from parallel_orchestra.git import Repo, Update, worktrees
from parallel_orchestra.merge_queue import RunRefs
from parallel_orchestra.model import Plan
from parallel_orchestra.plan import fingerprint, fingerprints, plan_to_json
from parallel_orchestra.states import TaskState
from parallel_orchestra.store import Entry, Layout, RunRecord, TaskStore, WorkerKind
from parallel_orchestra.store.names import TaskName
from parallel_orchestra.store.records import read_run, write_run
from parallel_orchestra.store.steering import Selection


@frozen
class Opened:
    """The run that was opened; `remarks` tell the user what was found and done.

    `plan` has the tasks that were added to the run too; `recorded` if the record of a finished run
    has just that plan. `taken` are tasks that the published tool had completed before; see `takeover`.
    """

    record: RunRecord
    plan: Plan
    resumed: bool
    finished: bool
    remarks: tuple[str, ...] = ()
    taken: tuple[str, ...] = ()
    recorded: bool = False


def open_run(
    plan: Plan, settings: Settings, found: Preflight, layout: Layout, now: float
) -> Opened:
    """Returns the run that this directory is to hold from here on, its record written.

    The caller holds `run.lock`. Nothing is published yet.

    Raises:
        EnvironmentProblem: the directory holds an unfinished run, and the user did not say
            what to do with it; nothing was changed.
        HeldElsewhere: a worker goes on with the old run, or with the plan as it was before.
    """
    old = read_run(layout)
    if old is not None and (layout.attic / old.run).is_dir():
        # Somebody was killed while moving this run away; what is left here is no run any more.
        archive(layout, found.repo, old)
        old = None
    if old is None:
        _refuse_strangers(layout, settings)
        return _new_run(plan, settings, found, layout, now)
    if settings.fresh:
        _refuse_workers(layout)
        archive(layout, found.repo, old)
        return _new_run(plan, settings, found, layout, now)
    another = _another_plan(plan, old)
    remarks: tuple[str, ...] = ()
    if settings.resume and not another:
        old, remarks = _with_dropped(layout, old)
    finished = is_finished(layout, old, found.repo)
    if settings.resume and not another:
        resumed = _resume(plan, layout, old, found.repo, finished=finished)
        return replace(resumed, remarks=(*remarks, *resumed.remarks))
    if not finished:
        raise _unfinished(layout, old, another)
    _refuse_workers(layout)
    archive(layout, found.repo, old)
    remark = f"the finished run {old.run} was moved to {layout.attic / old.run}"
    return _new_run(plan, settings, found, layout, now, remark)


def publish(
    plan: Plan,
    record: RunRecord,
    store: TaskStore,
    *,
    resumed: bool,
    taken: tuple[str, ...] = (),
    undone: Callable[[Entry], bool] = lambda _: False,
    cancelled: Collection[str] = (),
    selection: Selection | None = None,
) -> tuple[str, ...]:
    """Makes a file for every task that has none, and returns what the user should know of it.

    Those that were `taken` over as done go to `done/` at once.

    When resuming, failed tasks go back to `available/` unless they were `undone` or `cancelled`, or
    are not of the `selection`, waiting ones whose definition changed are published anew, and tasks that the plan does not have any more go to the attic.
    """
    remarks: list[str] = []
    listing = store.settled_listing(task.id for task in plan.tasks)
    if resumed:
        known = {task.id for task in plan.tasks}
        for task, entry in listing.entries.items():
            if task not in known and _is_dropped(store, entry):
                continue
            if task not in known:
                store.discard(entry.state, entry.name)
                remarks.append(
                    f"task `{task}` is not in the plan any more; its file is in the attic"
                )
            elif entry.state is TaskState.FAILED and undone(entry):
                remarks.append(
                    f"task `{task}` was undone and stays so: `parallel-orchestra retry {task}` "
                    "has it done again"
                )
            elif entry.state is TaskState.FAILED and task in cancelled:
                remarks.append(
                    f"task `{task}` was cancelled and stays so: `parallel-orchestra retry {task}` "
                    "has it done"
                )
            elif entry.state is TaskState.FAILED and (not selection or task in selection.tasks):
                store.requeue(entry.name)
        remarks += _redefine(plan, record, store)
    missing = [task for task in plan.tasks if task.id not in listing.entries]
    store.publish(missing, record.run, record.fingerprints)
    for task in taken:
        store.roll_forward(Entry.of(TaskState.AVAILABLE, TaskName(task)))
    return tuple(remarks)


def archive(layout: Layout, repo: Repo, old: RunRecord) -> None:
    """Moves a run's files to the attic and its integration branch to a ref of its own.

    `run.json` goes last: after a crash in between, the next call goes on where this one was.
    """
    refs = RunRefs(old.run, old.integration)
    tip = repo.refs.read(refs.integration)
    if tip is not None:
        with repo.lock():
            keep = f"{refs.prefix}integration"
            kept = repo.refs.read(keep)
            if kept != tip:
                repo.refs.transact([Update(keep, tip, kept)])
    # From here on, whoever comes after a crash goes on moving it away: it has no branch any more.
    target = layout.attic / old.run
    target.mkdir(mode=0o700, parents=True, exist_ok=True)
    if tip is not None and worktrees.branch_checked_out(repo, refs.branch) is None:
        try:
            with repo.lock():
                repo.refs.transact([Update(refs.integration, None, tip)])
        except (EnvironmentProblem, OSError):
            # The branch is still there, and so is the run, unless some of it was moved before.
            with suppress(OSError):
                target.rmdir()
            raise
    for name in (
        *(state.value for state in TaskState),
        "attempts",
        "workers",
        "journal",
        "steering",
        layout.integrations.name,
        layout.programs_file.name,
        layout.standing_file.name,
    ):
        source = layout.root / name
        place = target / name
        if place.exists():
            place = target / f"{name}.{os.urandom(4).hex()}"
        if source.exists():
            os.rename(source, place)
    os.rename(layout.run_file, target / f"run.{os.urandom(4).hex()}.json")
    layout.create()


def _with_dropped(layout: Layout, old: RunRecord) -> tuple[RunRecord, tuple[str, ...]]:
    """Takes in the files that people put into `available/` since the last process of the run ended."""
    store = TaskStore(layout, NOBODY)
    names = dropped(store, (str(task.get("id")) for task in old.plan.get("tasks", ())))
    if not names:
        return old, ()
    adoption = adopt(layout, old, store, names)
    joined = [f"task `{task.id}` joined the run" for task in adoption.joined]
    return adoption.record, (*joined, *map(words_of, adoption.problems))


def _is_dropped(store: TaskStore, entry: Entry) -> bool:
    """Returns whether a file is a person's, which could not join: it stays where it lies."""
    return entry.state is TaskState.AVAILABLE and not store.fingerprint(entry.state, entry.name)


def _new_run(
    plan: Plan, settings: Settings, found: Preflight, layout: Layout, now: float, *remarks: str
) -> Opened:
    before = take_over(plan, found.repo, found.base_commit) if settings.resume else Takeover()
    if settings.resume and not settings.one_group and not before.tasks:
        remarks = (*remarks, "nothing to resume: starting a new run")
    return Opened(
        _begin(plan, found, layout, now),
        plan,
        resumed=False,
        finished=False,
        remarks=(*remarks, *before.remarks),
        taken=before.tasks,
    )


def _begin(plan: Plan, found: Preflight, layout: Layout, now: float) -> RunRecord:
    run = f"{_stamp(now)}-{os.urandom(3).hex()}"
    facts = plan_to_json(plan)
    with found.repo.lock():
        record = RunRecord(
            run=run,
            plan=facts,
            fingerprints=fingerprints(facts),
            base_branch=found.base_branch,
            base_commit=found.base_commit,
            integration=free_branch(found),
            created=now,
            repository=str(found.repo.top),
        )
        write_run(layout, record)
        make_branch(found.repo, record, layout)
    return record


def is_finished(layout: Layout, old: RunRecord, repo: Repo) -> bool:
    """Returns whether all tasks of a run are done and its work is in the user's branch, or proposed."""
    if not _all_done(layout, old):
        return False
    if repo.refs.read(RunRefs(old.run, old.integration).delivering) is not None:
        # A delivery was cut off: there may be something left to clear away.
        return False
    tip = repo.refs.read(old.integration)
    if tip is not None and undos_under_way(repo, old, ledger_at(repo, old, tip)):
        return False
    if tip is not None and repo.refs.read(RunRefs(old.run, old.integration).proposed) == tip:
        return True
    user = repo.refs.read(f"refs/heads/{old.base_branch}")
    return tip is None or (user is not None and repo.is_ancestor(tip, user))


def _all_done(layout: Layout, old: RunRecord) -> bool:
    tasks = set(old.fingerprints)
    listing = TaskStore(layout, NOBODY).settled_listing(tasks)
    entries = listing.entries
    if listing.doubles.keys() & tasks:
        # A crash of `retry` may have left one: which file counts is for the run to settle.
        return False
    return all(task in entries and entries[task].state is TaskState.DONE for task in tasks)


def _to_follow_up(plan: Plan, layout: Layout, old: RunRecord, repo: Repo) -> bool:
    """Returns whether what comes after the last merge is still to be done."""
    tip = repo.refs.read(old.integration)
    return tip is not None and due(plan, layout, tip) and bool(ledger_at(repo, old, tip).merges)


def _resume(written: Plan, layout: Layout, old: RunRecord, repo: Repo, *, finished: bool) -> Opened:
    plan = with_added(written, old)
    known = {task.id for task in written.tasks}
    # What the plan's file has by now is a task of the plan.
    added = [task for task in old.added if task not in known]
    facts = plan_to_json(plan)
    prints = fingerprints(facts)
    left = finished and _to_follow_up(plan, layout, old, repo)
    if finished and not left and prints.keys() == old.fingerprints.keys():
        changed = [task for task, value in prints.items() if old.fingerprints[task] != value]
        remarks = tuple(map(_run_again, changed))
        same = facts == old.plan
        return Opened(old, plan, resumed=True, finished=True, remarks=remarks, recorded=same)
    entries = TaskStore(layout, NOBODY).listing().entries
    for task, entry in entries.items():
        if entry.state is TaskState.DONE and task in prints:
            # A done task keeps the print of the definition that was run.
            prints[task] = old.fingerprints.get(task, prints[task])
    record = replace(old, plan=facts, fingerprints=prints, added=added)
    if record != old:
        _refuse_workers(layout)
        write_run(layout, record)
    make_branch(repo, record, layout)
    return Opened(record, plan, resumed=True, finished=False)


def _redefine(plan: Plan, record: RunRecord, store: TaskStore) -> list[str]:
    """Publishes waiting tasks anew whose definition changed; names the done ones."""
    remarks = []
    listing = store.settled_listing(task.id for task in plan.tasks)
    for task in plan.tasks:
        entry = listing.entries.get(task.id)
        if entry is None:
            continue
        if entry.state is TaskState.DONE and record.fingerprints[task.id] != fingerprint(task):
            remarks.append(_run_again(task.id))
        if entry.state is not TaskState.AVAILABLE:
            continue
        if store.fingerprint(entry.state, entry.name) != record.fingerprints[task.id]:
            store.redefine(entry.name, task, record.run, record.fingerprints[task.id])
    return remarks


def _run_again(task: str) -> str:
    return (
        f"task `{task}` is done, but its definition has changed since: "
        f"`parallel-orchestra retry {task}` runs it again"
    )


def _refuse_strangers(layout: Layout, settings: Settings) -> None:
    listing = TaskStore(layout, NOBODY).listing()
    if not listing.entries:
        return
    if settings.fresh:
        target = layout.attic / f"unknown-{os.urandom(4).hex()}"
        target.mkdir(mode=0o700)
        for state in TaskState:
            os.rename(layout.state(state), target / state.value)
        layout.create()
        return
    raise EnvironmentProblem(
        Problem(
            f"the task directory has {len(listing.entries)} task file(s) but no `run.json`",
            str(layout.root),
            "move them away, or let `--fresh` move them to its attic",
        )
    )


def _refuse_workers(layout: Layout) -> None:
    """Refuses while a worker of this machine goes on without the conductor that it joined.

    It knows the run and the plan of the time when it joined: it would carry out new tasks by
    their old definition, and name a run in their merges that this one does not look for.
    """
    workers = alive(layout, WorkerKind.WORKER)
    if workers:
        names = ", ".join(f"process {one.pid} on {one.host}" for one in workers)
        raise HeldElsewhere(
            Problem(
                f"the run that is here still has workers: {names}",
                str(layout.root),
                "wait for their end, or end them with `kill`; a `--resume` of the plan as it was "
                "goes on beside them",
            )
        )


def _another_plan(plan: Plan, old: RunRecord) -> str:
    """Returns the file of the plan that a run carries out, if that is not this plan's.

    A plan whose old file is gone was moved, and is the same.
    """
    before = Path(str(old.plan.get("source", "")))
    try:
        return "" if before.samefile(plan.source) else str(before)
    except OSError:
        return ""


def _unfinished(layout: Layout, old: RunRecord, another: str) -> EnvironmentProblem:
    if another:
        return EnvironmentProblem(
            Problem(
                f"the task directory holds the unfinished run {old.run} of another plan, {another}",
                str(layout.root),
                "give this plan a directory of its own: `--tasks-dir DIR`; or end that run first: "
                f"`parallel-orchestra run {another} --resume`; or `--fresh` moves it to the attic",
            )
        )
    way = "go on with it"
    if _all_done(layout, old):
        way = "bring its work to your branch: `parallel-orchestra deliver`; or go on with it"
    return EnvironmentProblem(
        Problem(
            f"the task directory holds the unfinished run {old.run}",
            str(layout.root),
            f"{way}: `--resume` (done tasks stay done); "
            "or begin anew: `--fresh` (its files go to the attic, its commits stay in git)",
        )
    )


def _stamp(now: float) -> str:
    return time.strftime("%Y%m%d-%H%M%S", time.gmtime(now))
