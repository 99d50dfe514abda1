"""What an attempt's end means when it was not the agent who decided it, and what exit codes say."""

import errno
import os
from signal import Signals

from parallel_orchestra.agents.words import last_lines, one_line
from parallel_orchestra.model import Answer, FailureClass, Task, Usage
from parallel_orchestra.process import Ending, Exit

#: What shells and env(1) exit with when they can't run a program (POSIX, "Exit Status").
NOT_EXECUTABLE = 126
NOT_FOUND = 127

#: Why the machine could not start a program that is there: it may be able to a little later.
_SHORT_OF = tuple(
    os.strerror(number)
    for number in (errno.EAGAIN, errno.ENOMEM, errno.EMFILE, errno.ENFILE, errno.ENOSPC, errno.EIO)
)


def cut_short(task: Task, ended: Exit, text: str = "", usage: Usage | None = None) -> Answer | None:
    """Returns the answer for an agent that did not come to its own end, or None if it did.

    `text` and `usage` are what could be read from it all the same.
    """
    said = text or last_lines(ended.stdout_tail)
    used = usage or Usage()
    if ended.ending is Ending.NOT_STARTED:
        reason = one_line(f"could not be started: {ended.reason or 'no reason given'}")
        short = ended.reason.endswith(_SHORT_OF)
        failure = FailureClass.ENVIRONMENT if short else FailureClass.PERMANENT
        return Answer(failure=failure, reason=reason)
    if ended.ending is Ending.TIMEOUT:
        reason = f"ran into its limit of {task.timeout:g} s"
        return Answer(said, FailureClass.TIMEOUT, reason, used)
    if ended.ending is Ending.STALLED:
        reason = f"showed no sign of life for {task.idle_timeout:g} s"
        return Answer(said, FailureClass.STALLED, reason, used)
    if ended.ending is Ending.CANCELLED:
        return Answer(said, FailureClass.CANCELLED, "the run was stopped", used)
    if ended.ending is Ending.LOST:
        reason = one_line(ended.reason or "its supervisor was killed")
        return Answer(said, FailureClass.ENVIRONMENT, reason, used)
    return None


def how_it_ended(ended: Exit) -> str:
    """Returns the exit code or signal in words, with the last line of stderr, else of stdout."""
    code = ended.code if ended.code is not None else 0
    how = f"exit code {code}" if code >= 0 else f"ended by {_signal_name(-code)}"
    said = last_lines(ended.stderr_tail, 1) or last_lines(ended.stdout_tail, 1)
    return one_line(f"{how}: {said}" if said else how)


def _signal_name(number: int) -> str:
    try:
        return Signals(number).name
    except ValueError:
        return f"signal {number}"
