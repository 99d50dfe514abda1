"""The picture of a run as its directory shows it: one listing, the journal and the branch."""

from collections.abc import Mapping
from pathlib import Path

from parallel_orchestra import journal
from parallel_orchestra.errors import EnvironmentProblem, Problem
from parallel_orchestra.git import Repo
from parallel_orchestra.merge_queue import RunRefs
from parallel_orchestra.merge_queue.history import merges_in
from parallel_orchestra.model import Plan
from parallel_orchestra.plan import plan_from_json
from parallel_orchestra.progress import Place, RunFacts, RunReport, fold
from parallel_orchestra.store import Layout, Listing, RunRecord, TaskStore
from parallel_orchestra.store.records import read_run

#: The owner of who only looks: it claims nothing and holds nothing.
NOBODY = "nobody-0-00000000"


def report_of(layout: Layout, repo: Repo, now: float) -> RunReport:
    """Returns how a run stands at this moment (epoch); changes nothing.

    Raises:
        EnvironmentProblem: the directory holds no run.
    """
    record = read_record(layout)
    plan = plan_from_json(record.plan)
    listing = TaskStore(layout, NOBODY).settled_listing(task.id for task in plan.tasks)
    places = {
        task: Place(entry.state, entry.name.attempts, entry.name.failures, entry.name.owner)
        for task, entry in listing.entries.items()
    }
    refs = RunRefs(record.run, record.integration)
    tip = repo.refs.read(record.integration) or ""
    facts = RunFacts(
        run=record.run,
        plan=plan,
        tasks_dir=str(layout.root),
        base_branch=record.base_branch,
        base_commit=record.base_commit,
        integration=refs.branch,
        tip=tip,
        merges=_merges(repo, record, tip),
        strange=(*listing.strange, *_unknown(plan, listing)),
    )
    return fold(facts, places, journal.read(layout.journal), now)


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


def repository_of(record: RunRecord, environ: Mapping[str, str]) -> Repo:
    """Returns the repository that a run works on.

    Raises:
        EnvironmentProblem: it is not there any more.
    """
    return Repo.discover(Path(record.repository), environ)


def _unknown(plan: Plan, listing: Listing) -> list[str]:
    known = {task.id for task in plan.tasks}
    return sorted(
        f"{entry.state.value}/{entry.name.file}"
        for task, entry in listing.entries.items()
        if task not in known
    )


def _merges(repo: Repo, record: RunRecord, tip: str) -> dict[str, str]:
    return merges_in(repo.objects, record.run, record.base_commit, tip) if tip else {}
