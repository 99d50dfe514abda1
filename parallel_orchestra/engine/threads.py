"""Workers as threads of this process, and the one thread that keeps their claims alive."""

import threading
import time
from collections.abc import Callable, Sequence

from parallel_orchestra.board import Board
from parallel_orchestra.store import TaskStore
from parallel_orchestra.worker import Worker


class Threads:
    """N workers in N threads, with one heartbeat thread for all of their claims.

    The heartbeat has a thread of its own so that a long step never looks like death.
    """

    def __init__(
        self, workers: Sequence[Worker], board: Board, store: TaskStore, heartbeat: float
    ) -> None:
        """Takes the seconds between two signs of life."""
        self.workers = tuple(workers)
        self.failure: BaseException | None = None
        self._board = board
        self._store = store
        self._heartbeat = heartbeat
        self._over = threading.Event()
        self._threads = [
            threading.Thread(target=self._guard, args=(worker.run,), name=f"worker-{worker.number}")
            for worker in self.workers
        ]
        self._pulse = threading.Thread(target=self._guard, args=(self._beat,), name="heartbeat")

    def start(self) -> None:
        """Starts all threads."""
        for thread in (self._pulse, *self._threads):
            thread.start()

    @property
    def alive(self) -> bool:
        """Whether a worker is still at it."""
        return any(thread.is_alive() for thread in self._threads)

    def wait(self, seconds: float) -> None:
        """Returns when all workers have ended, or after that time."""
        deadline = time.monotonic() + seconds
        for thread in self._threads:
            thread.join(max(0.0, deadline - time.monotonic()))

    def cancel(self) -> None:
        """Ends what all workers do. To be called until none is alive."""
        self._board.stop()
        for worker in self.workers:
            worker.cancel()

    def close(self) -> None:
        """Ends the heartbeat; the workers must have ended."""
        self._over.set()
        if self._pulse.ident is not None:
            self._pulse.join()

    def _beat(self) -> None:
        while not self._over.wait(self._heartbeat):
            # Seen while all workers are busy, too: it may be over when the first of them ends.
            self._board.lack()
            for claim in self._board.active:
                if not self._store.beat(claim):
                    for worker in self.workers:
                        worker.lose(claim)

    def _guard(self, body: Callable[[], None]) -> None:
        try:
            body()
        except BaseException as error:  # noqa: BLE001  # kept for the main thread, which raises it
            self.failure = self.failure or error
            self._board.stop()
