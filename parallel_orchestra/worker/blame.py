"""Whose failure an attempt's end was: the agent's, or the ground's that it worked on."""

import errno
import os
from collections.abc import Sequence
from dataclasses import replace
from itertools import takewhile

from parallel_orchestra.errors import Problem
from parallel_orchestra.model import FailureClass
from parallel_orchestra.store import AttemptResult
from parallel_orchestra.worker.ended import Finished

#: What programs print, in English, when a disk takes nothing more.
_FULL = tuple(os.strerror(number) for number in (errno.ENOSPC, errno.EDQUOT, errno.EROFS))


#: Times that a set-up fails alike before it is given up: waiting for the world is no use then.
_ALIKE = 3


def hopeless(
    reason: str, detail: str, before: Sequence[AttemptResult], lack: Problem | None
) -> bool:
    """Returns whether a set-up would fail for ever: it did so alike in the last attempts, too.

    Alike is the same command with the same exit code, which the reason names. A full disk is
    waited for, whatever the command said of it.
    """
    alike = takewhile(lambda result: result.reason == reason, reversed(before))
    if lack is not None or any(word in f"{reason}\n{detail}" for word in _FULL):
        return False
    return sum(1 for _ in alike) >= _ALIKE - 1


def blamed(finished: Finished, lack: Problem | None) -> Finished:
    """Returns how an attempt ended, as a failure of the environment if a full disk explains it.

    `lack` says which disk was full in its time, if one was.
    """
    failure = finished.failure
    if failure is None or failure.final or not failure.counted:
        return finished
    if lack is not None:
        reason = f"{finished.reason}; {lack.what}"
    elif any(word in f"{finished.reason}\n{finished.detail}" for word in _FULL):
        reason = finished.reason
    else:
        return finished
    return replace(finished, failure=FailureClass.ENVIRONMENT, reason=reason)
