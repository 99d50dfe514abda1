"""Delivers while tasks are at work: in a thread of its own, whenever something was merged.

What can't be delivered at the moment is said once; the end of the run tries again.
"""

import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from types import TracebackType

from parallel_orchestra.conductor.handover import Handover, event_of
from parallel_orchestra.errors import OrchestraError
from parallel_orchestra.events import Event, Warned
from parallel_orchestra.model import Deliver
from parallel_orchestra.progress import Delivery


class Courier:
    """One for a run; a context manager, at whose end none of its deliveries goes on."""

    def __init__(
        self, handover: Handover, write: Callable[[Event], None], cancel: Callable[[], None]
    ) -> None:
        """Takes what writes into the journal, and what ends the verification of a delivery."""
        self._handover = handover
        self._write = write
        self._cancel = cancel
        self._each = handover.way is Deliver.EACH
        self._pool = ThreadPoolExecutor(max_workers=1, thread_name_prefix="courier")
        self._under_way: Future[None] | None = None
        self._seen = handover.queue.tip() if self._each else ""
        self._first = ""
        self._last = ""
        self._complained = False

    def __enter__(self) -> "Courier":  # noqa: PYI034  # typing.Self needs Python 3.11
        """Returns itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Waits for a delivery that is under way."""
        if error is not None:
            self._cancel()
        self._pool.shutdown()

    def look(self) -> None:
        """Has delivered what was merged since the last look, if the plan wants that; never waits."""
        if not self._each or (self._under_way is not None and not self._under_way.done()):
            return
        tip = self._handover.repo.refs.read(self._handover.queue.refs.integration)
        if tip is not None and tip != self._seen:
            self._seen = tip
            self._under_way = self._pool.submit(self._carry)

    def rest(self) -> None:
        """Waits until none of its deliveries is under way."""
        if self._under_way is not None:
            self._under_way.result()

    def end(self, way: Deliver) -> Delivery:
        """Delivers what is left, and returns where the user's branch went in all.

        Raises:
            WaitsForPerson: the integration branch was changed from outside.
        """
        delivery = self._handover.hand(way, self._last)
        if delivery.done and self._first:
            return replace(delivery, before=self._first)
        return delivery

    def _carry(self) -> None:
        try:
            delivery = self._handover.hand(Deliver.EACH, self._last)
        except OrchestraError as error:
            # Whoever merges next, or the end of the run, meets the same and says all of it.
            return self._complain("; ".join(one.what for one in error.problems))
        if not delivery.done:
            return self._complain(delivery.reason)
        if delivery.before == delivery.after:
            return None
        # With what the user committed meanwhile, that may be another tip than the one we saw.
        self._last = self._seen = delivery.after
        self._first = self._first or delivery.before
        return self._write(event_of(delivery, time.time()))

    def _complain(self, reason: str) -> None:
        if not self._complained:
            self._complained = True
            words = f"not delivered yet, the end of the run tries again: {reason}"
            self._write(Warned(time.time(), "", words))
