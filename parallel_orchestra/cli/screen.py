"""What a run shows while it runs, on stderr: plain lines, or a live picture on a terminal.

Events come from worker threads, snapshots from the main thread. The live picture is drawn by
the main thread alone, so that no signal handler ever waits for a lock of its own thread.
"""

import os
import shutil
import sys
import time
from collections import deque
from collections.abc import Mapping
from types import TracebackType
from typing import TYPE_CHECKING, Protocol

from parallel_orchestra.cli.frame import frame
from parallel_orchestra.cli.lines import grave, line_of, notable
from parallel_orchestra.conductor import Snapshot
from parallel_orchestra.events import Event

if TYPE_CHECKING:
    from rich.live import Live
    from rich.text import Text


#: Seconds between two looks at what agents do.
_LOOK_EVERY = 0.5


class Screen(Protocol):
    """Somewhere to show a run; a context manager that leaves the terminal as it was."""

    def hear(self, event: Event) -> None:
        """Takes an event, from any thread."""

    def tell(self, snapshot: Snapshot) -> None:
        """Takes where the run stands, from the main thread."""

    def note(self, text: str) -> None:
        """Shows a line at once; a signal handler may call it."""

    def __enter__(self) -> "Screen":  # noqa: PYI034  # Self is younger than Python 3.10
        """Begins to show."""

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Shows what is left and lets go of the terminal."""


class Lines:
    """One line per event worth it; `quiet` leaves only failures."""

    def __init__(self, *, quiet: bool = False) -> None:
        self._quiet = quiet

    def hear(self, event: Event) -> None:
        """Prints the event by one write, so that lines of several threads do not mix."""
        if self._quiet and not grave(event):
            return
        line = line_of(event)
        if line:
            self.note(line)

    def tell(self, snapshot: Snapshot) -> None:
        """Shows nothing: events say it all."""

    def note(self, text: str) -> None:
        """Prints a line past Python's buffers, whose locks a signal handler may not take."""
        try:
            os.write(2, f"{text}\n".encode(errors="replace"))
        except OSError:
            # stderr is gone; the run is worth more than its lines.
            return

    def __enter__(self) -> "Lines":  # noqa: PYI034  # see Screen
        """Has nothing to prepare."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Has nothing to put back."""


class Dashboard:
    """A picture of the running tasks that is drawn over itself, notable events above it."""

    def __init__(self) -> None:
        self._waiting: deque[str] = deque()
        self._started = time.monotonic()
        self._live: Live | None = None
        self._doing: Mapping[str, str] = {}
        self._next_look = 0.0

    def hear(self, event: Event) -> None:
        """Keeps the event's line for the main thread."""
        if notable(event):
            self._waiting.append(line_of(event))

    def tell(self, snapshot: Snapshot) -> None:
        """Draws the picture, and above it what was said since the last time."""
        size = shutil.get_terminal_size()
        elapsed = time.monotonic() - self._started
        if elapsed >= self._next_look:
            self._doing = snapshot.doing()
            self._next_look = elapsed + _LOOK_EVERY
        lines = frame(snapshot, elapsed, time.time(), size.columns - 1, size.lines, self._doing)
        if self._live is not None:
            self._print()
            self._live.update(_text("\n".join(lines)), refresh=True)

    def note(self, text: str) -> None:
        """Keeps the line for the next picture, a tenth of a second later."""
        self._waiting.append(text)

    def __enter__(self) -> "Dashboard":  # noqa: PYI034  # see Screen
        """Takes the terminal over."""
        from rich.console import Console  # noqa: PLC0415  # 71 ms that only terminals pay
        from rich.live import Live  # noqa: PLC0415

        console = Console(stderr=True, highlight=False, markup=False, emoji=False)
        # Not refreshed by a thread of its own: see above. Nothing of ours is printed meanwhile.
        self._live = Live(
            console=console,
            auto_refresh=False,
            transient=True,
            redirect_stdout=False,
            redirect_stderr=False,
        )
        self._live.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Prints what is left and takes the picture away."""
        if self._live is not None:
            self._print()
            self._live.stop()

    def _print(self) -> None:
        assert self._live is not None  # noqa: S101  # only called while it is on display
        while self._waiting:
            self._live.console.print(_text(self._waiting.popleft()), soft_wrap=True)


def screen_for(environ: Mapping[str, str], *, quiet: bool, dashboard: bool | None) -> Screen:
    """Returns the display that fits: a live picture on a terminal, plain lines elsewhere.

    `dashboard` is what the user asked for; None leaves it to us: no picture in CI.
    """
    fit = sys.stderr.isatty() and environ.get("TERM", "dumb") != "dumb" and not quiet
    wanted = not environ.get("CI") if dashboard is None else dashboard
    return Dashboard() if fit and wanted else Lines(quiet=quiet)


def _text(line: str) -> "Text":
    from rich.text import Text  # noqa: PLC0415  # see Dashboard.__enter__

    return Text(line)
