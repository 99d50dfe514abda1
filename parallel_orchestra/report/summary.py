"""A run in a few lines of plain text, for a terminal that may be narrow.

Knows nothing of colours. A command is never broken or cut, so that it can be copied.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from types import MappingProxyType

from parallel_orchestra.model import FailureClass
from parallel_orchestra.plain import some_of
from parallel_orchestra.progress import Outcome, RunReport, TaskReport
from parallel_orchestra.report.advice import (
    LISTED,
    aftermath_step,
    deliver_step,
    delivery,
    mend_step,
    more,
    next_step,
    resume_step,
    session_step,
    why_step,
)
from parallel_orchestra.report.aftermath import aftermath_lines
from parallel_orchestra.report.ahead import ahead
from parallel_orchestra.report.budgets import budget_lines
from parallel_orchestra.report.figures import cost, figures, headline
from parallel_orchestra.report.last_words import last_words
from parallel_orchestra.report.silence import silence
from parallel_orchestra.report.text import clean, cut, one_line, span
from parallel_orchestra.report.together import verdict_of

#: Seconds after which a locked task is shown as suspicious; it is never freed for that.
LONG_LOCKED = 1800.0

_NOBODY: Mapping[str, str] = MappingProxyType({})
#: A file that may be a person's, for a task that is to join the run.
_DROPPED = re.compile(r"available/([A-Za-z0-9_-]{1,64})\.md")

#: A reason that is cut to fewer columns says too little: a narrow terminal wraps it.
_NARROWEST = 120
#: Lines of what a command printed that tell why it failed.
_LAST_WORDS = 3
#: Tasks that a line names which wait for the same.
_NAMED = 5
#: Failures that ask a person something: what can be answered stands beside them.
_QUESTIONS = (FailureClass.CONFLICT.value, FailureClass.QA_BLOCKED.value)
_NOT_SUCCEEDED = (
    Outcome.FAILED,
    Outcome.SKIPPED,
    Outcome.RUNNING,
    Outcome.WAITING,
    Outcome.MISSING,
)


def summary(report: RunReport, width: int = 80) -> str:
    """Returns the end of a run as lines of `width` characters, or of 120 if that is more, at most.

    Commands are not cut.

    The first line counts, then come the figures, the tasks that did not succeed, the delivery,
    the logs and what to do next.
    """
    width = max(width, _NARROWEST)
    lines = [headline(report), cut(_figures(report), width)]
    lines += [cut(line, width) for line in budget_lines(report.purses)]
    for outcome in _NOT_SUCCEEDED:
        lines += _group(report, outcome, width)
    lines += _listed([cut(line, width) for line in _warnings(report)], "warnings")
    lines += aftermath_lines(report)
    if delivered := delivery(report):
        lines.append(cut(f"delivery: {one_line(delivered)}", width))
    if report.integration_report is not None:
        lines.append(cut(f"integration: {verdict_of(report.integration_report)}", width))
    # a path is copied too
    lines.append(clean(f"logs: {report.tasks_dir}/attempts"))
    lines += [clean(f"next: {step}") for step in _steps(report)]
    return "\n".join(lines) + "\n"


def _steps(report: RunReport) -> tuple[str, ...]:
    first = (*aftermath_step(report), *deliver_step(report))
    return (*first, *resume_step(report), *mend_step(report))


def status_lines(
    report: RunReport, now: float, deserted: Mapping[str, str] = _NOBODY
) -> tuple[str, ...]:
    """Returns how a run stands at `now` (epoch seconds), in lines that are not cut.

    The first line counts; then the running tasks, the longest first and those of more than
    `LONG_LOCKED` seconds flagged, how many wait, the failed ones with their reasons, what to do next.
    `deserted` gives the running tasks whose worker is dead, and how one knows: those come first.
    """
    running = [
        (now - task.attempts[-1].started if task.attempts else 0.0, task)
        for task in report.tasks
        if task.outcome is Outcome.RUNNING and task.id not in deserted
    ]
    running.sort(key=lambda one: -one[0])
    lines = [headline(report)]
    if report.paused:
        how = "nothing starts until `parallel-orchestra resume-run`"
        lines.append(one_line(f"paused {report.paused}; {how}"))
    lines += budget_lines(report.purses)
    lines += _left_lying(deserted)
    lines += _listed([_running(task, elapsed, now) for elapsed, task in running], "running tasks")
    lines += [one_line(f"held: no task starts: {reason}") for reason in report.held]
    lines += [one_line(f"limited: {limit.words(now)}: {limit.reason}") for limit in report.limits]
    for outcome in (Outcome.WAITING, Outcome.MISSING, Outcome.SKIPPED):
        if report.count(outcome):
            lines.append(f"{report.count(outcome)} {outcome.value}")
            lines += _listed(list(_causes(report, outcome)), f"{outcome.value} tasks")
    failed = [task for task in report.tasks if task.outcome is Outcome.FAILED]
    lines += _together(_alike(failed), lambda group: _with_session(report, group))
    lines += aftermath_lines(report)
    if report.outlook is not None and report.outlook.tasks and not report.killed:
        lines += map(one_line, ahead(report.outlook))
    if report.integration_report is not None:
        lines.append(f"integration: {verdict_of(report.integration_report)}")
    lines += _listed(list(_said(report)), "warnings")
    odd = [one_line(f"not a task of the run: {name}{_asked(name)}") for name in report.strange]
    lines += _listed(odd, "such files")
    steps = (*why_step(report), *(_steps(report) if report.ended is not None else ()))
    return (*lines, *(clean(f"next: {step}") for step in steps))


def _left_lying(deserted: Mapping[str, str]) -> Iterator[str]:
    alike: dict[str, list[str]] = {}
    for task, why in deserted.items():
        alike.setdefault(why, []).append(task)
    for why, tasks in alike.items():
        it = "it" if len(tasks) == 1 else "them"
        names = some_of(tasks, _NAMED)
        yield one_line(f"not at work {names}: {why}; whoever goes on with the run has {it}")


def _causes(report: RunReport, outcome: Outcome) -> Iterator[str]:
    """Yields what each of these tasks waits for, those who wait for the same on one line."""
    alike: dict[str, list[str]] = {}
    for task in report.tasks:
        if task.outcome is outcome and task.cause is not None:
            alike.setdefault(task.cause.words, []).append(task.id)
    for words, tasks in alike.items():
        yield one_line(f"{outcome.value} {some_of(tasks, _NAMED)}: {words}")


def _figures(report: RunReport) -> str:
    numbers = figures(report)
    words = []
    if numbers.wall is not None:
        words.append(f"took {span(numbers.wall)}")
    if said := cost(numbers):
        words.append(f"cost {said}")
    if numbers.speed_up is not None:
        # of the least time in which so many workers could do it
        share = "" if numbers.share is None else f" ({min(numbers.share, 1):.0%} of the best)"
        words.append(f"{numbers.speed_up:.1f} times as fast as one worker{share}")
    return ", ".join(words) or "under way"


def _group(report: RunReport, outcome: Outcome, width: int) -> list[str]:
    """Returns the tasks that stand so: a line with the reason for those alike, one for the silent."""
    tasks = [task for task in report.tasks if task.outcome is outcome]
    telling = [task for task in tasks if task.reason or outcome is Outcome.FAILED]
    silent = [task.id for task in tasks if not (task.reason or outcome is Outcome.FAILED)]
    lines = _together(_alike(telling), lambda group: _lines_of(report, group, width))
    if silent:
        names = ", ".join(silent[:LISTED]) + (", ..." if len(silent) > LISTED else "")
        lines.append(cut(f"{outcome.value} ({len(silent)}): {names}", width))
    return lines


def _alike(tasks: Iterable[TaskReport]) -> list[list[TaskReport]]:
    """Returns tasks of which there is the same to say, together; questions are asked one by one."""
    groups: dict[object, list[TaskReport]] = {}
    for task in tasks:
        alone = task.id if task.failure in _QUESTIONS else ""
        groups.setdefault((alone, _how(task), last_words(task, _LAST_WORDS)), []).append(task)
    return list(groups.values())


def _together(
    groups: list[list[TaskReport]], words: Callable[[list[TaskReport]], str]
) -> list[str]:
    """Returns the words on each group, of the first ones, and how many tasks are left out."""
    lines = [words(group) for group in groups[:LISTED]]
    left = sum(map(len, groups[LISTED:]))
    return [*lines, f"... and {left} more {groups[0][0].outcome.value}"] if left else lines


def _lines_of(report: RunReport, group: list[TaskReport], width: int) -> str:
    task = group[0]
    rows = [cut(f"  | {row}", width) for row in last_words(task, _LAST_WORDS)]
    line = "\n".join([cut(_stands(group), width), *rows])
    step = next_step(report, task)
    others = "; so too for the others" if len(group) > 1 else ""
    line = f"{line}\n  next: {clean(step)}{others}" if step else line
    if others:
        return line
    session = session_step(report, task)
    return f"{line}\n  or go on with its agent: `{clean(session)}`" if session else line


def _with_session(report: RunReport, group: list[TaskReport]) -> str:
    task, lines = group[0], [_stands(group)]
    if task.failure in _QUESTIONS:
        lines.append(f"  next: {clean(next_step(report, task))}")
    if len(group) == 1 and (session := session_step(report, task)):
        lines.append(f"  its agent: `{clean(session)}`")
    return "\n".join(lines)


def _stands(group: list[TaskReport]) -> str:
    names = some_of([task.id for task in group], _NAMED)
    return one_line(f"{group[0].outcome.value} {names}: {_how(group[0])}").rstrip(": ")


def _how(task: TaskReport) -> str:
    failure = f"{task.failure}: " if task.failure else ""
    files = f" ({', '.join(task.files)})" if task.files else ""
    return f"{failure}{task.reason}{files}"


def _running(task: TaskReport, elapsed: float, now: float) -> str:
    if not task.attempts:
        return f"running {task.id}"
    attempt = task.attempts[-1]
    flag = f", for more than {span(LONG_LOCKED)}" if elapsed > LONG_LOCKED else ""
    where = (
        f"slot {attempt.slot} of {attempt.owner}" if attempt.slot else f"by hand, {attempt.owner}"
    )
    silent = f", {silence(task.silence, now)}" if task.silence else ""
    return one_line(
        f"running {task.id}: attempt {attempt.number}, {where}, {span(elapsed)}{flag}{silent}"
    )


def _asked(name: str) -> str:
    """Returns who says what is wrong with a file that lies where tasks join a run."""
    found = _DROPPED.fullmatch(name)
    return f"; `parallel-orchestra why {found[1]}` says why" if found is not None else ""


def _said(report: RunReport) -> Iterator[str]:
    for warning in report.warnings:
        yield one_line(f"warning: {warning}")
    for task in report.tasks:
        for warning in task.warnings:
            yield one_line(f"warning {task.id}: {warning}")


def _warnings(report: RunReport) -> Iterator[str]:
    yield from _said(report)
    for name in report.strange:
        yield one_line(f"warning: `{name}` in the task directory is not a task file")


def _listed(lines: list[str], kind: str) -> list[str]:
    if len(lines) <= LISTED:
        return lines
    return [*lines[:LISTED], more(len(lines), kind)]
