"""When a task that came back may be claimed again, on the monotonic clock of this process.

Who gave it back here knows it; of other processes' tasks the last attempt's record tells it.
"""

from collections.abc import Callable

from parallel_orchestra.retry import not_later_than_a_week
from parallel_orchestra.store import Layout, TaskName
from parallel_orchestra.store.records import AttemptResult, last_result


class Backoffs:
    """The backoffs of one run as one process knows them; its owner holds a lock."""

    def __init__(
        self, layout: Layout, now: Callable[[], float], monotonic: Callable[[], float]
    ) -> None:
        self._layout = layout
        self._now = now
        self._monotonic = monotonic
        self._known: dict[tuple[str, int], float] = {}

    def begin(self, name: TaskName, delay: float) -> float:
        """Notes that a task may be claimed after so many seconds; returns that instant, or 0.0."""
        wake = self._monotonic() + delay if delay > 0 else 0.0
        self._known[name.task, name.attempts] = wake
        return wake

    def end(self, name: TaskName) -> float:
        """Returns when a task may be claimed again; 0.0 for at once."""
        known = self._known.get((name.task, name.attempts))
        if known is not None:
            return known
        result = last_result(self._layout, name.task)
        told = result is not None and result.attempt == name.attempts
        return self.begin(name, self._delay(result) if result is not None and told else 0.0)

    def _delay(self, result: AttemptResult) -> float:
        # The instant stands on the writer's wall clock, which may be a day from ours: the wait
        # is never longer than it was when it was written.
        now = self._now()
        whole = result.not_before - (result.started + result.seconds)
        return min(whole, not_later_than_a_week(result.not_before, now) - now)
