"""Time as the board takes it."""

import time
from collections.abc import Callable

from parallel_orchestra.frozen import frozen


@frozen
class Clock:
    """Time as it is passed in: `now` epoch seconds UTC, `monotonic` for spans."""

    now: Callable[[], float]
    monotonic: Callable[[], float]


#: That of the machine.
WALL_CLOCK = Clock(time.time, time.monotonic)
