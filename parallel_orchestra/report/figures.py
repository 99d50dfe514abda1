"""What a run comes to in numbers, and in a word.

Knows nothing of formats: they all show these figures, so that they can't disagree.
"""

from collections import Counter
from collections.abc import Iterable

from parallel_orchestra.errors import ExitCode
from parallel_orchestra.frozen import frozen
from parallel_orchestra.progress import Attempt, Outcome, RunReport, TaskReport
from parallel_orchestra.retry import Way

#: The least speed-up that is worth a word: less says nothing of one worker, which would have
#: waited for retries and for services as well.
_FASTER = 1.05
_VERDICTS = {
    ExitCode.DONE: "all done",
    ExitCode.TASK_FAILED: "failed",
    ExitCode.USAGE: "refused",
    ExitCode.ENVIRONMENT: "broken off",
    ExitCode.WAITS_FOR_PERSON: "waits for you",
    ExitCode.HELD_ELSEWHERE: "held by another run",
    ExitCode.UNFINISHED: "unfinished",
    ExitCode.INTERRUPTED: "interrupted",
    ExitCode.TERMINATED: "terminated",
}


@frozen
class Figures:
    """A run in numbers: durations in seconds, None for what can't be said.

    `work` is the time of all attempts, `speed_up` is `work` over `wall`, None below 1.05 as well.
    `bound` is the least time in which this many workers could have done the work, max(critical
    path, work / workers); `share` is `bound` over `wall`: 1 is perfect. `untold` attempts asked a
    model, but did not say what it cost: that is not in `cost_usd`.
    """

    outcomes: dict[Outcome, int]
    attempts: int
    wall: float | None
    work: float
    bound: float
    speed_up: float | None
    share: float | None
    cost_usd: float | None
    qa_cost_usd: float | None
    untold: int
    input_tokens: int | None
    output_tokens: int | None


def figures(report: RunReport) -> Figures:
    """Returns the run in numbers; `outcomes` has all outcomes, in their own order."""
    counted = Counter(task.outcome for task in report.tasks)
    attempts = [attempt for task in report.tasks for attempt in task.attempts]
    used = [one for attempt in attempts for one in (attempt, attempt.qa) if one is not None]
    work = report.work_seconds
    bound = max(report.critical_path_seconds, work / max(report.workers, 1))
    wall = report.seconds
    # After `--resume` the wall time is that of the last leg: no measure for earlier attempts.
    measured = work > 0 and all(attempt.started >= report.started for attempt in attempts)
    # Nobody was faster than one worker at what was broken off.
    ended = (one for one in report.tasks if one.outcome.done or one.outcome is Outcome.FAILED)
    measured = measured and any(task.attempts for task in ended)
    speed_up = work / wall if wall and measured else 0.0
    return Figures(
        outcomes={outcome: counted[outcome] for outcome in Outcome},
        attempts=len(attempts),
        wall=wall,
        work=work,
        bound=bound,
        speed_up=speed_up if speed_up >= _FASTER else None,
        share=bound / wall if wall and measured else None,
        cost_usd=report.cost_usd,
        qa_cost_usd=report.qa_cost_usd,
        untold=sum(_asked(task, one) and one.cost_usd is None for task, one in _ended(report)),
        input_tokens=_sum(one.input_tokens for one in used),
        output_tokens=_sum(one.output_tokens for one in used),
    )


def cost(numbers: Figures) -> str:
    """Returns what a run cost, as far as it is known; empty if nobody told a cost."""
    if numbers.cost_usd is None:
        return ""
    return f"{'at least ' if numbers.untold else ''}${numbers.cost_usd:.2f}"


def headline(report: RunReport) -> str:
    """Returns the first line of every summary and of `status`."""
    return (
        f"{report.completed} completed / {report.total} total "
        f"({report.count(Outcome.RUNNING)} in progress, {report.count(Outcome.FAILED)} failed)"
    )


def verdict(report: RunReport) -> str:
    """Returns in a word or two how the run ended, or that it has not."""
    if report.killed:
        return "killed"
    return "in progress" if report.ended is None else ending(report.exit_code)


def ending(exit_code: int) -> str:
    """Returns in a word or two what an exit code says of a run."""
    try:
        return _VERDICTS[ExitCode(exit_code)]
    except ValueError:
        return f"ended with exit code {exit_code}"


def _ended(report: RunReport) -> Iterable[tuple[TaskReport, Attempt]]:
    return (
        (task, attempt)
        for task in report.tasks
        for attempt in task.attempts
        if attempt.seconds is not None or attempt.unseen
    )


def _asked(task: TaskReport, attempt: Attempt) -> bool:
    """Returns whether an attempt has most likely asked a model: a session was begun."""
    if attempt.way == Way.JUDGE.value:
        return False
    return bool(attempt.session) or (attempt.unseen and task.backend != "command")


def _sum(amounts: Iterable[int | None]) -> int | None:
    said = [amount for amount in amounts if amount is not None]
    return sum(said) if said else None
