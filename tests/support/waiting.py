"""Waiting for a fact instead of for a time. Knows nothing of what is waited for."""

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

#: All limits of tests hold for a machine with nothing else to do; a busy one gets so many times as
#: long. Only a test that fails anyway takes longer for it.
PATIENCE = 6


def given_time(act: Callable[[float], T], came: Callable[[T], object], seconds: float) -> T:
    """Returns what `act` gives, which lasts so many seconds at most, if it came so far as it should.

    If not, as nothing comes far in a short time on a busy machine, there is more time, and more.

    Raises:
        AssertionError: it did not come so far in any time.
    """
    for patience in (1, PATIENCE, PATIENCE**2):
        found = act(seconds * patience)
        if came(found):
            return found
    raise AssertionError(f"it did not come so far within {seconds * patience} s: {found!r}")


def wait_until(condition: Callable[[], T], within: float = 10.0, what: str = "") -> T:
    """Returns the first true answer of `condition`, asked again every few milliseconds.

    `what` names the fact in the failure; without it the condition's own name is shown.

    Raises:
        AssertionError: it was not true within so many seconds, not even on a busy machine.
    """
    within *= PATIENCE
    end = time.monotonic() + within
    pause = 0.002
    while True:
        answer = condition()
        if answer:
            return answer
        if time.monotonic() > end:
            name = what or getattr(condition, "__qualname__", repr(condition))
            raise AssertionError(f"not true within {within} s: {name} (last answer: {answer!r})")
        time.sleep(pause)
        pause = min(pause * 1.5, 0.05)
