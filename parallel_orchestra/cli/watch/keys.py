"""Keys as they are pressed, from a terminal that echoes nothing; put back as it was at the end.

Knows the sequences of arrows and page keys that terminals have in common (terminfo of xterm, in
both of its cursor modes).
"""

import os
import select
import signal
import termios
import tty
from types import FrameType
from typing import Any

from parallel_orchestra.errors import ExitCode

_SEQUENCES = {
    b"\x1b[A": "up",
    b"\x1bOA": "up",
    b"\x1b[B": "down",
    b"\x1bOB": "down",
    b"\x1b[5~": "pgup",
    b"\x1b[6~": "pgdn",
    b"\x1b[H": "home",
    b"\x1bOH": "home",
    b"\x1b[F": "end",
    b"\x1bOF": "end",
}
#: What leaves, wherever it is pressed; see `state.KEYS`.
LEAVE = b"q"
_NAMES = {" ": "space", "\t": "tab", "\r": "enter", "\n": "enter", "\x1b": "esc"}


class Keyboard:
    """A terminal to read keys from; a context manager. Ctrl-C interrupts as ever."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._before: Any = None
        self._handler: Any = None

    def pressed(self, within: float) -> tuple[str, ...]:
        """Returns the keys that were pressed; waits so many seconds for the first one.

        What follows `q`, which leaves, stays unread: it is for whoever has the terminal then. A
        terminal that is gone is like that key.
        """
        data = b""
        while not data.endswith(LEAVE) and self._ready(0.0 if data else within):
            try:
                read = os.read(self._descriptor, 1)
            except OSError:
                read = b""
            data += read or LEAVE
        return tuple(keys_in(data))

    def _ready(self, within: float) -> bool:
        return bool(select.select([self._descriptor], [], [], within)[0])

    def __enter__(self) -> "Keyboard":  # noqa: PYI034  # Self is younger than Python 3.10
        """Lets keys come at once and unseen, and SIGTERM end us in order."""
        self._before = termios.tcgetattr(self._descriptor)
        tty.setcbreak(self._descriptor, termios.TCSANOW)
        self._handler = signal.signal(signal.SIGTERM, _terminated)
        return self

    def __exit__(self, *_: object) -> None:
        """Puts the terminal back."""
        signal.signal(signal.SIGTERM, self._handler)
        termios.tcsetattr(self._descriptor, termios.TCSADRAIN, self._before)


def keys_in(data: bytes) -> list[str]:
    """Returns the keys that a terminal's bytes mean: letters, and names such as `down`."""
    found = []
    while data:
        sequence = next((one for one in _SEQUENCES if data.startswith(one)), None)
        if sequence is not None:
            found.append(_SEQUENCES[sequence])
            data = data[len(sequence) :]
            continue
        letter = chr(data[0])
        found.append(_NAMES.get(letter, letter))
        data = data[1:]
    return found


def _terminated(_number: int, _frame: FrameType | None) -> None:
    raise SystemExit(ExitCode.TERMINATED)
