"""How fast this machine is at this moment: limits of CPU time are made for another one."""

import gc
import time
from collections.abc import Iterator
from contextlib import contextmanager

#: CPU seconds that `_task` takes on the machine on which the limits of the tests were made.
_REFERENCE = 0.008
_TRIES = 3


def fair(seconds: float) -> float:
    """Returns the CPU seconds that may go by here where the reference takes so many; never fewer.

    A slow processor, or one that shares its core with somebody busy, needs more for the same.
    """
    return seconds * max(1.0, min(_timed() for _ in range(_TRIES)) / _REFERENCE)


@contextmanager
def unburdened() -> Iterator[None]:
    """Spares what is timed inside the search for garbage among all that other tests left."""
    gc.collect()
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()


def _timed() -> float:
    began = time.process_time()
    _task()
    return time.process_time() - began


def _task() -> int:
    """Does a bit of everything that our code does: strings, tuples, dictionaries, calls."""
    found: dict[str, tuple[int, str]] = {}
    for number in range(20_000):
        name = f"task-{number % 997:05}"
        found[name] = (len(name) + number, name.rpartition("-")[2])
    return sum(number for number, _ in sorted(found.values()))
