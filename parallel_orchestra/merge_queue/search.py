"""Which candidates to check next, so that few checks find the one that breaks the others.

Pure: knows nothing of git or time. `Search` halves a red batch, `trial` hears a single suspect.
Neither ever says that something is green which was not itself checked.
"""

from collections.abc import Generator, Sequence
from enum import Enum
from typing import Generic, TypeVar

from parallel_orchestra.frozen import frozen

K = TypeVar("K")

#: Checks that may be spent to say with which other task a culprit does not go together.
_NARROWING = 3


class Search(Generic[K]):
    """What is known of those that wait: that the first few, the suspects, fail together.

    A prefix of the suspects that is green is published, so what is left of them still fails on
    top of it. A red prefix is a smaller set of suspects; the others are free of suspicion.
    """

    def __init__(self, most: int) -> None:
        """Takes how many are checked together at most."""
        self._most = most
        self._limit = most
        self._suspects: tuple[K, ...] = ()
        self._row = 0

    def next(self, waiting: Sequence[K]) -> tuple[K, ...]:
        """Returns those to check together: the first of those that wait, in their order."""
        if tuple(waiting[: len(self._suspects)]) != self._suspects:
            self.forget()
        if self._suspects:
            return self._suspects[: max(1, len(self._suspects) // 2)]
        return tuple(waiting[: self._limit])

    @property
    def searching(self) -> bool:
        """Whether somebody is under suspicion."""
        return bool(self._suspects)

    def on_trial(self, chosen: Sequence[K]) -> bool:
        """Returns whether these are a single one, and known to fail."""
        return len(chosen) == 1 and tuple(chosen) == self._suspects

    def green(self, chosen: Sequence[K]) -> None:
        """Takes notice that these were checked and published."""
        self._suspects = self._suspects[len(chosen) :]
        self._limit, self._row = self._most, 0

    def red(self, chosen: Sequence[K]) -> None:
        """Takes notice that these fail together."""
        self._suspects = tuple(chosen)

    def condemned(self) -> None:
        """Takes notice that the one on trial was sent back.

        Two in a row with nothing green between them: fewer are taken together from now on, for
        where most are red (the base, perhaps) searching costs more than one at a time.
        """
        self._suspects = ()
        self._row += 1
        if self._row > 1:
            self._limit = max(1, self._limit // 2)

    def forget(self) -> None:
        """Drops all suspicion: the branch moved, or the suspects are not the same any more."""
        self._suspects = ()


class Probe(Enum):
    """What to check next of a suspect: its work as the agent left it, or merged with the tip."""

    ALONE = "alone"
    MERGED = "merged"


@frozen
class With:
    """To check next: the suspect merged with the first `count` of those merged since it began."""

    count: int


@frozen
class Verdict:
    """What became of a suspect.

    If it fails only `together` with others, they are among those merged since it began from
    number `first` on, up to but without `last`. A `flaky` check was red and green on the same state.
    """

    guilty: bool
    flaky: bool = False
    together: bool = False
    first: int = 0
    last: int = 0


Trial = Generator[Probe | With, bool | None, Verdict]


def trial(others: int) -> Trial:
    """Yields what to check of a suspect, is sent whether that is green, and returns the verdict.

    The suspect failed once, merged with the tip. `others` is how many tasks were merged since its
    work began. Sent None, a probe was not possible.
    """
    if others and not (yield Probe.ALONE):
        return Verdict(guilty=True)
    if (yield Probe.MERGED):
        # Once red, once green, on the same state: the third decides.
        innocent = yield Probe.MERGED
        return Verdict(guilty=not innocent, flaky=True)
    if not others:
        return Verdict(guilty=True)
    first, last = 0, others
    for _ in range(_NARROWING):
        if last - first == 1:
            break
        middle = (first + last) // 2
        green = yield With(middle)
        if green is None:
            break
        first, last = (middle, last) if green else (first, middle)
    return Verdict(guilty=True, together=True, first=first, last=last)
