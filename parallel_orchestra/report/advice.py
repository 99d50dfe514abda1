"""What to do next: the one place that says so, for every format and for the terminal.

Sentences have names and commands in backticks; commands are complete, so that they can be
copied. Knows nothing of formats.
"""

import shlex
from collections.abc import Iterable

from parallel_orchestra.agents import by_hand
from parallel_orchestra.model import FailureClass
from parallel_orchestra.progress import UNDONE, Attempt, Outcome, RunReport, TaskReport
from parallel_orchestra.report.budgets import budget_lines, enough_dollars, short_of
from parallel_orchestra.report.text import short, short_ref

#: How many of a kind are listed before "... and N more".
LISTED = 20

#: What to look at first, by failure class; `{logs}` becomes the command that shows all logs of the
#: task's last attempt, and the command that tries again follows.
_REMEDIES = {
    FailureClass.TRANSIENT.value: "read its log with `{logs}`",
    FailureClass.RATE_LIMITED.value: "wait for the agent's limit to pass",
    FailureClass.USAGE_LIMIT.value: "wait for the usage limit to end",
    FailureClass.AUTH.value: "log in to the agent",
    FailureClass.PERMANENT.value: "read its log with `{logs}` and mend the prompt or the command",
    FailureClass.TIMEOUT.value: "raise its `timeout` or make it smaller",
    FailureClass.STALLED.value: (
        "see with `{logs}` what it waited for; raise its `idle_timeout` if it was at work"
    ),
    FailureClass.VERIFY.value: "see what `verify` said with `{logs}` and mend the prompt",
    FailureClass.NO_CHANGES.value: (
        "say more clearly what it should change, or set `allow_empty` or `read_only`"
    ),
    FailureClass.UNUSABLE.value: (
        "say in its prompt what it must leave alone: its worktree's git, and `git init` or `clone`"
    ),
    FailureClass.BUDGET.value: "raise its budget in the plan or make it smaller",
    FailureClass.MAX_TURNS.value: "raise its `max_turns` or make it smaller",
    FailureClass.BOUNDARY.value: (
        "say in its prompt what it must leave alone, or widen `writes` or its `boundary`"
    ),
    FailureClass.QA_REJECTED.value: (
        "see with `{logs}` what QA found, and mend the prompt, or raise `qa.max_rejections`"
    ),
    FailureClass.TAMPERING.value: "look through the repository's git settings and refs",
    FailureClass.ENVIRONMENT.value: "mend what the reason names",
}
#: Failed tasks up to which their next steps stand at the top of a page too.
_FEW = 5
_OTHER_REMEDY = "read its log with `{logs}`"


def next_step(report: RunReport, task: TaskReport) -> str:
    """Returns what the user can do about one task, or "" if there is nothing to do."""
    if task.outcome is Outcome.FAILED:
        again = _command("retry", task.id, report=report)
        if task.failure == FailureClass.CONFLICT.value:
            return _conflict(report, task, again)
        if task.failure == FailureClass.QA_BLOCKED.value:
            return _blocked(report, task, again)
        if task.failure == UNDONE:
            return f"`{again}` has it done again, on top of what is merged"
        if task.failure == FailureClass.CANCELLED.value:
            return f"`{again}` has it done after all"
        logs = _command("logs", task.id, report=report)
        remedy = _REMEDIES.get(task.failure, _OTHER_REMEDY).replace("{logs}", logs)
        return f"{remedy}, then `{again}`"
    return ""


def session_command(task: TaskReport, attempt: Attempt) -> str:
    """Returns what a person types to be in the session of an attempt; empty if it told of none.

    Only in its directory: elsewhere an agent goes on writing into what was its own.
    """
    words = by_hand(task.backend, attempt.session)
    if not words or not attempt.directory:
        return ""
    return f"cd {shlex.quote(attempt.directory)} && {shlex.join(words)}"


def session_step(report: RunReport, task: TaskReport) -> str:
    """Returns the command that opens a failed task's last session where it was, or ""."""
    if task.outcome is not Outcome.FAILED:
        return ""
    if not any(session_command(task, attempt) for attempt in task.attempts):
        return ""
    return _command("open", task.id, "--session", report=report)


def next_steps(report: RunReport) -> tuple[str, ...]:
    """Returns what the user can do, the most urgent first; empty if all is done and delivered.

    At most `LISTED` tasks are named.
    """
    failed = [task for task in report.tasks if task.outcome is Outcome.FAILED]
    named = [f"task `{task.id}`: {next_step(report, task)}" for task in failed[:LISTED]]
    if len(failed) > LISTED:
        named.append(more(len(failed), "failed tasks"))
    return _around(report, named)


def few_steps(report: RunReport) -> tuple[str, ...]:
    """Returns the same for a reader who sees each failed task below, with what to do about it."""
    failed = report.count(Outcome.FAILED)
    if failed <= _FEW:
        return next_steps(report)
    return _around(report, [f"{failed} tasks failed: below, each of them says what to do about it"])


def _around(report: RunReport, failed: Iterable[str]) -> tuple[str, ...]:
    first = (*aftermath_step(report), *deliver_step(report))
    return (*first, *failed, *resume_step(report), *mend_step(report))


def aftermath_step(report: RunReport) -> tuple[str, ...]:
    """Returns what to do about what failed after the last merge, if something did."""
    found = report.aftermath
    if report.ended is None or found is None or not found.failure:
        return ()
    log = shlex.quote(f"{report.tasks_dir}/{found.log}")
    again = _command("run", report.source, "--resume", report=report)
    return (f"see what failed after the last merge in `{log}`; `{again}` does it again",)


def why_step(report: RunReport) -> tuple[str, ...]:
    """Returns the step that says what to do about failed tasks; of a question that stands there."""
    asked = (FailureClass.CONFLICT.value, FailureClass.QA_BLOCKED.value)
    told = [
        task
        for task in report.tasks
        if task.outcome is Outcome.FAILED and task.failure not in asked
    ]
    if not told:
        return ()
    others = "; so too for the others" if len(told) > 1 else ""
    return (f"`{_command('why', told[0].id, report=report)}` says what to do{others}",)


def deliver_step(report: RunReport) -> tuple[str, ...]:
    """Returns the step that brings the merged work to the user's branch, if one is needed."""
    if report.delivery.done or not report.delivery.command:
        return ()
    return (f"deliver what was merged: `{report.delivery.command}`",)


def mend_step(report: RunReport) -> tuple[str, ...]:
    """Returns the step that follows an integration report with something to fix, but no task to."""
    found = report.integration_report
    if found is None or found.clean or report.completed < report.total:
        return ()
    again = _command("integrate", report=report)
    return (f"mend what the integration report says must be fixed; `{again}` looks again",)


def resume_step(report: RunReport) -> tuple[str, ...]:
    """Returns the step that goes on with an ended run, if something of it is not done."""
    left = report.total - report.completed
    if (report.ended is None and not report.killed) or not left:
        return ()
    if short_of(report):
        return (_more_budget(report),)
    tasks = "the task that is" if left == 1 else f"the {left} tasks that are"
    resume = _command("run", report.source, "--resume", report=report)
    if empty := [one for one in report.purses if one.used >= one.limit]:
        used = next(budget_lines(empty)).removeprefix("budget: ").removesuffix(" used")
        what = f"the run's budget is used up: {used}"
        return (f"{what}; raise it in the plan, then `{resume}`",)
    return (f"run {tasks} not done yet, and no other: `{resume}`",)


def _more_budget(report: RunReport) -> str:
    """Returns the step that goes on with a run that waits for more of a budget."""
    tasks = short_of(report)
    which = f"`{tasks[0].id}`" + (f" and {len(tasks) - 1} more" if len(tasks) > 1 else "")
    cause = tasks[0].cause
    why = f"{which} can't start: {cause.words if cause is not None else ''}"
    words = ["run", report.source, "--resume"]
    dollars = enough_dollars(report)
    if dollars is not None:
        resume = _command(*words, "--max-cost", f"{dollars:.2f}", report=report)
        return f"{why}; with more of it: `{resume}`"
    return f"{why}; raise it in the plan, then `{_command(*words, report=report)}`"


def more(total: int, kind: str = "", listed: int = LISTED) -> str:
    """Returns the line that stands for what a list leaves out."""
    return f"... and {total - listed} more" + (f" {kind}" if kind else "")


def delivery(report: RunReport) -> str:
    """Returns one sentence on where the merged work is, or "" if there is none to speak of."""
    found = report.delivery
    if found.done and found.url:
        return f"{short(found.after)} waits for `{found.branch}` in a pull request: {found.url}"
    if found.done and found.before == found.after:
        return f"`{found.branch}` has all that was merged"
    if found.done:
        return f"`{found.branch}` moved from `{short(found.before)}` to `{short(found.after)}`"
    if found.reason:
        return f"not delivered to `{found.branch}`: {found.reason}"
    if report.tip and report.tip != report.base_commit:
        return f"not delivered: what was merged is on `{short_ref(report.integration)}`"
    return ""


def _conflict(report: RunReport, task: TaskReport, again: str) -> str:
    branches = [short_ref(ref) for ref in task.kept if "orchestra-kept/" in ref]
    anew = f"`{again}` starts anew on the merged work"
    if not branches:
        return anew
    switch, merge = shlex.quote(branches[-1]), shlex.quote(short_ref(report.integration))
    mended = _command("merge", task.id, report=report)
    return (
        f"resolve it: `git switch {switch} && git merge {merge}`, mend the files, commit, then "
        f"`{mended}`; or {anew}"
    )


def _blocked(report: RunReport, task: TaskReport, again: str) -> str:
    logs = _command("logs", task.id, report=report)
    asks = f"`{logs}` shows what QA said; `{again}` asks it again"
    merge = _command("merge", task.id, report=report)
    return f"{asks}; `{merge}` takes the work as it is"


def _command(*words: str, report: RunReport) -> str:
    return f"parallel-orchestra {shlex.join(words)}{_elsewhere(report)}"


def _elsewhere(report: RunReport) -> str:
    if report.tasks_dir == f"{report.cwd.rstrip('/')}/_tasks":
        return ""
    return f" --tasks-dir {shlex.quote(report.tasks_dir)}"
