"""Hears what people ask of the run while it goes on, and does it in this process.

Everybody at work in a run looks: its conductor and the workers that joined. Only the conductor
writes into the journal what was asked, so that it stands there once.
"""

from collections.abc import Callable, Iterable, Sequence

from parallel_orchestra import journal
from parallel_orchestra.conductor.control import Control
from parallel_orchestra.errors import ExitCode
from parallel_orchestra.events import Claimed, Completed, Failed, Undone
from parallel_orchestra.model import FailureClass
from parallel_orchestra.store import Layout, steering
from parallel_orchestra.store.steering import Wish
from parallel_orchestra.worker import Worker


class Ear:
    """One process's ear for what people ask; it is its main thread's."""

    def __init__(self, layout: Layout, say: Callable[[str], None]) -> None:
        """Takes what is called with a sentence when something new is asked for."""
        self._layout = layout
        self._say = say
        self._paused = False

    def hear(self, control: Control, team: Sequence[Worker] = ()) -> None:
        """Looks once and does what is asked for: stops, or ends what cancelled tasks' agents do."""
        wishes = steering.wishes(self._layout)
        if wishes or self._paused:
            self._hear_pause(paused=Wish.PAUSE.value in wishes)
        if Wish.STOP_NOW.value in wishes and not control.cancelled:
            self._tell(
                Wish.STOP_NOW, "stopping at once, as asked {}: agents are ended, work is kept"
            )
            control.cancel(ExitCode.UNFINISHED)
        elif Wish.STOP.value in wishes and not control.draining:
            self._tell(Wish.STOP, "stopping, as asked {}: running tasks may finish")
            control.drain(ExitCode.UNFINISHED)
        cancelled = steering.cancels(self._layout, wishes)
        for worker in team if cancelled else ():
            claim = worker.claim
            if claim is not None and claim.task in cancelled:
                worker.lose(claim)

    def hear_the_end(self) -> None:
        """Tells of the end of a pause if the workers did all that was left before the next `hear`."""
        if self._paused:
            self._hear_pause(paused=steering.paused(self._layout))

    def _hear_pause(self, *, paused: bool) -> None:
        if paused and not self._paused:
            self._tell(Wish.PAUSE, "paused {}: running tasks may finish, no other starts")
        elif self._paused and not paused:
            self._say("not paused any more")
        self._paused = paused

    def _tell(self, wish: Wish, sentence: str) -> None:
        asked = steering.asked_for(self._layout, wish)
        self._say(sentence.format(asked.words if asked else "by somebody"))


def cancelled_tasks(layout: Layout) -> frozenset[str]:
    """Returns the tasks whose last end was that a person cancelled them, as the journal tells."""
    return frozenset(task for task, end in _last_words(layout) if isinstance(end, Failed))


def set_aside(layout: Layout) -> frozenset[str]:
    """Returns the tasks that a person cancelled or undid last: only `retry` has them done."""
    return frozenset(task for task, _ in _last_words(layout))


def _last_words(layout: Layout) -> Iterable[tuple[str, Failed | Undone]]:
    found: dict[str, Failed | Undone] = {}
    for _, event in journal.read(layout.journal):
        cancelled = isinstance(event, Failed) and event.failure == FailureClass.CANCELLED.value
        if isinstance(event, Undone) or (isinstance(event, Failed) and cancelled):
            found[event.task] = event
        elif isinstance(event, Claimed | Completed | Failed):
            found.pop(event.task, None)
    return found.items()
