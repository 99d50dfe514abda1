"""A log that grows, read line by line while it does. Knows nothing of tasks."""

import os
from collections.abc import Iterator
from pathlib import Path

_CHUNK = 1 << 16
#: A longer line is shown in pieces: a log has 10 MB, but nobody says that it is ours.
_LONGEST = 16 << 20


class GrowingLog:
    """The lines of one file, each once. `latest` skips all but the last so many bytes at first."""

    def __init__(self, path: Path, latest: int | None = None) -> None:
        self.path = path
        self._latest = latest
        self._offset = 0
        self._which: tuple[int, int] | None = None
        self._begun: list[bytes] = []
        self._begun_bytes = 0

    def lines(self, *, last: bool = False) -> Iterator[bytes]:
        """Yields what was added since the last time, with line ends; nothing if it is missing.

        A line that has not ended yet is kept for the next time, unless this is the `last`. A file
        that is another one than before, or shorter, is read from its beginning.
        """
        try:
            with self.path.open("rb") as stream:
                yield from self._added(stream.fileno())
        except OSError:
            # Not written yet, or cleared away; what was read of it counts.
            pass
        if last and self._begun:
            yield self._taken()

    def _added(self, descriptor: int) -> Iterator[bytes]:
        facts = os.fstat(descriptor)
        which = (facts.st_dev, facts.st_ino)
        if self._which is None and self._latest is not None and facts.st_size > self._latest:
            self._offset = facts.st_size - self._latest
            # the line in whose middle this is
            start = os.pread(descriptor, self._latest, self._offset).find(b"\n")
            self._offset += start + 1
        elif which != self._which or facts.st_size < self._offset:
            self._offset = 0
        self._which = which
        while data := os.pread(descriptor, _CHUNK, self._offset):
            self._offset += len(data)
            yield from self._split(data)

    def _split(self, data: bytes) -> Iterator[bytes]:
        *ended, rest = data.split(b"\n")
        for line in ended:
            self._begun.append(line + b"\n")
            yield self._taken()
        if rest:
            self._begun.append(rest)
            self._begun_bytes += len(rest)
        if self._begun_bytes > _LONGEST:
            yield self._taken()

    def _taken(self) -> bytes:
        line = b"".join(self._begun)
        self._begun, self._begun_bytes = [], 0
        return line
