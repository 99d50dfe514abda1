"""The integration report of a run: what came together, looked at once more as a whole.

Commands run in a worktree of the queue's own at the tip of the branch, never in the user's checkout.
Every report and its logs stay in `_tasks/integration/<n>/`; of the last, `report_of` tells.
"""

import json
import os
import threading
from collections.abc import Iterator
from pathlib import Path

from parallel_orchestra import files
from parallel_orchestra.conductor.agreements import (
    boundaries_check,
    contracts_of,
    keepers_of,
    names_of,
    steps_of,
    violations_of,
)
from parallel_orchestra.conductor.picture import ledger_at, report_of
from parallel_orchestra.conductor.workshop import Workshop
from parallel_orchestra.errors import EnvironmentProblem, Problem
from parallel_orchestra.merge_queue.bay import Cancelled
from parallel_orchestra.model import Plan, as_typed
from parallel_orchestra.process import Ending, Exit
from parallel_orchestra.progress import (
    Check,
    Contract,
    IntegrationReport,
    Mark,
    Outcome,
    RunReport,
    Violation,
)
from parallel_orchestra.progress.integration import BRANCH, CONTRACTS, facts_of
from parallel_orchestra.report.text import counted, span
from parallel_orchestra.store import Layout
from parallel_orchestra.store.integrations import REPORT, made_place
from parallel_orchestra.worker.borders import Ground

_TITLES = {"tests": "Tests", "types": "Types", "lint": "Lint"}
_TAIL = 2000


def wanted(plan: Plan) -> bool:
    """Returns whether a run makes one by itself: the plan has something to hold the result against."""
    return plan.cpo or any(plan.checks.named()) or any(task.contracts for task in plan.tasks)


def integrate(shop: Workshop) -> IntegrationReport:
    """Makes the integration report at the tip of the branch as it is, keeps it, and returns it.

    Raises:
        EnvironmentProblem: the branch is gone, or the worktree for the commands can't be set up.
        GitError: git can't tell what was merged.
        Cancelled: the workshop's checks were cancelled.
    """
    job = shop.job
    report = report_of(job.layout, job.repo, shop.clock.now())
    if not report.tip:
        where, hint = report.integration, "it was deleted; `git reflog` may know it"
        raise EnvironmentProblem(Problem("there is no integration branch", where, hint))
    place = made_place(job.layout)
    found = _of_folder(shop, report) if job.plan.cpo else _found(shop, report, place)
    data = json.dumps(facts_of(found), indent=1).encode()
    via = job.layout.tmp / f"integration.{os.getpid()}.{threading.get_ident()}"
    files.replace(place / REPORT, data, via=via)
    return found


def _of_folder(shop: Workshop, report: RunReport) -> IntegrationReport:
    # YAML and pydantic, which `status` does without
    from parallel_orchestra.conductor.of_folder import found_of  # noqa: PLC0415
    from parallel_orchestra.plan import read_cpo  # noqa: PLC0415

    job = shop.job
    folder = read_cpo(job.plan.source.parent)
    return found_of(report, folder, job.plan, job.run, job.repo, job.layout, job.settings.environ)


def _found(shop: Workshop, report: RunReport, place: Path) -> IntegrationReport:
    job, tip = shop.job, report.tip
    ledger = ledger_at(job.repo, job.run, tip)
    steps = steps_of(job.plan, job.run, job.repo, ledger, tip)
    ground = Ground(job.repo.objects, shop.pool.inside, job.settings.environ)
    open_tasks = report.completed < report.total
    contracts = contracts_of(keepers_of(job.plan), ground, steps, tip, open_tasks=open_tasks)
    violations = tuple(violations_of(job.plan, ground, steps))
    checks = (
        _branch(shop, report),
        _contracts(contracts),
        boundaries_check(job.plan, violations, merged=bool(steps)),
        *_commands(shop, tip, place),
    )
    return IntegrationReport(
        at=shop.clock.now(),
        commit=tip,
        merged=report.completed,
        total=report.total,
        checks=checks,
        contracts=contracts,
        violations=violations,
        must=tuple(_must(report, checks, contracts, violations)),
        should=tuple(_should(report, contracts, violations)),
    )


def _branch(shop: Workshop, report: RunReport) -> Check:
    done = f"{report.completed} of {counted(report.total, 'task')} done"
    delivery = report.delivery
    if report.count(Outcome.FAILED, Outcome.SKIPPED):
        return Check(BRANCH, Mark.BAD, done)
    if report.completed < report.total:
        return Check(BRANCH, Mark.UNKNOWN, done)
    if report.tip == report.base_commit:
        return Check(BRANCH, Mark.GOOD, f"{done}, and nothing to merge")
    if delivery.url:
        return Check(BRANCH, Mark.GOOD, f"{done}, in a pull request: {delivery.url}")
    there = shop.job.repo.refs.read(f"refs/heads/{report.base_branch}")
    branch = f"`{report.base_branch}`"
    if there is not None and shop.job.repo.is_ancestor(report.tip, there):
        return Check(BRANCH, Mark.GOOD, f"{done}, and {branch} has them")
    return Check(BRANCH, Mark.ODD, f"{done}, but not delivered to {branch}")


def _contracts(found: tuple[Contract, ...]) -> Check:
    if not found:
        return Check(CONTRACTS, Mark.UNKNOWN, "no task names one")
    count = names_of(found)
    words = {
        Mark.GOOD: "kept",
        Mark.UNKNOWN: "not there yet",
        Mark.ODD: "changed late",
        Mark.BAD: "broken",
    }
    told = ", ".join(f"{number} {words[mark]}" for mark, number in count.items() if number)
    mark = next(one for one in (Mark.BAD, Mark.ODD, Mark.UNKNOWN, Mark.GOOD) if count[one])
    return Check(CONTRACTS, mark, told)


def _commands(shop: Workshop, tip: str, place: Path) -> Iterator[Check]:
    """Yields what came of the plan's commands, each run to its end whatever the others said.

    Raises:
        Cancelled: somebody ended them.
    """
    plan, layout = shop.job.plan, shop.job.layout
    commands = dict(plan.checks.named())
    tree = shop.job.repo.objects.tree_of(tip) if commands else ""
    for name in _TITLES:
        if name not in commands:
            yield Check(name, Mark.UNKNOWN, f"not run: the plan names no `checks.{name}`")
            continue
        bay, log = shop.bay(), place / f"{name}.log"
        with bay.lock:
            if shop.unwanted:
                raise Cancelled
            workspace = bay.open(tip, tree, log)
            try:
                ended = bay.run(commands[name], workspace.path, log, plan.checks.timeout)
            finally:
                # what one writes is not there for the next
                bay.used()
        if ended.ending is Ending.CANCELLED:
            raise Cancelled
        yield _checked(name, as_typed(commands[name]), ended, _log_of(log, layout))


def _checked(name: str, command: str, ended: Exit, log: str) -> Check:
    shown = f"`{command}`"
    if ended.ending is Ending.EXITED and ended.code == 0:
        return Check(name, Mark.GOOD, f"{shown}, {span(ended.seconds)}", log, ended.seconds)
    if ended.reason:
        return Check(name, Mark.BAD, f"{shown}: {ended.reason}", log, ended.seconds)
    how = f"{ended.ending.value} with code {ended.code}"
    if ended.ending is Ending.TIMEOUT:
        how = f"took longer than {span(ended.seconds)}"
    said = (ended.stdout_tail + ended.stderr_tail)[-_TAIL:].decode("utf-8", "replace").split("\n")
    last = next((line.strip() for line in reversed(said) if line.strip()), "")
    told = f"{shown} {how}" + (f": {last}" if last else "")
    return Check(name, Mark.BAD, told, log, ended.seconds)


def _log_of(log: Path, layout: Layout) -> str:
    return log.relative_to(layout.root).as_posix() if log.exists() else ""


def _must(
    report: RunReport,
    checks: tuple[Check, ...],
    contracts: tuple[Contract, ...],
    violations: tuple[Violation, ...],
) -> Iterator[str]:
    for task in report.tasks:
        if task.outcome in (Outcome.FAILED, Outcome.SKIPPED):
            why = task.reason or task.failure or "see its log"
            yield f"task `{task.id}` {task.outcome.value}: {why}"
    yield from _broken(contracts, Mark.BAD)
    yield from _told(violations, grave=True)
    for check in checks:
        if check.mark is Mark.BAD and check.name in _TITLES:
            log = f"; all of it: `{report.tasks_dir}/{check.log}`" if check.log else ""
            yield f"{check.name}: {check.details}{log}"


def _should(
    report: RunReport, contracts: tuple[Contract, ...], violations: tuple[Violation, ...]
) -> Iterator[str]:
    if not report.delivery.done and report.delivery.command:
        yield f"deliver what was merged: `{report.delivery.command}`"
    yield from _broken(contracts, Mark.ODD)
    yield from _told(violations, grave=False)


def _broken(contracts: tuple[Contract, ...], mark: Mark) -> Iterator[str]:
    for one in contracts:
        if one.mark is mark:
            yield f"the contract `{one.where or one.path}` {one.words}"


def _told(violations: tuple[Violation, ...], *, grave: bool) -> Iterator[str]:
    for one in violations:
        if one.grave is grave:
            yield f"task `{one.task}`: `{one.file}` {one.issue}"
