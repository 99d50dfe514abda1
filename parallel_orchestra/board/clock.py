"""Time as the board takes it."""

import time
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Clock:
    """Time as it is passed in: `now` epoch seconds UTC, `monotonic` for spans."""

    now: Callable[[], float]
    monotonic: Callable[[], float]


#: That of the machine.
WALL_CLOCK = Clock(time.time, time.monotonic)
