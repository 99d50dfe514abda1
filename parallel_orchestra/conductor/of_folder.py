"""The integration report of a `cpo` folder: what the run made of it, held against its agreements.

Contracts and boundaries are judged as those of any plan. Tests are counted from the agents' results; what
no validation ran is not called good.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from parallel_orchestra.agents.closing import Result, find_result
from parallel_orchestra.conductor.agreements import (
    boundaries_check,
    kept_out_of,
    sealed_contracts,
    steps_of,
    violations_of,
)
from parallel_orchestra.conductor.picture import ledger_at
from parallel_orchestra.git import Repo
from parallel_orchestra.model import FailureClass, Plan
from parallel_orchestra.plan.cpo import Folder, gates_of
from parallel_orchestra.progress import (
    Check,
    Contract,
    IntegrationReport,
    Mark,
    Outcome,
    RunReport,
    TaskReport,
    Violation,
)
from parallel_orchestra.progress.integration import (
    BRANCH,
    CONTRACTS,
    LINT,
    SPEC,
    TESTS,
    TYPES,
)
from parallel_orchestra.report.text import counted
from parallel_orchestra.store import Layout, RunRecord
from parallel_orchestra.store.records import attempt_results
from parallel_orchestra.worker.borders import Ground

#: Programs by which a validation is known to test, to check types or to lint.
_TOOLS = {
    TESTS: r"pytest|unittest|tox|nox|npm (?:run )?test|yarn test|vitest|jest|go test|cargo test",
    TYPES: r"mypy|pyright|pyre|tsc|go vet",
    LINT: r"ruff|flake8|pylint|eslint|npm run lint|gofmt|golangci-lint|clippy",
}


def found_of(
    report: RunReport,
    folder: Folder,
    plan: Plan,
    record: RunRecord,
    repo: Repo,
    layout: Layout,
    environ: Mapping[str, str],
) -> IntegrationReport:
    """Returns how the run of a folder's `plan` stands to its agreements; changes nothing.

    Raises:
        GitError: git can't say what a merge changed.
    """
    tasks = {task.id: task for task in report.tasks}
    # the folder as it is today may have more tasks than the run had
    folder = replace(folder, members=tuple(one for one in folder.members if one.id in tasks))
    ground = Ground(repo.objects, plan.cwd.resolve().relative_to(repo.top.resolve()), environ)
    steps = steps_of(plan, record, repo, ledger_at(repo, record, report.tip), report.tip)
    violations = (*violations_of(plan, ground, steps), *kept_out_of(plan, repo, ground, report))
    done = [tasks[member.id] for member in folder.members if tasks[member.id].outcome.done]
    results = _results(done, layout)
    place = folder.path.relative_to(folder.project).as_posix()
    named = (f"{place}/{name}" for name in _contracts(folder))
    contracts = sealed_contracts(named, f"{place}/contracts", ground, steps)
    gates = {task.id: task for task in report.tasks if task.id in _validations(folder)}
    checks = (
        _merge(report),
        _contracts_check(contracts),
        Check(SPEC, Mark.UNKNOWN, "for a reader to judge"),
        boundaries_check(plan, violations, merged=bool(steps)),
        _tests(folder, results, gates),
        _tool(TYPES, folder, gates),
        _tool(LINT, folder, gates),
    )
    return IntegrationReport(
        at=report.ended or report.started,
        commit=report.tip,
        merged=len(done),
        total=len(folder.members),
        checks=checks,
        contracts=contracts,
        violations=violations,
        must=tuple(_must(report, contracts, violations)),
        should=tuple(_should(done, violations)),
    )


def _must(
    report: RunReport, contracts: Iterable[Contract], violations: Iterable[Violation]
) -> Iterator[str]:
    yield from (_told(one) for one in violations if one.grave)
    yield from (f"the contract `{one.where}` {one.words}" for one in contracts if one.task)
    for task in report.tasks:
        # what a boundary kept out stands among the violations
        if not task.outcome.done and task.failure != FailureClass.BOUNDARY.value:
            yield f"{task.id} {_word(task)}: {task.reason or task.failure or 'see its log'}"


def _should(done: Iterable[TaskReport], violations: Iterable[Violation]) -> Iterator[str]:
    yield from (_told(one) for one in violations if not one.grave and not one.mended)
    for task in done:
        if not task.commit and task.outcome is not Outcome.BY_HAND:
            yield f"{task.id}: its agent says that it is done, but it changed no file"


def _contracts(folder: Folder) -> Iterator[str]:
    """Yields the contracts that tasks name, counted from the folder."""
    for member in folder.members:
        yield from member.file.names("contracts") if member.file is not None else ()


def _contracts_check(found: Sequence[Contract]) -> Check:
    """Returns what they come to. That the code keeps to a contract only a reader can say."""
    broken = sum(one.mark is Mark.BAD for one in found)
    if broken:
        return Check(CONTRACTS, Mark.BAD, f"tasks changed contract files {counted(broken, 'time')}")
    if not found:
        return Check(CONTRACTS, Mark.UNKNOWN, "no task names a contract")
    kept = counted(len(found), "contract")
    return Check(CONTRACTS, Mark.UNKNOWN, f"{kept}, unchanged by tasks; for a reader to compare")


def _results(tasks: Iterable[TaskReport], layout: Layout) -> dict[str, Result]:
    """Returns what the agents of these tasks said at the end, of those that said so."""
    found = {}
    for task in tasks:
        attempts = attempt_results(layout, task.id)
        result = find_result(attempts[-1].text) if attempts else None
        if result is not None:
            found[task.id] = result
    return found


def _merge(report: RunReport) -> Check:
    done = report.completed
    details = f"{done} of {report.total} tasks done"
    if report.delivery.url:
        return Check(BRANCH, Mark.BAD, f"{details}; in a pull request: {report.delivery.url}")
    if done == report.total and report.delivery.done:
        return Check(BRANCH, Mark.GOOD, f"{details}, merged into {report.base_branch}")
    if report.delivery.done or not report.tip:
        return Check(BRANCH, Mark.BAD, f"{details}; the rest was not merged")
    return Check(BRANCH, Mark.BAD, f"{details}; the work is on {report.integration}")


def _tests(folder: Folder, results: Mapping[str, Result], gates: Mapping[str, TaskReport]) -> Check:
    passed = sum(result.tests_passed for result in results.values())
    failed = sum(result.tests_failed for result in results.values())
    ran = _tool(TESTS, folder, gates)
    reported = f"agents report {passed} passed, {failed} failed" if passed or failed else ""
    validations = _counted_gates(gates)
    bad = failed or ran.mark is Mark.BAD or any(_failed(gate) for gate in gates.values())
    reached = all(gate.outcome.done for gate in gates.values())
    known = reached and (passed or ran.mark is Mark.GOOD)
    mark = Mark.BAD if bad else Mark.GOOD if known else Mark.UNKNOWN
    details = (
        "; ".join(part for part in (reported, validations) if part) or "no tests were reported"
    )
    return Check(TESTS, mark, details)


def _counted_gates(gates: Mapping[str, TaskReport]) -> str:
    if not gates:
        return ""
    passed = sum(gate.outcome.done for gate in gates.values())
    return f"{passed} of {len(gates)} validations passed"


def _tool(name: str, folder: Folder, gates: Mapping[str, TaskReport]) -> Check:
    """Returns what the validations that call such a program say."""
    program = re.compile(rf"(?<![\w-])(?:{_TOOLS[name]})(?![\w-])")
    validations = _validations(folder)
    using = [gate for gate in gates.values() if program.search(validations[gate.id])]
    if not using:
        return Check(name, Mark.UNKNOWN, "not run: no validation calls such a program")
    failed = [gate.id for gate in using if _failed(gate)]
    if failed:
        return Check(name, Mark.BAD, f"failed in {', '.join(failed)}")
    if not all(gate.outcome.done for gate in using):
        return Check(name, Mark.UNKNOWN, "its validation was not reached")
    return Check(name, Mark.GOOD, f"passed in {', '.join(gate.id for gate in using)}")


def _failed(gate: TaskReport) -> bool:
    return gate.outcome is Outcome.FAILED and gate.failure != FailureClass.CANCELLED.value


def _validations(folder: Folder) -> dict[str, str]:
    """Returns the text of each validation by the id of its task."""
    return {name: wave.validation for name, wave in gates_of(folder).items()}


def _told(violation: Violation) -> str:
    file = f"{violation.file}: " if violation.file else ""
    return f"{violation.task}: {file}{violation.issue}"


def _word(task: TaskReport) -> str:
    return "failed" if task.outcome is Outcome.FAILED else "was not done"
