"""What the tasks of a run mean for the shell."""

from collections.abc import Iterable

from parallel_orchestra.errors import ExitCode, worst
from parallel_orchestra.model import FailureClass
from parallel_orchestra.progress.aftermath import Aftermath
from parallel_orchestra.progress.picture import Delivery, Outcome, TaskReport
from parallel_orchestra.schedule import Hold

#: What a task's failure means for the shell, where it is more than that a task failed.
_FAILURE_CODES = {
    FailureClass.BUDGET.value: ExitCode.WAITS_FOR_PERSON,
    FailureClass.CONFLICT.value: ExitCode.WAITS_FOR_PERSON,
    FailureClass.QA_BLOCKED.value: ExitCode.WAITS_FOR_PERSON,
    FailureClass.ENVIRONMENT.value: ExitCode.ENVIRONMENT,
}


def asks(tasks: Iterable[TaskReport], delivery: Delivery) -> bool:
    """Returns whether something that ended waits for a person's answer, whatever else there is."""
    ended = (task.failure for task in tasks if task.outcome is Outcome.FAILED)
    waiting = ExitCode.WAITS_FOR_PERSON
    return bool(delivery.reason) or any(_FAILURE_CODES.get(one) is waiting for one in ended)


def exit_code(
    tasks: Iterable[TaskReport], delivery: Delivery, aftermath: Aftermath | None = None
) -> ExitCode:
    """Returns what the run's end means for the shell, as far as what was done decides it."""
    codes = []
    if aftermath is not None and aftermath.failure:
        codes.append(ExitCode.TASK_FAILED)
    for task in tasks:
        if task.outcome is Outcome.FAILED:
            codes.append(_FAILURE_CODES.get(task.failure, ExitCode.TASK_FAILED))
        elif task.outcome is Outcome.SKIPPED:
            codes.append(ExitCode.TASK_FAILED)
        elif task.outcome is Outcome.MISSING:
            codes.append(ExitCode.ENVIRONMENT)
        elif task.outcome is Outcome.RUNNING:
            # A lock without an owner is a person's, and has a reason that says so.
            codes.append(ExitCode.WAITS_FOR_PERSON if task.reason else ExitCode.UNFINISHED)
        elif task.outcome is Outcome.WAITING:
            short = task.cause is not None and task.cause.kind is Hold.BUDGET
            codes.append(ExitCode.WAITS_FOR_PERSON if short else ExitCode.UNFINISHED)
    if delivery.reason:
        codes.append(ExitCode.WAITS_FOR_PERSON)
    return worst(codes)
