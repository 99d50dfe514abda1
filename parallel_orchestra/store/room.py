"""Whether the disks that a run writes to have room left, and which one has not.

A full disk is nobody's failure: no task starts until there is room. Asked often, so the answer
comes from statvfs(3) alone; what it says may be old when you read it.
"""

import math
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from parallel_orchestra.errors import Problem
from parallel_orchestra.frozen import frozen

#: Free bytes below which no task is started: git and our records need some for every step.
LEAST = 16 << 20

#: Seconds for which an answer holds, and for which is known on which disks the places lie.
_ASKED_EVERY = 0.5


@frozen
class Place:
    """A directory that a run writes to, and what it is to the run; it may not exist yet."""

    name: str
    path: Path


class _Disk(NamedTuple):
    place: Place
    existing: Path


class Room:
    """The disks of one run, asked again and again; says so once whenever one has become full."""

    def __init__(
        self, places: Sequence[Place], warn: Callable[[str], None], monotonic: Callable[[], float]
    ) -> None:
        """Takes who tells the user, and the clock by which the disks are asked."""
        self._places = tuple(places)
        self._warn = warn
        self._monotonic = monotonic
        self._known: Problem | None = None
        self._next = -math.inf
        self._disks: tuple[_Disk, ...] = ()
        self._disks_until = -math.inf
        #: The last lack that anybody saw, and when.
        self._seen: tuple[float, Problem] | None = None

    def lack(self, since: float = math.inf) -> Problem | None:
        """Returns which disk is full, or was seen to be at or after a monotonic time; else None."""
        at = self._monotonic()
        if at >= self._disks_until:
            self._disks, self._disks_until = _disks(self._places), at + _ASKED_EVERY
        now = next(_lacks(self._disks, LEAST), None)
        if now is not None:
            self._seen = at, now
        seen = self._seen
        return seen[1] if now is None and seen is not None and seen[0] >= since else now

    def known_lack(self) -> Problem | None:
        """Returns the same as it was half a second ago at most, and says it when it is new."""
        now = self._monotonic()
        if now >= self._next:
            before, self._known = self._known, self.lack()
            self._next = now + _ASKED_EVERY
            if self._known is not None and before is None:
                lack = self._known
                self._warn(f"{lack.what} ({lack.where}): no task starts until there is room")
        return self._known


def lacks(places: Sequence[Place], least: int = LEAST) -> tuple[Problem, ...]:
    """Returns one problem per full disk: the first of the places that lie on it.

    A place that can't be asked counts as one with room: whoever writes there will be told.
    """
    return tuple(_lacks(_disks(places), least))


def _disks(places: Sequence[Place]) -> tuple[_Disk, ...]:
    """Returns the disks of these places: the first place on each, and what there is of its path."""
    found: dict[int, _Disk] = {}
    for place in places:
        with suppress(OSError):
            existing = next(path for path in (place.path, *place.path.parents) if path.exists())
            found.setdefault(existing.stat().st_dev, _Disk(place, existing))
    return tuple(found.values())


def _lacks(disks: Sequence[_Disk], least: int) -> Iterator[Problem]:
    for disk in disks:
        with suppress(OSError):
            if (free := free_bytes(disk.existing)) < least:
                yield _problem(disk.place, disk.existing, free)


def free_bytes(path: Path) -> int:
    """Returns how much can be written on a path's file system; 0 if it takes no more files.

    Raises:
        OSError: there is no such path.
    """
    facts = os.statvfs(path)
    # Some file systems have no fixed number of files, and say 0 of 0.
    if facts.f_files and not facts.f_favail:
        return 0
    return facts.f_bavail * facts.f_frsize


def _problem(place: Place, existing: Path, free: int) -> Problem:
    return Problem(
        f"the disk of the {place.name} has too little room: {free >> 20} MiB are free",
        str(existing),
        "make room there, then go on with `--resume`",
    )
