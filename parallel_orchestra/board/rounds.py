"""When to look at the directories again: what a look costs bounds how often it is done."""

from collections.abc import Callable

#: Seconds between two looks at the directories while there is work to hand out.
_LOOK_EVERY = 2.0
#: The same while this process has nothing to do but wait for others.
LOOK_WAITING = 0.3
#: Seconds between two peeks of the one thread that looks out while no task may start.
PEEK = 0.1
#: A look may cost this share of the time at most: with very many tasks, looks become rarer.
_LOOK_SHARE = 0.05
#: The same while this process waits for others, who are the ones that need the machine.
_LOOK_SHARE_WAITING = 0.2
#: Claims that somebody else got first, before a glance at what is still available.
_MISSES = 8
#: With so many available tasks a glance costs as much as a few such claims do. One that was missed
#: has others beside it that will be missed too, so it pays to be quick.
_GLANCED_PER_MISS = 200
#: Seconds for which what may keep tasks from starting is not asked for again.
_SURE = 0.01


class Rounds:
    """The looks and glances of one process; its owner holds a lock."""

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._next = 0.0
        self._sure_until = 0.0
        self._took = 0.0
        self._ended = 0.0
        self._signs: tuple[int, ...] = ()
        self._misses = 0
        self._enough_misses = _MISSES
        #: Whether one of the threads that wait looks out for all of them.
        self.watched = False

    def due(self) -> bool:
        """Returns whether it is time for a look."""
        return self._monotonic() >= self._next

    @property
    def begun(self) -> bool:
        """Whether there was a look already."""
        return self._took > 0.0

    def sure(self, now: float) -> bool:
        """Returns whether nothing keeps tasks from starting, since it was so a moment ago."""
        return now < self._sure_until

    def made_sure(self, now: float) -> None:
        """Takes notice that nothing keeps tasks from starting: no order, no limit, no lack."""
        self._sure_until = min(now + _SURE, self._next)

    def ask(self) -> None:
        """Makes a look due at once."""
        self._next = self._sure_until = 0.0

    def looked(self, started: float, signs: tuple[int, ...]) -> None:
        """Takes notice that a look is over that began at a monotonic time, when `signs` were so."""
        self._ended = ended = self._monotonic()
        self._took, self._signs = ended - started, signs
        self._next = ended + max(_LOOK_EVERY, self._took / _LOOK_SHARE)
        self._misses = 0

    def peeked(self, signs: tuple[int, ...]) -> None:
        """Makes a look due at once if tasks have ended since the last one, and looks cost little."""
        rested = self._monotonic() - self._ended >= self._took / _LOOK_SHARE
        if signs != self._signs and rested:
            self.ask()

    def heed_failures(self, signs: tuple[int, ...]) -> None:
        """Makes a look due at once if a task has failed since the last one, whatever looks cost."""
        if signs[1:] != self._signs[1:]:
            self.ask()

    def left(self, *, idle: bool) -> float:
        """Returns the seconds until the next look, which comes sooner for an idle process."""
        now = self._monotonic()
        if idle:
            soon = max(LOOK_WAITING, min(_LOOK_EVERY, self._took / _LOOK_SHARE_WAITING))
            self._next = min(self._next, now + soon)
        return self._next - now

    def missed(self) -> bool:
        """Counts a claim that somebody else got first; returns whether a glance would pay."""
        self._misses += 1
        return self._misses >= self._enough_misses

    def glanced(self, available: int) -> None:
        """Takes notice of a glance that saw so many available tasks."""
        self._misses = 0
        self._enough_misses = max(_MISSES, available // _GLANCED_PER_MISS)
