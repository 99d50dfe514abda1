"""One sync for many moves: what was renamed is on the disk before anybody is told.

After a rename both directories must be synced: on btrfs the destination alone leaves the file
under its old name as well after a power cut. Nobody waits for the disk: a thread takes all
moves that were made since its last sync, syncs once, then calls what was to be called.
"""

import contextlib
import threading
from collections.abc import Callable, Iterable

from parallel_orchestra import files


class GroupCommit:
    """Calls functions after the moves made before them are durable, in the order given."""

    def __init__(self, directories: Iterable[str]) -> None:
        self._directories = tuple(directories)
        self._waiting: list[Callable[[], None]] = []
        self._wake = threading.Condition()
        self._closed = False
        self._thread: threading.Thread | None = None

    def after(self, then: Callable[[], None]) -> None:
        """Calls `then` from another thread once the directories are synced."""
        with self._wake:
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, name="group-commit", daemon=True)
                self._thread.start()
            self._waiting.append(then)
            self._wake.notify()

    def close(self) -> None:
        """Returns once everything given to `after` was called."""
        with self._wake:
            self._closed = True
            self._wake.notify()
        if self._thread is not None:
            self._thread.join()

    def _work(self) -> None:
        while True:
            with self._wake:
                while not self._waiting and not self._closed:
                    self._wake.wait()
                batch, self._waiting = self._waiting, []
                if not batch:
                    return
            for directory in self._directories:
                # A failed sync leaves nothing to mend: it must not be tried again (fsync(2)),
                # and the move stands for everybody who looks.
                with contextlib.suppress(OSError):
                    files.sync_directory(directory)
            for then in batch:
                then()
