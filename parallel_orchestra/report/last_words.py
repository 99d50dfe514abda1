"""The end of the log that shows why a task failed, so that nobody has to open it first.

Knows nothing of files: somebody has read what attempts left into the report.
"""

from parallel_orchestra.model import FailureClass
from parallel_orchestra.progress import TaskReport
from parallel_orchestra.report.causes import ending
from parallel_orchestra.report.text import clean

#: Failures of which the reason does not say what the agent was at, or why it did nothing.
_SAY_NOTHING = (
    FailureClass.TIMEOUT.value,
    FailureClass.STALLED.value,
    FailureClass.NO_CHANGES.value,
    FailureClass.MAX_TURNS.value,
)


def last_words(task: TaskReport, most: int, *, anyhow: bool = False) -> tuple[str, ...]:
    """Returns so many lines at most of the log that tells why the last attempt of a task failed.

    The last words of an agent stand in the reason, so they are shown only where those tell nothing
    of it, or `anyhow`. Empty as well where nobody has read the log.
    """
    last = task.attempts[-1] if task.attempts else None
    # the end of a conflict's log is the end of what one side says
    if last is None or last.failure in ("", FailureClass.CONFLICT.value):
        return ()
    telling = anyhow or last.told_in or last.failure in _SAY_NOTHING
    log = ending(last) if telling else None
    rows = clean(log.text).splitlines() if log is not None else []
    return tuple([row.expandtabs().rstrip() for row in rows if row.strip()][-most:])
