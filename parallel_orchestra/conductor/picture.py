"""The picture of a run as its directory shows it: one listing, the journal and the branch."""

import contextlib
import shlex
from collections.abc import Collection, Mapping
from dataclasses import replace
from pathlib import Path

from parallel_orchestra import journal
from parallel_orchestra.conductor.durations import past_of
from parallel_orchestra.conductor.limited import usage_limits_of
from parallel_orchestra.conductor.territory import tree_of
from parallel_orchestra.errors import EnvironmentProblem, GitError, Problem
from parallel_orchestra.events import Undone
from parallel_orchestra.garbage import undisturbed
from parallel_orchestra.git import Repo
from parallel_orchestra.merge_queue import RunRefs
from parallel_orchestra.merge_queue.history import Ledger, ledger_of
from parallel_orchestra.model import Plan
from parallel_orchestra.ownership import NOTHING, Tree
from parallel_orchestra.plan import plan_from_json
from parallel_orchestra.progress import Place, RunFacts, RunReport, fold
from parallel_orchestra.spending import NOTHING_SPENT, Spent, limited
from parallel_orchestra.states import TaskState
from parallel_orchestra.store import Entry, Layout, Listing, RunRecord, TaskStore, steering
from parallel_orchestra.store.integrations import last_integration
from parallel_orchestra.store.life import silence_of
from parallel_orchestra.store.outlays import Outlays
from parallel_orchestra.store.records import read_run

#: The owner of who only looks: it claims nothing and holds nothing.
NOBODY = "nobody-0-00000000"

_ENDED = (TaskState.DONE, TaskState.FAILED)


@undisturbed()
def report_of(
    layout: Layout,
    repo: Repo,
    now: float,
    killed: str = "",
    known: tuple[RunRecord, Plan] | None = None,
) -> RunReport:
    """Returns how a run stands `now` (epoch), `killed` if nobody is at work on it; changes nothing.

    `known` are the record and its plan as the caller has them: most likely they are still true.

    Raises:
        EnvironmentProblem: the directory holds no run.
    """
    record = read_record(layout)
    if known is not None and known[0].plan == record.plan:
        plan = known[1]
    else:
        plan = plan_from_json(record.plan)
    return report_on(record, plan, layout, repo, now, killed)


@undisturbed()
def report_on(
    record: RunRecord, plan: Plan, layout: Layout, repo: Repo, now: float, killed: str = ""
) -> RunReport:
    """Returns the same of a run whose record is at hand, and the plan in it."""
    listing = TaskStore(layout, NOBODY).settled_listing(task.id for task in plan.tasks)
    refs = RunRefs(record.run, record.integration)
    tip = repo.refs.read(record.integration) or ""
    ledger = ledger_at(repo, record, tip)
    half_undone = undos_under_way(repo, record, ledger)
    places = {
        task: _place(layout, task, entry, half_undone) for task, entry in listing.entries.items()
    }
    is_open = any(one.state not in _ENDED for one in places.values())
    asked = steering.asked_for(layout, steering.Wish.PAUSE)
    limit = usage_limits_of(plan, layout, now)
    facts = RunFacts(
        run=record.run,
        plan=plan,
        tasks_dir=str(layout.root),
        base_branch=record.base_branch,
        base_commit=record.base_commit,
        integration=refs.branch,
        tip=tip,
        merges={task: fact.commit for task, fact in ledger.merges.items()},
        undone={
            task: Undone(fact.time, task, fact.generation, fact.merge, fact.commit, fact.by)
            for task, fact in ledger.undone.items()
        },
        left_out=_left_out(plan, layout),
        paused=asked.words if asked is not None else "",
        # only what will be done is foretold
        past=past_of(plan, repo) if is_open else {},
        tree=_tree(plan, repo, record) if is_open else NOTHING,
        spent=spent_of(plan, layout, now),
        limits=limit.limits,
        limited=limit.causes,
        killed=killed,
        strange=(*listing.strange, *_unknown(plan, listing)),
    )
    report = fold(facts, places, journal.read(layout.journal), now)
    made = last_integration(layout)
    if made is None or made.commit != tip:
        # what it says is of another state of the branch
        return report
    return replace(report, integration_report=made)


def spent_of(plan: Plan, layout: Layout, now: float) -> Spent:
    """Returns what a run has used of its budgets as of now (epoch); nothing if it has none."""
    if any(limited(task, plan.budget) for task in plan.tasks):
        # who only looks can go without; no agent starts without
        with contextlib.suppress(OSError):
            return Outlays(layout).spent(now)
    return NOTHING_SPENT


def resume_command(record: RunRecord, layout: Layout) -> str:
    """Returns the command by which a person goes on with a run."""
    words = ["parallel-orchestra", "run", str(record.plan.get("source", "PLAN")), "--resume"]
    if str(layout.root) != f"{record.plan.get('cwd', '')}/_tasks":
        words += ["--tasks-dir", str(layout.root)]
    return shlex.join(words)


def read_record(layout: Layout) -> RunRecord:
    """Returns what the directory's run is.

    Raises:
        EnvironmentProblem: there is none, or its record can't be read.
    """
    record = read_run(layout)
    if record is None:
        raise EnvironmentProblem(
            Problem(
                "there is no run here",
                str(layout.run_file),
                "start one with `parallel-orchestra run PLAN`, or name its directory with "
                "`--tasks-dir`",
            )
        )
    return record


def ledger_at(repo: Repo, record: RunRecord, tip: str) -> Ledger:
    """Returns what the integration branch says of a run's tasks; nothing if it is gone (`""`)."""
    if tip in ("", record.base_commit):
        return Ledger(record.run)
    return ledger_of(repo.objects, record.run, record.base_commit, tip)


def is_undone(record: RunRecord, store: TaskStore, entry: Entry, repo: Repo) -> bool:
    """Returns whether the merge of this very generation of a task was taken back."""
    ledger = ledger_at(repo, record, repo.refs.read(record.integration) or "")
    fact = ledger.undone.get(entry.task)
    return fact is not None and fact.generation >= store.generation(entry.state, entry.name)


def undos_under_way(repo: Repo, record: RunRecord, ledger: Ledger) -> frozenset[str]:
    """Returns the tasks whose merge was taken back, but whose file perhaps was not moved yet."""
    refs = RunRefs(record.run, record.integration)
    return frozenset(
        task
        for task, fact in ledger.undone.items()
        if repo.refs.read(refs.claim(task)) == fact.merge
    )


def repository_of(record: RunRecord, environ: Mapping[str, str]) -> Repo:
    """Returns the repository that a run works on.

    Raises:
        EnvironmentProblem: it is not there any more.
    """
    return Repo.discover(Path(record.repository), environ)


def _tree(plan: Plan, repo: Repo, record: RunRecord) -> Tree:
    """Returns the files that tasks share, as far as git can tell."""
    with contextlib.suppress(GitError):
        return tree_of(plan, repo, record.base_commit)
    return NOTHING


def _left_out(plan: Plan, layout: Layout) -> dict[str, str]:
    """Returns the tasks that are not of this run's selection, unless they follow in later calls."""
    chosen = steering.selection(layout)
    if chosen is None or chosen.step:
        return {}
    why = f"left out of this run: {chosen.why}"
    return {task.id: why for task in plan.tasks if task.id not in chosen.tasks}


def _unknown(plan: Plan, listing: Listing) -> list[str]:
    known = {task.id for task in plan.tasks}
    return sorted(
        f"{entry.state.value}/{entry.file}"
        for task, entry in listing.entries.items()
        if task not in known
    )


def _place(layout: Layout, task: str, entry: Entry, half_undone: Collection[str]) -> Place:
    # Whoever undid it died before the move, which the next look makes.
    half = task in half_undone and entry.state is TaskState.DONE
    name = entry.name
    state = TaskState.FAILED if half else entry.state
    silence = None
    if state is TaskState.LOCKED and name.owner:
        silence = silence_of(layout.attempt(task, name.attempts, name.owner))
    return Place(state, name.attempts, name.failures, name.owner, silence)
