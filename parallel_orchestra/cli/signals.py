"""Ctrl-C and its kin: the first lets running tasks finish, the second ends them.

A handler only sets flags and writes one line; the run's main loop sees the flags within a tenth
of a second.
"""

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

from parallel_orchestra.conductor import Control
from parallel_orchestra.errors import ExitCode

_DRAINING = "stopping: running tasks may finish, no new ones start; Ctrl-C again ends them at once"
_CANCELLING = "stopping at once: agents are ended, their work is kept, `--resume` goes on"


@contextmanager
def signals_lead_to(control: Control, note: Callable[[str], None]) -> Iterator[None]:
    """Lets SIGINT, SIGTERM and SIGHUP stop the run while the block runs; main thread only.

    SIGINT is taken even where a shell ignored it for a background job: who sends it means it.
    SIGHUP stays ignored where `nohup` ignored it.
    """

    def interrupted(_number: int, _frame: FrameType | None) -> None:
        if control.draining:
            control.cancel(ExitCode.INTERRUPTED)
            note(_CANCELLING)
        else:
            control.drain(ExitCode.INTERRUPTED)
            note(_DRAINING)

    def terminated(_number: int, _frame: FrameType | None) -> None:
        control.cancel(ExitCode.TERMINATED)
        note(_CANCELLING)

    handlers = {signal.SIGINT: interrupted, signal.SIGTERM: terminated}
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
        handlers[signal.SIGHUP] = terminated
    before = {number: signal.signal(number, handler) for number, handler in handlers.items()}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
