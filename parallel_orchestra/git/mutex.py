"""The repository mutex: one holder among all threads and processes.

A lock on an open file, which the kernel drops when the last descriptor of it is closed. Its
descriptor is handed to every git child that runs under it: if we are killed, the mutex stays
taken until that orphaned git has ended too. The file is never deleted and never holds data.
Correctness never rests on it (a person may delete the file): it only keeps git commands apart
that are known to disturb each other, and the ref transactions decide.
"""

import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from parallel_orchestra.errors import EnvironmentProblem, Problem

#: Seconds to wait for the mutex before giving up.
DEFAULT_WAIT = 120.0


class Mutex:
    """A lock on one file. Reentrant within a thread; opened once and kept open until `close`."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._threads = threading.RLock()
        self._owner: int | None = None
        self._depth = 0
        self._descriptor: int | None = None

    @contextmanager
    def held(self, wait: float = DEFAULT_WAIT) -> Iterator[None]:
        """Holds the mutex; waits for it at most `wait` seconds.

        Raises:
            EnvironmentProblem: it was not free in time, or the file can't be opened.
        """
        deadline = time.monotonic() + wait
        if not self._threads.acquire(timeout=wait):
            raise self._not_free(wait)
        try:
            if self._depth == 0:
                self._lock_file(deadline, wait)
                self._owner = threading.get_ident()
            self._depth += 1
            try:
                yield
            finally:
                self._depth -= 1
                if self._depth == 0:
                    self._owner = None
                    self._unlock_file()
        finally:
            self._threads.release()

    def descriptors(self) -> tuple[int, ...]:
        """Returns what a child must inherit: the lock's descriptor, if this thread holds it."""
        if self._descriptor is not None and self._owner == threading.get_ident():
            return (self._descriptor,)
        return ()

    def close(self) -> None:
        """Closes the file; the mutex is opened again if it is needed again."""
        with self._threads:
            if self._descriptor is not None and self._depth == 0:
                os.close(self._descriptor)
                self._descriptor = None

    def _lock_file(self, deadline: float, wait: float) -> None:
        # 70 ms of import that a command which merges nothing does not need.
        import portalocker  # noqa: PLC0415

        descriptor = self._opened()
        pause = 0.001
        while True:
            try:
                portalocker.lock(descriptor, portalocker.LOCK_EX | portalocker.LOCK_NB)
            except portalocker.LockException as refusal:
                if time.monotonic() + pause > deadline:
                    raise self._not_free(wait) from refusal
            else:
                return
            time.sleep(pause)
            pause = min(pause * 2, 0.05)

    def _unlock_file(self) -> None:
        import portalocker  # noqa: PLC0415  (see `_lock_file`)

        if self._descriptor is not None:
            portalocker.unlock(self._descriptor)

    def _opened(self) -> int:
        if self._descriptor is None:
            try:
                self._descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
            except OSError as error:
                raise EnvironmentProblem(
                    Problem(f"cannot open the repository lock: {error.strerror}", str(self.path))
                ) from error
        return self._descriptor

    def _not_free(self, wait: float) -> EnvironmentProblem:
        return EnvironmentProblem(
            Problem(
                f"the repository is busy: its lock was not free within {wait:g} seconds",
                str(self.path),
                f"`fuser {self.path}` shows which process holds it",
            )
        )
