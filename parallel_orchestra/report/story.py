"""How a task went, attempt by attempt: where each began, which gate it met, where that is told."""

from collections.abc import Iterator

from parallel_orchestra.model import QaVerdict
from parallel_orchestra.progress import Attempt, Judgement, TaskReport
from parallel_orchestra.report.text import one_line, span
from parallel_orchestra.retry import Way

_WAYS = {
    Way.SESSION.value: "in the same session",
    Way.TREE.value: "in a fresh session, on the files of the one before",
    Way.FRESH.value: "anew",
    Way.JUDGE.value: "only to be judged",
}
_VERDICTS = {
    QaVerdict.APPROVED.value: "approved it",
    QaVerdict.REJECTED.value: "rejected it",
    QaVerdict.BLOCKED.value: "could not judge it",
    QaVerdict.UNHEARD.value: "gave no answer",
}


def story(task: TaskReport) -> tuple[str, ...]:
    """Returns a line for each attempt that has ended, in order; names and paths in backticks.

    Logs count from `_tasks/`.
    """
    return tuple(_told(task))


def _told(task: TaskReport) -> Iterator[str]:
    before = ""
    for attempt in task.attempts:
        if attempt.seconds is None:
            before = ""
            continue
        parts = [f"{_beginning(task, attempt, before)}: {_end(attempt)}"]
        if attempt.qa is not None:
            parts.append(judged(attempt.qa))
        if attempt.failure and (attempt.told_in or attempt.log):
            parts.append(f"see `{attempt.told_in or attempt.log}`")
        yield "; ".join(parts)
        before = attempt.failure


def judged(qa: Judgement) -> str:
    """Returns what QA said, in words."""
    cost = f", ${qa.cost_usd:.2f}" if qa.cost_usd is not None else ""
    said = _VERDICTS.get(qa.verdict, qa.verdict)
    return f"QA (`{qa.backend}`) {said} after {span(qa.seconds)}{cost}"


def _beginning(task: TaskReport, attempt: Attempt, before: str) -> str:
    way = _WAYS.get(attempt.way, "")
    began = f"Attempt {attempt.number}{f', {way}' if way else ''}"
    if before and way and attempt.way != Way.JUDGE.value:
        told = f"parallel-orchestra show-prompt {task.id} --attempt {attempt.number}"
        began += f", told why it failed (`{told}`)"
    return began


def _end(attempt: Attempt) -> str:
    took = f" after {span(attempt.seconds or 0.0)}"
    if not attempt.failure:
        return f"succeeded{took}"
    reason = f": {one_line(attempt.reason)}" if attempt.reason else ""
    return f"`{attempt.failure}`{took}{reason}"
