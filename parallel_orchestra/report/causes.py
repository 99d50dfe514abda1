"""Why tasks failed: what failed alike stands together, and what cost most comes first.

Pure. Somebody who saw nothing of a run reads this before anything else.
"""

import re
from collections.abc import Iterable, Mapping

from parallel_orchestra.frozen import frozen
from parallel_orchestra.model import FailureClass
from parallel_orchestra.progress import Attempt, Exhibit, Outcome, RunReport, TaskReport
from parallel_orchestra.report.text import clean, cut, one_line

#: Characters of a reason and of a line.
_REASON, _LINE = 200, 160
#: Lines from the end of a log among which one is looked for that says what is wrong.
_LOOKED_AT = 40
#: What is wrong, as tests, compilers and programs say it; sums of it say less.
_TELLING = re.compile(r"fail|error|\berr!|panic|fatal|exception|assert", re.IGNORECASE)
_SUM = re.compile(r"\b\d+ (?:failed|failing|failures?|errors?|problems?)\b", re.IGNORECASE)
#: Failures of a command of ours or the plan's.
_COMMANDS = (FailureClass.VERIFY.value, FailureClass.ENVIRONMENT.value)
_RULE = re.compile(r"^[=\-_*#~\s]+|[=\-_*#~\s]+$")


@frozen
class Cause:
    """What failed alike: the failure class, the reason on one line, and the tasks' ids.

    `line` is what their logs say of it, where that is more than the reason; `skipped` are the tasks
    that were skipped because of them.
    """

    failure: str
    reason: str
    line: str
    tasks: tuple[str, ...]
    skipped: tuple[str, ...]


def causes(report: RunReport) -> tuple[Cause, ...]:
    """Returns why the failed tasks failed; what kept most tasks from being done comes first."""
    alike: dict[tuple[str, str, str], list[str]] = {}
    for task in report.tasks:
        if task.outcome is Outcome.FAILED:
            alike.setdefault(_cause_of(task), []).append(task.id)
    waiting = blocked(report) if alike else {}
    found = [
        Cause(*words, tuple(tasks), _together(waiting.get(one, ()) for one in tasks))
        for words, tasks in alike.items()
    ]
    return tuple(sorted(found, key=lambda one: -len(one.tasks) - len(one.skipped)))


def telling(failure: str, reason: str, text: str) -> str:
    """Returns the line of a command's log that says most about what is wrong, cleaned and cut.

    Empty if the reason says it already, and if no command failed: what an agent or QA said stands in
    the reason, and a conflict is told by its files.
    """
    if failure not in _COMMANDS:
        return ""
    rows = [_RULE.sub("", one_line(row)) for row in clean(text).splitlines()[-_LOOKED_AT:]]
    rows = [row for row in rows if row]
    worst = [row for row in rows if _TELLING.search(row) and not _SUM.search(row)]
    line = cut((worst or rows or [""])[-1], _LINE)
    return "" if line in reason else line


def ending(attempt: Attempt) -> Exhibit | None:
    """Returns the log that shows why an attempt failed, or else the last that was written.

    None if there is none: no log shows why two sides conflict, unless one was made for that.
    """
    logs = [one for one in attempt.exhibits if one.name.endswith(".log")]
    told = attempt.told_in.rpartition("/")[2]
    for log in logs:
        if log.name == told:
            return log
    return logs[-1] if logs and attempt.failure != FailureClass.CONFLICT.value else None


def blocked(report: RunReport) -> Mapping[str, tuple[str, ...]]:
    """Returns for each failed task those that were skipped because of it."""
    found: dict[str, list[str]] = {}
    needs = {task.id: task.depends_on for task in report.tasks}
    outcomes = {task.id: task.outcome for task in report.tasks}
    culprits: dict[str, frozenset[str]] = {}
    for task in _in_order(needs):
        if outcomes[task] is Outcome.FAILED:
            culprits[task] = frozenset((task,))
        elif not outcomes[task].done:
            above = (culprits.get(need, frozenset()) for need in needs[task])
            culprits[task] = frozenset[str]().union(*above)
        if outcomes[task] is Outcome.SKIPPED:
            for one in culprits[task]:
                found.setdefault(one, []).append(task)
    return {task: tuple(others) for task, others in found.items()}


def _cause_of(task: TaskReport) -> tuple[str, str, str]:
    reason = cut(one_line(task.reason), _REASON)
    if task.files:
        reason = cut(f"{reason}: {one_line(', '.join(task.files))}".lstrip(": "), _REASON)
    last = task.attempts[-1] if task.attempts else None
    log = ending(last) if last is not None and last.told_in else None
    line = telling(task.failure, reason, log.text) if log is not None else ""
    return task.failure, reason, line


def _together(groups: Iterable[tuple[str, ...]]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(one for group in groups for one in group))


def _in_order(needs: Mapping[str, tuple[str, ...]]) -> Iterable[str]:
    """Yields the tasks, each after those that it needs; needs that are no tasks are passed over."""
    done: dict[str, None] = {}
    for start in needs:
        stack = [start]
        while stack:
            task = stack[-1]
            first = [one for one in needs[task] if one in needs and one not in done]
            if first and len(stack) <= len(needs):
                stack += first
            else:
                done.setdefault(stack.pop())
    return done
