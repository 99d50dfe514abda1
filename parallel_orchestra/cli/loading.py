"""Ctrl-C while a command's modules are loaded: the process ends, without a word.

Knows nothing of commands. Python would raise KeyboardInterrupt in the middle of an import: forty
lines of traceback, or, where the import machinery swallows it, an interrupt without effect.
"""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def interrupts_end_the_process() -> Iterator[None]:
    """Lets SIGINT kill the process while the block runs; for where there is nothing to put away.

    Leaves a handler alone that somebody else chose, as well as an ignored signal.
    """
    usual = signal.default_int_handler
    main_thread = threading.current_thread() is threading.main_thread()
    if not main_thread or signal.getsignal(signal.SIGINT) is not usual:
        yield
        return
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, usual)
