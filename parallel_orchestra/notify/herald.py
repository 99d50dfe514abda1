"""Tells one listener after another thing, in a thread of its own, so that nobody waits for it."""

import threading
from collections.abc import Callable
from queue import SimpleQueue
from typing import Generic, TypeVar

News = TypeVar("News")

#: How many news may wait. A listener that is so far behind would tell of a run long over.
MOST_WAITING = 1000


class Herald(Generic[News]):
    """Has `deliver` called for each piece of news, in order; what goes wrong is remembered.

    `deliver` returns None, or a sentence on why the news did not arrive.
    """

    def __init__(self, name: str, deliver: Callable[[News], str | None]) -> None:
        """Takes how troubles call it, such as `on_event`."""
        self._name = name
        self._deliver = deliver
        self._waiting: SimpleQueue[News | None] = SimpleQueue()
        self._lost = 0
        self._failed = 0
        self._trouble = ""
        # A listener that hangs must not keep the program from ending.
        self._thread = threading.Thread(target=self._work, name=f"herald of {name}", daemon=True)
        self._thread.start()

    def tell(self, news: News) -> None:
        """Takes a piece of news; returns at once, from any thread."""
        if self._waiting.qsize() < MOST_WAITING:
            self._waiting.put(news)
        else:
            self._lost += 1

    def close(self, patience: float) -> str:
        """Waits so many seconds at most until all is told; returns what went wrong, or nothing."""
        patience = max(0.0, patience)
        self._waiting.put(None)
        self._thread.join(patience)
        lost, busy = self._lost, self._thread.is_alive()
        if busy:
            lost += max(0, self._waiting.qsize() - 1)
        troubles = []
        if self._failed:
            more = self._failed - 1
            again = f", and {more} more time{'s' if more > 1 else ''}" if more else ""
            troubles.append(f"{self._trouble}{again}")
        if busy:
            troubles.append(f"it was still busy {patience:g} s after the end")
        if lost:
            troubles.append(f"it was too slow for {lost} of the news")
        return f"`{self._name}`: {'; '.join(troubles)}" if troubles else ""

    def _work(self) -> None:
        while (news := self._waiting.get()) is not None:
            try:
                trouble = self._deliver(news)
            except Exception as error:  # noqa: BLE001 - whatever it is, it must not end the thread
                trouble = f"{type(error).__name__}: {error}"
            if trouble is not None:
                self._failed += 1
                self._trouble = self._trouble or trouble
