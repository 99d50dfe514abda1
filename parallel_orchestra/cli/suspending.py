"""Ctrl-Z and `fg`: the shell gets the terminal as it was, and we take it again afterwards."""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType


@contextmanager
def suspended_by(give: Callable[[], None], take: Callable[[], None]) -> Iterator[None]:
    """Lets Ctrl-Z call `give` before the process stands still, and `take` once it goes on.

    For the main thread. Where a shell without jobs ignores Ctrl-Z, it stays ignored.
    """
    before = signal.getsignal(signal.SIGTSTP)
    if before is signal.SIG_IGN:
        yield
        return

    def stopped(_number: int, _frame: FrameType | None) -> None:
        give()
        signal.signal(signal.SIGTSTP, signal.SIG_DFL)
        # To this very thread: it stands still before it can put the handler back.
        signal.pthread_kill(threading.get_ident(), signal.SIGTSTP)
        signal.signal(signal.SIGTSTP, stopped)
        take()

    signal.signal(signal.SIGTSTP, stopped)
    try:
        yield
    finally:
        signal.signal(signal.SIGTSTP, before)
