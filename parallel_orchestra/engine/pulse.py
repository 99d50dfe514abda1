"""Keeps one claim alive beside a long step, and says so when it is lost."""

import contextlib
import threading
from collections.abc import Callable, Iterator


@contextlib.contextmanager
def pulse(beat: Callable[[], bool], every: float, lost: Callable[[], object]) -> Iterator[None]:
    """Calls `beat` at once and every so many seconds, from a thread, until the block ends.

    The first answer that is False ends it too, and `lost` is called.
    """
    over = threading.Event()

    def go_on() -> None:
        while beat():
            if over.wait(every):
                return
        lost()

    thread = threading.Thread(target=go_on, name="pulse")
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
