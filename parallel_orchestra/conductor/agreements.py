"""What the merges of a run did to what its tasks agreed on: contracts and boundaries, by git.

Of plans and of `cpo` folders alike. Whatever agents said counts for nothing here. Changes nothing.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace

from parallel_orchestra.errors import GitError
from parallel_orchestra.frozen import frozen
from parallel_orchestra.git import Repo
from parallel_orchestra.merge_queue.history import Ledger, state_before, steps_between
from parallel_orchestra.model import Boundaries, FailureClass, Plan, Task
from parallel_orchestra.ownership import reach, read_patterns
from parallel_orchestra.ownership.overlap import matches
from parallel_orchestra.progress import (
    Attempt,
    Check,
    Contract,
    Mark,
    RunReport,
    TaskReport,
    Violation,
)
from parallel_orchestra.progress.integration import BOUNDARIES
from parallel_orchestra.report.text import counted
from parallel_orchestra.report.together import first_difference
from parallel_orchestra.store import RunRecord
from parallel_orchestra.worker.borders import Ground, judged


@frozen
class Step:
    """One task's merge: the commits before and after it; `again` if the task was merged before."""

    task: Task
    before: str
    after: str
    again: bool


def steps_of(
    plan: Plan, record: RunRecord, repo: Repo, ledger: Ledger, tip: str
) -> tuple[Step, ...]:
    """Returns the merges that stand, in the order in which they came onto the branch; `""` has none."""
    if not tip:
        return ()
    tasks = {task.id: task for task in plan.tasks}
    found = []
    for step in steps_between(repo.objects, record.run, record.base_commit, tip):
        fact = ledger.merges.get(step.task)
        # one that was undone, or done again since, is not what stands there
        if fact is not None and fact.commit == step.commit and step.task in tasks:
            again = fact.generation > 1
            before = state_before(repo.objects, step.commit)
            found.append(Step(tasks[step.task], before, step.commit, again))
    return tuple(found)


def keepers_of(plan: Plan) -> dict[str, list[str]]:
    """Returns the contracts of a plan, with the tasks that name them."""
    keepers: dict[str, list[str]] = {}
    for task in plan.tasks:
        for path in task.contracts:
            keepers.setdefault(path, []).append(task.id)
    return keepers


def contracts_of(
    keepers: Mapping[str, Sequence[str]],
    ground: Ground,
    steps: Iterable[Step],
    tip: str,
    *,
    open_tasks: bool,
) -> tuple[Contract, ...]:
    """Returns each contract as kept or broken: by whom, and in which line first.

    Whoever names a contract is told to leave it as it is. `open_tasks` says that some are not done:
    they may write what is not there yet.
    """
    if not keepers:
        return ()
    present = ground.objects.files(tip, below=ground.prefix.rstrip("/"))
    changes = [(step, _changed(ground, step)) for step in steps]
    found: list[Contract] = []
    for path, names in keepers.items():
        told = list(_breaches(path, names, changes, ground))
        if not any(_within(path, one) for one in present):
            mark = Mark.UNKNOWN if open_tasks else Mark.BAD
            told.append(Contract(path, mark, "is not there yet" if open_tasks else "is not there"))
        by = "a task" if len(names) == 1 else f"{len(names)} tasks"
        found += told or [Contract(path, Mark.GOOD, f"is kept by {by}")]
    return tuple(found)


def sealed_contracts(
    named: Iterable[str], directory: str, ground: Ground, steps: Iterable[Step]
) -> tuple[Contract, ...]:
    """Returns each `named` contract as kept or broken, where no task may change any in `directory`.

    Whether they are there is not asked: they need not be in the repository.
    """
    found = [
        Contract(path, Mark.BAD, f"was changed by `{step.task.id}`", step.task.id, where)
        for step in steps
        for path in _changed(ground, step)
        if _within(directory, path)
        for where in (f"{path}:{_first_line(ground, step, path)}",)
    ]
    broken = {one.path for one in found}
    kept = (path for path in dict.fromkeys(named) if path not in broken)
    return (*found, *(Contract(path, Mark.GOOD, "is unchanged") for path in kept))


def violations_of(plan: Plan, ground: Ground, steps: Iterable[Step]) -> Iterator[Violation]:
    """Yields what merged tasks changed that was not theirs, as far as the plan wants that looked at."""
    for step in steps:
        if step.task.may_write or step.task.boundary:
            yield from _violations(plan, ground, step)


def kept_out_of(plan: Plan, repo: Repo, ground: Ground, report: RunReport) -> Iterator[Violation]:
    """Yields what attempts changed that were not merged because of their task's boundary."""
    tasks = {task.id: task for task in plan.tasks}
    for told in report.tasks:
        for attempt in told.attempts:
            if attempt.failure == FailureClass.BOUNDARY.value and told.id in tasks:
                ref = _work_of(told, attempt.number)
                step = _step_to(ref, tasks[told.id], repo, report.tip)
                found = _violations(plan, ground, step) if step is not None else ()
                yield from _kept_out(told, attempt, [one for one in found if one.grave])


def boundaries_check(plan: Plan, found: Sequence[Violation], *, merged: bool) -> Check:
    """Returns what violations come to; `merged` says that there was something to look at."""
    if plan.on_boundary is Boundaries.OFF and plan.on_beyond is Boundaries.OFF:
        return Check(BOUNDARIES, Mark.UNKNOWN, "not looked at: `boundaries: off`")
    if not any(task.may_write or task.boundary for task in plan.tasks):
        return Check(BOUNDARIES, Mark.UNKNOWN, "no task says what it may write")
    if not (found or merged):
        return Check(BOUNDARIES, Mark.UNKNOWN, "nothing was merged")
    grave = sum(one.grave for one in found)
    mended = sum(one.mended for one in found)
    beside = len(found) - grave - mended
    told = counted(grave, "violation") + (f", {counted(beside, 'remark')}" if beside else "")
    told += f", {mended} mended" if mended else ""
    return Check(BOUNDARIES, Mark.BAD if grave else Mark.ODD if beside else Mark.GOOD, told)


def _violations(plan: Plan, ground: Ground, step: Step) -> Iterator[Violation]:
    task = step.task
    found = judged(ground, task, step.before, step.after, again=step.again)
    if plan.on_boundary is not Boundaries.OFF:
        for path in found.touched:
            issue = f"changed, though it is in its `boundary`{_owned(plan, task, path)}"
            yield Violation(task.id, path, issue, grave=True)
    if plan.on_beyond is not Boundaries.OFF:
        for path in found.beyond:
            issue = f"changed, but not among what it may write{_owned(plan, task, path)}"
            yield Violation(task.id, path, issue, grave=False)
        for path in found.missing:
            yield Violation(task.id, path, "in its `creates`, but not made", grave=False)


def _kept_out(
    told: TaskReport, attempt: Attempt, found: Sequence[Violation]
) -> Iterator[Violation]:
    """Yields what one attempt changed: mended if its task is done, grave if nothing came after it."""
    last = told.attempts[-1].number == attempt.number
    done = told.outcome.done
    what = "kept out" if last else f"kept out of attempt {attempt.number}"
    what += ", mended since" if done else ""
    # git may not be able to say it any more
    reason = Violation(told.id, "", attempt.reason or told.reason, grave=True)
    for one in found or [reason]:
        yield replace(one, issue=f"{what}: {one.issue}", grave=last and not done, mended=done)


def _step_to(ref: str, task: Task, repo: Repo, tip: str) -> Step | None:
    """Returns the work under a ref as if it had been merged where it began; None if it is gone."""
    with suppress(GitError):  # it may have been cleaned away
        base = repo.merge_base(ref, tip) if ref and tip else None
        return Step(task, base, ref, again=False) if base is not None else None
    return None


def _work_of(told: TaskReport, number: int) -> str:
    """Returns where the work of an attempt was kept; empty if it was not."""
    form = re.compile(rf".*/{re.escape(told.id)}[/-]{number}(?:\.[^/]*)?")
    return next((ref for ref in reversed(told.kept) if form.fullmatch(ref)), "")


def _changed(ground: Ground, step: Step) -> tuple[str, ...]:
    """Returns what a merge changed in the project."""
    prefix = ground.prefix
    paths = (one.path for one in ground.objects.changed(step.before, step.after))
    return tuple(path[len(prefix) :] for path in paths if path.startswith(prefix))


def _breaches(
    contract: str,
    keepers: Sequence[str],
    changes: Iterable[tuple[Step, tuple[str, ...]]],
    ground: Ground,
) -> Iterator[Contract]:
    settled = ""
    for step, paths in changes:
        task = step.task.id
        for path in (one for one in paths if _within(contract, one)):
            where = f"{path}:{_first_line(ground, step, path)}"
            if task in keepers:
                words = f"was changed by `{task}`, which is to keep to it"
                yield Contract(contract, Mark.BAD, words, task, where)
            elif settled:
                words = f"was changed by `{task}` after `{settled}`, which keeps to it, was merged"
                yield Contract(contract, Mark.ODD, words, task, where)
        if task in keepers:
            settled = settled or task


def _within(contract: str, path: str) -> bool:
    """Returns whether a path is the contract, or in it if that is a directory."""
    whole = contract.rstrip("/")
    return path == whole or path.startswith(f"{whole}/")


def _first_line(ground: Ground, step: Step, path: str) -> int:
    texts = (ground.objects.text(one, ground.prefix + path) for one in (step.before, step.after))
    return first_difference(*(text or "" for text in texts))


def _owned(plan: Plan, task: Task, path: str) -> str:
    owners = [other.id for other in plan.tasks if other is not task and _writes(other, path)]
    return f" (that of {', '.join(owners[:3])})" if owners else ""


def _writes(task: Task, path: str) -> bool:
    patterns = read_patterns(task.may_write)
    return any(matches(reach(one).parts, path) for one in patterns if not one.negative)


def names_of(found: Iterable[Contract]) -> Mapping[Mark, int]:
    """Returns how many contracts stand at each mark; the worst word on one counts."""
    worst: dict[str, Mark] = {}
    order = (Mark.GOOD, Mark.UNKNOWN, Mark.ODD, Mark.BAD)
    for one in found:
        worst[one.path] = max(worst.get(one.path, Mark.GOOD), one.mark, key=order.index)
    return {mark: sum(one is mark for one in worst.values()) for mark in order}
