"""A clock that stands still until it is told to go on."""

from dataclasses import dataclass


@dataclass(slots=True)
class FakeClock:
    """Stands in wherever a clock is passed in: `clock.now` and `clock.monotonic` are the callables.

    `epoch` is the instant in UTC seconds, `elapsed` the monotonic seconds; both only move by
    `advance` and `sleep`.
    """

    epoch: float = 1_800_000_000.0
    elapsed: float = 0.0

    def now(self) -> float:
        """Returns the instant, in seconds since 1970 UTC."""
        return self.epoch

    def monotonic(self) -> float:
        """Returns the seconds that have passed since the clock was made."""
        return self.elapsed

    def advance(self, seconds: float) -> None:
        """Lets that much time pass at once."""
        self.epoch += seconds
        self.elapsed += seconds

    def sleep(self, seconds: float) -> None:
        """Passes for `time.sleep`: returns at once, the time has passed."""
        self.advance(seconds)
