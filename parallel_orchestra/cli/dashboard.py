"""The live picture of a run on a terminal: what happened scrolls up, what runs stands below.

Drawn by the main thread alone, and only when it has changed: most of a run, once a second.
"""

import shutil
import sys
import time
from collections import deque
from contextlib import AbstractContextManager
from types import TracebackType

from parallel_orchestra.cli.canvas import Canvas
from parallel_orchestra.cli.frame import Sight, frame
from parallel_orchestra.cli.ink import Line, Piece, length, painted, signs_for
from parallel_orchestra.cli.lines import started
from parallel_orchestra.cli.story import Story
from parallel_orchestra.cli.suspending import suspended_by
from parallel_orchestra.conductor import Snapshot
from parallel_orchestra.events import AttemptEnded, Claimed, Entered, Event
from parallel_orchestra.git import Extent

#: Seconds between two looks at what agents do, which cost most.
_LOOK_EVERY = 1.0
#: Seconds between two drawings while nothing happens: nothing in the picture changes faster.
_DRAW_EVERY = 0.5
#: Looking ahead may cost this share of the time.
_SHARE = 0.005


class Dashboard:
    """A picture of the running tasks that is drawn over itself, the story of the run above it."""

    def __init__(self, *, color: bool = True, verbose: bool = False, elsewhere: str = "") -> None:
        encoding = sys.stderr.encoding or "ascii"
        self._signs = signs_for(encoding)
        self._canvas = Canvas(sys.stderr.fileno(), encoding)
        self._color = color
        self._verbose = verbose
        self._story = Story(self._signs, self._measure, self._said, elsewhere)
        self._events: deque[Event | str] = deque()
        #: From when on tasks are carried out: not from when somebody was asked whether they may.
        self._started: float | None = None
        self._snapshot: Snapshot | None = None
        #: What the attempts of this process are at, by task.
        self._phases: dict[str, str] = {}
        self._sight = Sight(phases=self._phases)
        self._job: AbstractContextManager[None] = suspended_by(self._away, lambda: None)
        self._cost: float | None = None
        #: When the run ends as the schedule expects it, on the monotonic clock.
        self._end: float | None = None
        self._next_look = self._next_outlook = self._next_draw = 0.0
        self._shown: tuple[object, ...] = ()

    def hear(self, event: Event) -> None:
        """Keeps the event for the main thread."""
        self._events.append(event)

    def tell(self, snapshot: Snapshot) -> None:
        """Draws the picture, and above it what happened since the last time."""
        self._snapshot = snapshot
        now = time.monotonic()
        self._started = now if self._started is None else self._started
        if now < self._next_draw and not self._events:
            return
        self._next_draw = now + _DRAW_EVERY
        size = shutil.get_terminal_size()
        width = size.columns - 1
        above = self._above(width)
        self._look(snapshot, now)
        lines = frame(
            snapshot, now - self._started, time.time(), width, size.lines, self._sight, self._signs
        )
        if above or (lines, size) != self._shown:
            self._shown = (lines, size)
            drawn = [painted(line, color=self._color) for line in lines]
            self._canvas.draw(above, drawn, [length(line) for line in lines], size.columns)

    def note(self, text: str) -> None:
        """Keeps the line for the next picture, a moment later; takes no lock."""
        self._events.append(text)

    def __enter__(self) -> "Dashboard":  # noqa: PYI034  # Self is younger than Python 3.10
        """Takes the terminal over with the first picture."""
        self._job.__enter__()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Prints what is left and takes the picture away."""
        self._job.__exit__(None, None, None)
        width = shutil.get_terminal_size().columns
        self._canvas.close(self._above(width - 1), width)

    def _away(self) -> None:
        """Takes the picture away; it comes again below what stands there by then."""
        self._canvas.close((), shutil.get_terminal_size().columns)
        self._shown = ()

    def _above(self, width: int) -> list[str]:
        """Returns what is to scroll up; costs are counted, phases noted."""
        found: list[Line] = []
        while self._events:
            event = self._events.popleft()
            if isinstance(event, str):
                found.append((Piece(event, "odd"),))
                continue
            if isinstance(event, Claimed | Entered):
                self._phases[event.task] = getattr(event, "phase", "set-up")
            if isinstance(event, AttemptEnded) and event.cost_usd is not None:
                self._cost = (self._cost or 0.0) + event.cost_usd
            found += self._story.lines(event, width)
            if self._verbose and (begun := started(event)):
                found.append((Piece(f"{self._signs.arrow} {begun}", "quiet"),))
        return [painted(line, color=self._color) for line in found]

    def _look(self, snapshot: Snapshot, now: float) -> None:
        if now < self._next_look:
            return
        self._next_look = now + _LOOK_EVERY
        if now >= self._next_outlook:
            found = snapshot.outlook()
            self._end = now + found.seconds if found is not None and found.told else None
            self._next_outlook = now + max(1.0, (time.monotonic() - now) / _SHARE)
        left = max(0.0, self._end - now) if self._end is not None else None
        self._sight = Sight(snapshot.doing(), self._phases, left, self._cost)

    def _said(self, task: str, attempt: int, log: str) -> str:
        return self._snapshot.said(task, attempt, log) if self._snapshot is not None else ""

    def _measure(self, commit: str) -> Extent | None:
        return self._snapshot.extent(commit) if self._snapshot is not None else None
