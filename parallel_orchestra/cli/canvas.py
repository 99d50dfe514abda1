"""Lines on a terminal that are drawn over themselves, while others scroll up above them.

Each drawing is one write: a terminal that knows synchronized output (DEC private mode 2026) shows
it at once, any other sees lines overwritten where they stand, so nothing flickers. When the window
has become narrower, the terminal has wrapped what stood there: then more rows are taken back.
"""

import os
from collections.abc import Sequence

_BEGIN, _END = "\x1b[?2026h", "\x1b[?2026l"
_HIDE, _SHOW = "\x1b[?25l", "\x1b[?25h"
#: To the end of the line, and to the end of the screen (ECMA-48, EL and ED).
_CLEAR_LINE, _CLEAR_BELOW = "\x1b[K", "\x1b[J"


class Canvas:
    """A few lines at the end of what a terminal shows. For one thread."""

    def __init__(self, descriptor: int, encoding: str = "utf-8") -> None:
        self._descriptor = descriptor
        self._encoding = encoding
        #: The columns that each drawn line takes.
        self._drawn: tuple[int, ...] = ()

    def draw(
        self, above: Sequence[str], lines: Sequence[str], sizes: Sequence[int], width: int
    ) -> None:
        """Shows `lines` in place of those before, and `above` for good above them.

        `sizes` are the columns that the lines take, `width` those of the terminal at this moment.
        """
        text = [_BEGIN, _HIDE, self._back(width)]
        text += [f"{line}{_CLEAR_LINE}\r\n" for line in above]
        text += ["\r\n".join(f"{line}{_CLEAR_LINE}" for line in lines), _CLEAR_BELOW, _END]
        self._drawn = tuple(sizes)
        self._write("".join(text))

    def close(self, above: Sequence[str], width: int) -> None:
        """Takes the lines away, leaves `above`, and gives the cursor back."""
        text = [self._back(width), _CLEAR_BELOW, *(f"{line}\r\n" for line in above), _SHOW]
        self._drawn = ()
        self._write("".join(text))

    def _back(self, width: int) -> str:
        """Returns what leads to the beginning of what was drawn."""
        rows = sum(max(1, -(-size // max(width, 1))) for size in self._drawn)
        up = f"\x1b[{rows - 1}A" if rows > 1 else ""
        return f"{up}\r" if self._drawn else ""

    def _write(self, text: str) -> None:
        write(self._descriptor, text.encode(self._encoding, errors="replace"))


class Page:
    """The whole of a terminal, on its other screen; a context manager that brings the first back."""

    def __init__(self, descriptor: int, encoding: str = "utf-8") -> None:
        self._descriptor = descriptor
        self._encoding = encoding
        self._shown: tuple[str, ...] | None = None

    def draw(self, lines: Sequence[str]) -> None:
        """Shows these lines, and nothing else; no more of them than the terminal has.

        Nothing is written if that is what it shows.
        """
        if tuple(lines) == self._shown:
            return
        self._shown = tuple(lines)
        body = "\r\n".join(f"{line}{_CLEAR_LINE}" for line in lines)
        self._write(f"{_BEGIN}\x1b[H{body}{_CLEAR_BELOW}{_END}")

    def __enter__(self) -> "Page":  # noqa: PYI034  # Self is younger than Python 3.10
        """Takes the other screen (DEC private mode 1049), which is empty."""
        self._shown = None
        self._write(f"\x1b[?1049h{_HIDE}")
        return self

    def __exit__(self, *_: object) -> None:
        """Gives the screen and the cursor back."""
        self._write(f"{_SHOW}\x1b[?1049l")

    def _write(self, text: str) -> None:
        write(self._descriptor, text.encode(self._encoding, errors="replace"))


def write(descriptor: int, data: bytes) -> None:
    """Writes all of it, past Python's buffers, whose locks a signal handler may not take."""
    try:
        while data:
            data = data[os.write(descriptor, data) :]
    except OSError:
        # It is gone; the run is worth more than its picture.
        return
