"""One line that says what a long command is at, on a terminal only; gone when it has done that."""

import os
import shutil
import sys
import time
from collections.abc import Mapping

from parallel_orchestra.cli.canvas import write
from parallel_orchestra.cli.ink import shortened, signs_for
from parallel_orchestra.report.text import one_line

#: Seconds between two lines: nobody reads faster.
_EVERY = 0.1
#: To the beginning of the line, and what stands there away (ECMA-48, EL).
_CLEAR = "\r\x1b[K"


class Passing:
    """Where to say it, a context manager; with `verbose` in lines that stay, a terminal or not."""

    def __init__(
        self, *, verbose: bool = False, descriptor: int = 2, environ: Mapping[str, str] = os.environ
    ) -> None:
        moves = os.isatty(descriptor) and environ.get("TERM", "dumb") != "dumb"
        self._animated = moves and not environ.get("CI") and not verbose
        self._verbose = verbose
        self._descriptor = descriptor
        self._encoding = sys.stderr.encoding or "ascii"
        self._next = 0.0

    def say(self, what: str) -> None:
        """Shows what is done from now on."""
        line = one_line(what)
        if self._verbose:
            self._write(f"{line}\n")
        elif self._animated and time.monotonic() >= self._next:
            self._next = time.monotonic() + _EVERY
            width = shutil.get_terminal_size().columns - 1
            self._write(_CLEAR + shortened(line, width, signs_for(self._encoding)))

    def __enter__(self) -> "Passing":  # noqa: PYI034  # Self is younger than Python 3.10
        """Has nothing to prepare."""
        return self

    def __exit__(self, *_: object) -> None:
        """Takes the line away."""
        if self._animated and self._next:
            self._write(_CLEAR)

    def _write(self, text: str) -> None:
        write(self._descriptor, text.encode(self._encoding, errors="replace"))
