"""One sync for many moves: what was renamed is on the disk before anybody is told.

After a rename both directories must be synced: on btrfs the destination alone leaves the file
under its old name as well after a power cut. Nobody waits for the disk: a thread takes all
moves that were made since its last sync, syncs once, then tells of all of them at once.
"""

import contextlib
import threading
import time
from collections.abc import Callable, Iterable, Sequence

from parallel_orchestra import files
from parallel_orchestra.events import Event

#: Seconds to gather moves before a sync. Every sync holds up all other work on the file system,
#: so on a slow disk syncs become rarer: they may take this share of the time, up to a limit.
_GATHER = 0.05
_SHARE = 0.1
_LONGEST_GATHER = 1.0


class GroupCommit:
    """Tells of moves after they are durable, in the order in which they were made."""

    def __init__(self, directories: Iterable[str], tell: Callable[[Sequence[Event]], None]) -> None:
        """Takes what is called, from another thread, with all events of one sync."""
        self._directories = tuple(directories)
        self._tell = tell
        self._waiting: list[Event] = []
        self._busy = False
        self._hurry = False
        self._failure: Exception | None = None
        self._wake = threading.Condition()
        self._closed = False
        self._thread: threading.Thread | None = None

    def after(self, *events: Event) -> None:
        """Tells these events once the moves made so far are on the disk."""
        if not events:
            return
        with self._wake:
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, name="group-commit", daemon=True)
                self._thread.start()
            if not self._waiting:
                # Later ones need not wake it: it gathers them.
                self._wake.notify_all()
            self._waiting += events

    def flush(self) -> None:
        """Returns once everything given to `after` so far was told."""
        with self._wake:
            self._hurry = True
            self._wake.notify_all()
            self._wake.wait_for(lambda: not self._waiting and not self._busy)
            self._hurry = False

    def close(self) -> None:
        """Returns once everything given to `after` was told; nothing may be given after."""
        with self._wake:
            self._closed = True
            self._wake.notify()
        if self._thread is not None:
            self._thread.join()
        if self._failure is not None:
            raise self._failure

    def _work(self) -> None:
        gather = _GATHER
        while True:
            with self._wake:
                while not self._waiting and not self._closed:
                    self._wake.wait()
                self._wake.wait_for(lambda: self._closed or self._hurry, gather)
                batch, self._waiting = self._waiting, []
                self._busy = bool(batch)
                if not batch:
                    return
            begun = time.monotonic()
            for directory in self._directories:
                # A failed sync leaves nothing to mend: it must not be tried again (fsync(2)),
                # and the move stands for everybody who looks.
                with contextlib.suppress(OSError):
                    files.sync_directory(directory)
            took = time.monotonic() - begun
            gather = min(max(_GATHER, took / _SHARE), _LONGEST_GATHER)
            try:
                self._tell(batch)
            except Exception as error:  # noqa: BLE001  # raised where somebody waits: `close`
                self._failure = self._failure or error
            with self._wake:
                self._busy = False
                self._wake.notify_all()
