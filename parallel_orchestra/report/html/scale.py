"""A scale of time for a picture: long times in which nothing ran are cut out of it.

Pure: instants in seconds, places in percent of the width.
"""

from bisect import bisect_right
from collections.abc import Iterable, Iterator

from parallel_orchestra.frozen import frozen

#: A time without work is cut out if it is longer than this, and than this part of all work.
_LEAST, _PART = 60.0, 0.25
#: What a cut takes of the width, in percent; of many, less each.
_CUT, _ALL_CUTS = 3.0, 30.0
#: Seconds that a scale has at least, so that there is one.
_SHORTEST = 1e-3
_MINUTE, _HOUR, _DAY = 60.0, 3600.0, 86400.0
_STEPS = (
    *(0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 15.0, 30.0),
    *(_MINUTE * count for count in (1, 2, 5, 10, 15, 30)),
    *(_HOUR * count for count in (1, 2, 3, 6, 12)),
    *(_DAY * count for count in (1, 2, 7, 14, 30, 90, 180, 365, 3650)),
)
_TICKS = 8


@frozen
class Mark:
    """A place on the scale with its word; `cut` is None, or the seconds left out before it."""

    place: float
    word: str
    cut: float | None = None


class Scale:
    """Gives each instant its place, from 0 to 100."""

    def __init__(self, spans: Iterable[tuple[float, float]]) -> None:
        """Takes the times that are shown, in any order; what lies between them may be cut."""
        self._busy = _joined(sorted(spans))
        shown = max(sum(end - begin for begin, end in self._busy), _SHORTEST)
        cuts = len(self._busy) - 1
        self._cut = min(_CUT, _ALL_CUTS / cuts) if cuts else 0.0
        self._factor = (100.0 - self._cut * cuts) / shown
        self._places: list[float] = []
        place = 0.0
        for begin, end in self._busy:
            self._places.append(place)
            place += (end - begin) * self._factor + self._cut

    def at(self, instant: float) -> float:
        """Returns the place of an instant; one that is not shown is at the next edge."""
        if not self._busy:
            return 0.0
        number = max(0, bisect_right([begin for begin, _ in self._busy], instant) - 1)
        begin, end = self._busy[number]
        within = min(max(instant, begin), end) - begin
        return self._places[number] + within * self._factor

    def marks(self, ticks: int = _TICKS) -> Iterator[Mark]:
        """Yields about so many ticks with the time since the beginning, and the cuts, in order."""
        if not self._busy:
            return
        origin = self._busy[0][0]
        shown = sum(end - begin for begin, end in self._busy)
        step = next((one for one in _STEPS if one * ticks >= shown), _STEPS[-1])
        last = None
        for (begin, end), place in zip(self._busy, self._places, strict=True):
            if last is not None:
                yield Mark(place - self._cut / 2, "", begin - last)
            first = -int(-(begin - origin) // step)
            count = min(int((end - origin) / step) - first + 1, 2 * ticks)
            for number in range(first, first + max(count, 0)):
                since = number * step
                yield Mark(self.at(origin + since), _word(since, step))
            last = end


def _joined(spans: list[tuple[float, float]]) -> list[tuple[float, float]]:
    """Returns the spans with those as one between which there is no long time."""
    work = sum(end - begin for begin, end in spans)
    joined: list[tuple[float, float]] = []
    for begin, end in spans:
        if joined and begin - joined[-1][1] <= max(_LEAST, work * _PART):
            joined[-1] = (joined[-1][0], max(joined[-1][1], end))
        else:
            joined.append((begin, end))
    return joined


def _word(seconds: float, step: float) -> str:
    if step < 1.0:
        return f"{seconds:.3f}".rstrip("0").rstrip(".") + " s"
    whole = round(seconds)
    if whole < _MINUTE:
        return f"{whole} s"
    if whole < _HOUR:
        minutes, rest = divmod(whole, 60)
        return f"{minutes} min {rest:02d} s" if rest else f"{minutes} min"
    hours, rest = divmod(whole // 60, 60)
    if hours >= _DAY / _HOUR and not rest and not hours % 24:
        return f"{hours // 24} d"
    return f"{hours} h {rest:02d} min" if rest else f"{hours} h"
