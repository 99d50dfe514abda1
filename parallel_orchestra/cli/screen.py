"""What a run shows while it runs: plain lines, JSON, or a live picture on a terminal.

Events come from worker threads, snapshots from the main thread. The live picture is drawn by
the main thread alone, so that no signal handler ever waits for a lock of its own thread.
"""

import sys
from collections.abc import Mapping
from enum import Enum
from types import TracebackType
from typing import Protocol

from parallel_orchestra.cli.canvas import write
from parallel_orchestra.cli.dashboard import Dashboard
from parallel_orchestra.cli.failures import usage
from parallel_orchestra.cli.ink import painted
from parallel_orchestra.cli.lines import grave, line_of, looks, started
from parallel_orchestra.cli.tints import colored
from parallel_orchestra.conductor import Snapshot
from parallel_orchestra.events import Event, to_line


class Progress(Enum):
    """How a run is shown while it runs."""

    AUTO = "auto"
    LIVE = "live"
    PLAIN = "plain"
    JSON = "json"
    QUIET = "quiet"


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
    """One line per event worth it; `quiet` leaves only failures, `verbose` adds what begins."""

    def __init__(self, *, quiet: bool = False, verbose: bool = False, color: bool = False) -> None:
        self._quiet = quiet
        self._verbose = verbose
        self._color = color

    def hear(self, event: Event) -> None:
        """Prints the event by one write, so that lines of several threads do not mix."""
        if self._quiet and not grave(event):
            return
        line = line_of(event) or (started(event) if self._verbose else "")
        if line:
            self.note(painted(looks(event, line), color=self._color))

    def tell(self, snapshot: Snapshot) -> None:
        """Shows nothing: events say it all."""

    def note(self, text: str) -> None:
        """Prints a line past Python's buffers, whose locks a signal handler may not take."""
        write(2, f"{text}\n".encode(errors="replace"))

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


class Records(Lines):
    """Each event as a line of JSON on standard output, as in the journal; talk goes to stderr."""

    def hear(self, event: Event) -> None:
        """Prints the event by one write."""
        write(1, to_line(event).encode(errors="replace"))


def screen_for(
    environ: Mapping[str, str],
    progress: Progress = Progress.AUTO,
    *,
    verbose: bool = False,
    elsewhere: str = "",
) -> Screen:
    """Returns the display that fits; `auto` is a live picture on a terminal, but not in CI.

    Nothing is animated outside of a terminal, whatever was asked for. `elsewhere` follows the
    commands that are shown, where the task directory is not the usual one.
    """
    color = colored(sys.stderr, environ)
    if progress is Progress.JSON:
        return Records()
    wanted = progress is Progress.LIVE or (progress is Progress.AUTO and not environ.get("CI"))
    if wanted and sys.stderr.isatty() and environ.get("TERM", "dumb") != "dumb":
        return Dashboard(color=color, verbose=verbose, elsewhere=elsewhere)
    return Lines(quiet=progress is Progress.QUIET, verbose=verbose, color=color)


def progress_of(
    named: str | None, *, quiet: bool, verbose: bool, dashboard: bool | None
) -> Progress:
    """Returns what `--progress` and its short forms mean together.

    Raises:
        UsageError: they contradict each other.
    """
    said = {
        f"--progress {named}": Progress(named) if named else None,
        "--quiet": Progress.QUIET if quiet else None,
        "--dashboard": Progress.LIVE if dashboard else None,
        "--no-dashboard": Progress.PLAIN if dashboard is False else None,
    }
    given = {option: one for option, one in said.items() if one is not None}
    if quiet and verbose:
        raise usage("`--quiet` and `--verbose` exclude each other", "give one of them")
    # The published tool takes both: what is quiet has no picture either way.
    given.pop("--no-dashboard" if quiet else "", None)
    if len(set(given.values())) > 1:
        names = " and ".join(f"`{option}`" for option in given)
        raise usage(f"{names} exclude each other", "give one of them")
    return next(iter(given.values()), Progress.AUTO)
