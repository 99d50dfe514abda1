"""When, and for how long, something kept tasks from starting: limits of accounts, the machine."""

from dataclasses import replace

from parallel_orchestra.events import Event, LimitOver, LimitReached, RunEnded, StartsHeld
from parallel_orchestra.progress.picture import Wait


class Waits:
    """Gathers them from events in order of time."""

    def __init__(self) -> None:
        self._over: list[Wait] = []
        self._open: dict[tuple[str, str], Wait] = {}
        self._until: dict[tuple[str, str], float] = {}

    def take(self, writer: str, event: Event) -> None:
        """Notes what an event says of waiting; most say nothing."""
        if isinstance(event, LimitReached):
            key = (event.backend, event.account)
            if key in self._open and self._until[key] < event.time:
                self._close(key, event.time)
            self._open.setdefault(key, Wait(event.backend, event.reason, event.time))
            self._until[key] = event.until
        elif isinstance(event, LimitOver):
            self._close((event.backend, event.account), event.time)
        elif isinstance(event, StartsHeld):
            self._close(("", writer), event.time)
            if event.reason:
                self._open["", writer] = Wait("", event.reason, event.time)
        elif isinstance(event, RunEnded):
            for key in tuple(self._open):
                self._close(key, event.time)

    def all(self, now: float) -> tuple[Wait, ...]:
        """Returns all of them as of `now` (epoch), in order of their beginning."""
        for key, until in self._until.items():
            if key in self._open and until <= now:
                self._close(key, until)
        return tuple(sorted([*self._over, *self._open.values()], key=lambda one: one.started))

    def _close(self, key: tuple[str, str], time: float) -> None:
        wait = self._open.pop(key, None)
        if wait is not None:
            end = min(time, self._until.get(key, time))
            self._over.append(replace(wait, ended=max(end, wait.started)))
