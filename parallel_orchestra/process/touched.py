"""When a file below a directory changed last, however many there are.

The helper program (`reaper`) loads this file by itself, outside the package, so it imports only
what costs nothing to start.
"""

import os
import time

#: Seconds of work at a stretch, after which whoever asked may see to something else.
_STRETCH = 0.01
_LOOK_AT_CLOCK = 256


class Walk:
    """A walk through all that lies below a directory, a stretch at a time.

    Links are not followed; what can't be looked at counts as unchanged.
    """

    __slots__ = ("_below", "_entries", "_latest", "cost")

    def __init__(self, top: str) -> None:
        #: Seconds of processor time that it has taken so far.
        self.cost = 0.0
        self._below = [top]
        self._entries: list[os.DirEntry[str]] = []
        self._latest = 0

    def go_on(self) -> int | None:
        """Walks for a hundredth of a second; returns the newest change once all was seen.

        That is a time of the inode (stat(2), ctime), which nobody can set: nanoseconds by the
        clock of the files' own machine.
        """
        began = time.thread_time()
        until = time.monotonic() + _STRETCH
        while time.monotonic() < until and (self._entries or self._below):
            if not self._entries:
                self._entries = _listed(self._below.pop())
            for entry in self._entries[-_LOOK_AT_CLOCK:]:
                self._look_at(entry)
            del self._entries[-_LOOK_AT_CLOCK:]
        self.cost += time.thread_time() - began
        return None if self._entries or self._below else self._latest

    def _look_at(self, entry: os.DirEntry[str]) -> None:
        try:
            self._latest = max(self._latest, entry.stat(follow_symlinks=False).st_ctime_ns)
            if entry.is_dir(follow_symlinks=False):
                self._below.append(entry.path)
        except OSError:
            return  # it is gone


def _listed(directory: str) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(directory) as entries:
            return list(entries)
    except OSError:
        return []
