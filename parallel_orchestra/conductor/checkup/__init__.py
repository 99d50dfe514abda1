"""Looks at everything a run rests on and at the health of its directory; changes nothing.

Shares its eyes with the pre-flight (`preflight`), the recovery (`store.Watch`) and the merge
queue (`History`): it judges as they do, and only says what they would do.
"""

import time
from collections.abc import Iterator
from pathlib import Path

from parallel_orchestra.conductor.checkup import agents, branch, directory, ground, pool
from parallel_orchestra.conductor.checkup.finding import (
    Finding,
    Level,
    problems_as_findings,
    verdict,
)
from parallel_orchestra.conductor.picture import NOBODY, repository_of
from parallel_orchestra.conductor.preflight import worktree_root
from parallel_orchestra.conductor.present import alive
from parallel_orchestra.config import Settings
from parallel_orchestra.errors import EnvironmentProblem
from parallel_orchestra.git import Repo
from parallel_orchestra.model import Plan
from parallel_orchestra.plan import plan_from_json
from parallel_orchestra.store import Layout, RunRecord, TaskStore, WorkerKind
from parallel_orchestra.store.records import peek_run

__all__ = ["Finding", "Level", "check_up", "verdict"]


def check_up(plan: Plan | None, layout: Layout | None, settings: Settings) -> tuple[Finding, ...]:
    """Returns what was found, in the order in which it was looked at.

    `plan` is one to be run (None: that of the run, if there is one), `layout` a task directory.
    """
    return tuple(_findings(plan, layout, settings))


def _findings(plan: Plan | None, layout: Layout | None, settings: Settings) -> Iterator[Finding]:
    yield from ground.machine(settings)
    yield from agents.agents(settings)
    here = layout is not None and layout.root.is_dir()
    record = peek_run(layout) if layout is not None and here else None
    plan_of_run = plan_from_json(record.plan) if record is not None else None
    chosen = plan if plan is not None else plan_of_run
    project = chosen.cwd if chosen is not None else settings.directory
    yield from ground.place(layout.root if layout is not None else project)
    if layout is not None and here:
        yield from directory.fitness(layout)
        yield from directory.records(layout, record)
        yield from directory.leftovers(layout, time.time())
    try:
        found = _repository(project, record, settings)
    except EnvironmentProblem as error:
        yield from problems_as_findings(error.problems)
        return
    try:
        yield from ground.repository(found)
        if chosen is not None:
            yield from ground.plan_at(chosen, settings, found)
        yield from branch.lock_files(found, time.time())
        yield from pool.pool(found, worktree_root(found, settings))
        if layout is not None and record is not None and plan_of_run is not None:
            yield from _run(layout, record, found, plan_of_run)
    finally:
        found.close()


def _repository(project: Path, record: RunRecord | None, settings: Settings) -> Repo:
    if record is not None:
        return repository_of(record, settings.environ)
    return Repo.discover(project, settings.environ)


def _run(layout: Layout, record: RunRecord, repo: Repo, plan: Plan) -> Iterator[Finding]:
    listing = TaskStore(layout, NOBODY).settled_listing(record.fingerprints)
    yield from directory.at_work(layout)
    yield from directory.tasks(layout, record, listing)
    yield from directory.edits(layout, record, plan.tasks, listing)
    yield from directory.locks(layout, record, listing, time.time())
    yield from branch.integration(repo, record, layout, listing)
    yield from branch.fences(repo, record)
    busy = bool(alive(layout, WorkerKind.CONDUCTOR))
    yield from branch.delivery(repo, record, busy=busy)
