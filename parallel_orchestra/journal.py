"""The run's memory: events appended to one file per writer, read back in order of time.

The directory a task lies in is the truth, the journal only remembers: first the rename, then
the event. One writer per file, since appends of several processes mix on network file
systems (open(2), NOTES); a torn last line of a killed writer is ignored.
"""

import contextlib
import math
import os
import threading
from collections.abc import Callable
from pathlib import Path

from parallel_orchestra import files
from parallel_orchestra.events import Event, from_line, to_line


class Journal:
    """Appends events to `<directory>/<writer>.jsonl`; any thread may write."""

    def __init__(
        self, directory: Path, writer: str, listen: Callable[[Event], None] = lambda _: None
    ) -> None:
        """Takes who else wants to hear every event; called from the thread that writes it."""
        self._listen = listen
        self._unwritten = b""
        self._lock = threading.Lock()
        self._path = directory / f"{writer}.jsonl"
        self._descriptor = -1
        self._closed = False

    def write(self, *events: Event) -> None:
        """Appends events, by one write unless the disk is full.

        What a full disk does not take is kept and written before the next events: nothing that
        decides depends on the journal, so no task has to fail for it.
        """
        data = "".join(map(to_line, events)).encode()
        with self._lock:
            self._unwritten += data
            self._flush()
        for event in events:
            self._listen(event)

    def close(self) -> None:
        """Ends the file; later events are dropped."""
        with self._lock:
            self._flush()
            self._closed = True
            if self._descriptor >= 0:
                os.close(self._descriptor)
                self._descriptor = -1

    def _flush(self) -> None:
        if self._closed:
            self._unwritten = b""
            return
        with contextlib.suppress(OSError):
            while self._unwritten:
                if self._descriptor < 0:
                    self._open()
                # A disk that fills up takes part of a line: what follows must go on right there.
                self._unwritten = self._unwritten[os.write(self._descriptor, self._unwritten) :]

    def _open(self) -> None:
        """Opens the file with the first event: who has nothing to say leaves none behind."""
        flags = os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC
        self._descriptor = os.open(self._path, flags, 0o600)
        size = os.fstat(self._descriptor).st_size
        if size and os.pread(self._descriptor, 1, size - 1) != b"\n":
            # A person's claim has one writer after the other: the last one was killed in a line.
            self._unwritten = b"\n" + self._unwritten


def read(directory: Path) -> list[tuple[str, Event]]:
    """Returns (writer, event) of all writers in order of time; equal times in order of writing.

    A writer's own events keep their order, also where its clock was set back in between.
    """
    entries: list[tuple[float, str, Event]] = []
    for name in sorted(files.names(directory)):
        if not name.endswith(".jsonl"):
            continue
        writer, latest = name.removesuffix(".jsonl"), -math.inf
        for line in (files.read_text(directory / name) or "").splitlines():
            event = from_line(line)
            if event is not None:
                latest = max(latest, event.time)
                entries.append((latest, writer, event))
    entries.sort(key=lambda entry: entry[0])
    return [(writer, event) for _, writer, event in entries]
