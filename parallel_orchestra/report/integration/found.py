"""What the history and the attempts of a run say of a folder's agreements.

Boundaries are judged by git: the files that each task's merge changed, whatever its agent said.
Tests are counted from the agents' results; what no validation ran is not called good.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace

from parallel_orchestra.agents.closing import Result, find_result
from parallel_orchestra.errors import GitError
from parallel_orchestra.git import Repo
from parallel_orchestra.model import FailureClass
from parallel_orchestra.ownership import reach, read_patterns
from parallel_orchestra.ownership.overlap import matches
from parallel_orchestra.plan.cpo import Folder, Member, Scope, gates_of
from parallel_orchestra.progress import (
    Check,
    IntegrationReport,
    Mark,
    Outcome,
    RunReport,
    TaskReport,
    Violation,
)
from parallel_orchestra.progress.integration import (
    BOUNDARIES,
    BRANCH,
    LINT,
    SPEC,
    TESTS,
    TYPES,
)
from parallel_orchestra.report.integration.contracts import check_of, contracts_of
from parallel_orchestra.report.text import counted
from parallel_orchestra.store import Layout
from parallel_orchestra.store.records import attempt_results

_WILD = re.compile(r"[*?\[]")

#: Programs by which a validation is known to test, to check types or to lint.
_TOOLS = {
    TESTS: r"pytest|unittest|tox|nox|npm (?:run )?test|yarn test|vitest|jest|go test|cargo test",
    TYPES: r"mypy|pyright|pyre|tsc|go vet",
    LINT: r"ruff|flake8|pylint|eslint|npm run lint|gofmt|golangci-lint|clippy",
}


def found_of(report: RunReport, folder: Folder, repo: Repo, layout: Layout) -> IntegrationReport:
    """Returns how the run stands to the folder's agreements; changes nothing.

    Raises:
        GitError: git can't say what a merge changed.
    """
    tasks = {task.id: task for task in report.tasks}
    # the folder as it is today may have more tasks than the run had
    folder = replace(folder, members=tuple(one for one in folder.members if one.id in tasks))
    changed = _changed(report, folder, repo)
    violations = tuple(_violations(folder, changed, _refused(report, folder, repo), tasks))
    done = [tasks[member.id] for member in folder.members if tasks[member.id].outcome.done]
    results = _results(done, layout)
    contracts = contracts_of(report, folder, changed, repo)
    missing = tuple(_not_created(folder, changed))
    gates = {task.id: task for task in report.tasks if task.id in _validations(folder)}
    checks = (
        _merge(report),
        check_of(contracts),
        Check(SPEC, Mark.UNKNOWN, "for a reader to judge"),
        _boundaries(violations, merged=bool(changed)),
        _tests(folder, results, gates),
        _tool(TYPES, folder, gates),
        _tool(LINT, folder, gates),
    )
    must = [_told(one) for one in violations if one.grave]
    must += [f"the contract `{one.where}` {one.words}" for one in contracts if one.task]
    must += [
        f"{task.id} {_word(task)}: {task.reason or task.failure or 'see its log'}"
        for task in report.tasks
        if not task.outcome.done and task.failure != FailureClass.BOUNDARY.value
    ]
    should = [_told(one) for one in violations if not one.grave and not one.mended]
    should += [f"{task}: {path} is in CREATE, but was not created" for task, path in missing]
    should += [
        f"{task.id}: its agent says that it is done, but it changed no file"
        for task in done
        if not task.commit and task.outcome is not Outcome.BY_HAND
    ]
    return IntegrationReport(
        at=report.ended or report.started,
        commit=report.tip,
        merged=len(done),
        total=len(folder.members),
        checks=checks,
        contracts=contracts,
        violations=violations,
        must=tuple(must),
        should=tuple(should),
    )


def _changed(report: RunReport, folder: Folder, repo: Repo) -> dict[str, tuple[str, ...]]:
    """Returns the paths that each task's merge changed, counted from the project."""
    return {
        task.id: _between(f"{task.commit}^1", task.commit, folder, repo)
        for task in report.tasks
        if task.commit
    }


def _refused(
    report: RunReport, folder: Folder, repo: Repo
) -> dict[str, dict[int, tuple[str, ...]]]:
    """Returns the paths that those attempts of each task changed that its boundary kept out.

    By the number of the attempt; no paths if git can't say any more.
    """
    found: dict[str, dict[int, tuple[str, ...]]] = {}
    for task in report.tasks:
        for attempt in task.attempts:
            if attempt.failure == FailureClass.BOUNDARY.value:
                ref = _kept_of(task, attempt.number)
                found.setdefault(task.id, {})[attempt.number] = _paths_at(ref, report, folder, repo)
    return found


def _kept_of(task: TaskReport, number: int) -> str:
    """Returns where the work of an attempt was kept; empty if it was not."""
    form = re.compile(rf".*/{re.escape(task.id)}[/-]{number}(?:\.[^/]*)?")
    return next((ref for ref in reversed(task.kept) if form.fullmatch(ref)), "")


def _paths_at(ref: str, report: RunReport, folder: Folder, repo: Repo) -> tuple[str, ...]:
    with suppress(GitError):  # a ref of an earlier run may have been deleted since
        base = repo.merge_base(ref, report.integration) if ref else None
        if base is not None:
            return _between(base, ref, folder, repo)
    return ()


def _between(before: str, after: str, folder: Folder, repo: Repo) -> tuple[str, ...]:
    """Returns the paths that differ, counted from the project; with `/` in front if outside."""
    top = repo.top.resolve()
    project = folder.project.resolve()
    prefix = "" if project == top else project.relative_to(top).as_posix() + "/"
    paths = (one.path for one in repo.objects.changed(before, after))
    return tuple(
        path.removeprefix(prefix) if path.startswith(prefix) else f"/{path}" for path in paths
    )


def _violations(
    folder: Folder,
    changed: Mapping[str, Sequence[str]],
    refused: Mapping[str, Mapping[int, Sequence[str]]],
    tasks: Mapping[str, TaskReport],
) -> Iterator[Violation]:
    for member in folder.members:
        scope = _scope(member)
        for path in changed.get(member.id, ()):
            issue, grave = _issue(member, scope, path, folder)
            if issue:
                yield Violation(member.id, path, issue, grave)
        for number, paths in refused.get(member.id, {}).items():
            yield from _kept_out(member, number, paths, folder, tasks[member.id])


def _kept_out(
    member: Member, number: int, paths: Iterable[str], folder: Folder, task: TaskReport
) -> Iterator[Violation]:
    """Yields what an attempt changed and was kept out for."""
    last = task.attempts[-1].number == number
    what = "kept out" if last else f"kept out of attempt {number}"
    if task.outcome.done:
        what += ", mended since"
    issues = {path: _issue(member, _scope(member), path, folder) for path in paths}
    found = {path: issue for path, (issue, grave) in issues.items() if grave}
    if not found:
        reason = next(one.reason for one in task.attempts if one.number == number)
        found = {"": reason or task.reason}
    for path, issue in found.items():
        # An attempt that failed for something else afterwards has that among what must be mended.
        yield Violation(member.id, path, f"{what}: {issue}", grave=last, mended=not last)


def _issue(member: Member, scope: Scope, path: str, folder: Folder) -> tuple[str, bool]:
    fence = next((e.path for e in scope.boundary if not e.symbol and _fits(e.path, path)), "")
    if not fence and any(_fits(pattern, path) for pattern in scope.paths):
        return "", False
    owners = [
        other.id
        for other in folder.members
        if other is not member and any(_fits(pattern, path) for pattern in _scope(other).paths)
    ]
    owned = f" (owned by {', '.join(owners)})" if owners else ""
    if fence:
        return f"changed, though its BOUNDARY says {fence}{owned}", True
    return f"changed, but neither in CREATE nor in MODIFY{owned}", False


def _not_created(folder: Folder, changed: Mapping[str, Sequence[str]]) -> Iterator[tuple[str, str]]:
    for member in folder.members:
        if member.id not in changed:
            continue
        for entry in _scope(member).creates:
            if not _WILD.search(entry.path) and not any(
                _fits(entry.path, path) for path in changed[member.id]
            ):
                yield member.id, entry.path


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


def _boundaries(violations: Sequence[Violation], *, merged: bool) -> Check:
    if not violations and not merged:
        return Check(BOUNDARIES, Mark.UNKNOWN, "nothing was merged")
    grave = sum(one.grave for one in violations)
    mended = sum(one.mended for one in violations)
    beside = len(violations) - grave - mended
    mark = Mark.BAD if grave else Mark.ODD if beside else Mark.GOOD
    details = counted(grave, "violation")
    details += f", {counted(beside, 'file')} outside of a scope" if beside else ""
    details += f", {mended} mended" if mended else ""
    return Check(BOUNDARIES, mark, details)


def _tests(folder: Folder, results: Mapping[str, Result], gates: Mapping[str, TaskReport]) -> Check:
    passed = sum(result.tests_passed for result in results.values())
    failed = sum(result.tests_failed for result in results.values())
    ran = _tool(TESTS, folder, gates)
    counted = f"agents report {passed} passed, {failed} failed" if passed or failed else ""
    validations = _counted_gates(gates)
    bad = failed or ran.mark is Mark.BAD or any(_failed(gate) for gate in gates.values())
    reached = all(gate.outcome.done for gate in gates.values())
    known = reached and (passed or ran.mark is Mark.GOOD)
    mark = Mark.BAD if bad else Mark.GOOD if known else Mark.UNKNOWN
    details = "; ".join(part for part in (counted, validations) if part) or "no tests were reported"
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


def _scope(member: Member) -> Scope:
    return member.file.scope if member.file is not None else Scope()


def _fits(pattern: str, path: str) -> bool:
    return matches(reach(read_patterns([pattern])[0]).parts, path)
