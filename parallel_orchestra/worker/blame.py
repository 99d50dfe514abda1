"""Whose failure an attempt's end was: the agent's, or the ground's that it worked on."""

import errno
import os
from dataclasses import replace

from parallel_orchestra.errors import Problem
from parallel_orchestra.model import FailureClass
from parallel_orchestra.worker.landing import Finished

#: What programs print, in English, when a disk takes nothing more.
_FULL = tuple(os.strerror(number) for number in (errno.ENOSPC, errno.EDQUOT, errno.EROFS))


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
