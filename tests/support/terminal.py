"""A terminal of the test's own, in which a command runs: what it shows, and what is typed."""

import contextlib
import fcntl
import os
import pty
import struct
import termios


class Terminal:
    """A pseudo-terminal (pty(7)); a context manager that lets go of it."""

    def __init__(self) -> None:
        self._ours, self.theirs = pty.openpty()
        os.set_blocking(self._ours, False)
        #: All that was shown so far.
        self.shown = b""

    def shows(self, words: bytes) -> bool:
        """Returns whether these words were shown by now."""
        # EIO: whoever had the other side has ended
        with contextlib.suppress(OSError):
            while part := os.read(self._ours, 65536):
                self.shown += part
        return words in self.shown

    def resize(self, columns: int, rows: int) -> None:
        """Makes the window so large."""
        fcntl.ioctl(self.theirs, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def enter(self, words: bytes) -> None:
        """Types, as a person would."""
        os.write(self._ours, words)

    def __enter__(self) -> "Terminal":  # noqa: PYI034 - Self is younger than Python 3.10
        """Returns itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Closes both sides."""
        os.close(self._ours)
        os.close(self.theirs)


def stands(data: bytes, columns: int, rows: int) -> list[str]:
    """Returns what stands on a terminal of that size after all of that was written to it."""
    import pyte  # noqa: PLC0415  # only those who ask pay for an emulator

    screen = pyte.Screen(columns, rows)
    pyte.ByteStream(screen).feed(data)
    lines = [line.rstrip() for line in screen.display]
    while lines and not lines[-1]:
        lines.pop()
    return lines
