"""Seats: numbers and ports that no other worktree on this machine gets at the same time.

Held by a lock on a file of the user's cache directory, so a process that dies gives them back.
"""

import contextlib
import threading
from pathlib import Path
from typing import IO

from parallel_orchestra import files
from parallel_orchestra.frozen import frozen

#: The first port of the first seat, and how many each has: below the ports that Linux gives to
#: clients by itself (32768 and above, ip(7)), above those of well-known services.
FIRST_PORT = 20_000
PORTS = 20
_SEATS = 600


@frozen
class Seat:
    """A number from 1 on, and the first of `PORTS` ports."""

    number: int
    port_base: int


def ports_of(number: int) -> int:
    """Returns the first port of a seat."""
    return FIRST_PORT + PORTS * ((number - 1) % _SEATS)


class Seats:
    """The seats of one process; any thread may take one."""

    def __init__(self, folder: Path) -> None:
        """Takes the folder of the lock files, one for all processes of the user."""
        self._folder = folder
        self._turn = threading.Lock()
        self._taken: dict[int, IO[bytes] | None] = {}

    def take(self) -> Seat:
        """Takes the first free seat until `close`.

        If the folder can't be used, or all seats are taken, it is free in this process only.
        """
        with self._turn:
            for number in range(1, _SEATS + 1):
                if number not in self._taken and (stream := self._lock(number)) is not None:
                    self._taken[number] = stream
                    return Seat(number, ports_of(number))
            number = next(n for n in range(1, len(self._taken) + 2) if n not in self._taken)
            self._taken[number] = None
            return Seat(number, ports_of(number))

    def close(self) -> None:
        """Gives all seats back."""
        with self._turn:
            for stream in self._taken.values():
                if stream is not None:
                    stream.close()
            self._taken.clear()

    def _lock(self, number: int) -> IO[bytes] | None:
        import portalocker  # noqa: PLC0415  # 70 ms that only runs need

        with contextlib.suppress(OSError):
            self._folder.parent.parent.mkdir(parents=True, exist_ok=True)
            files.make_directory(self._folder)
            stream = files.open_to_lock(self._folder / f"{number}.lock")
            try:
                portalocker.lock(stream, portalocker.LOCK_EX | portalocker.LOCK_NB)
            except portalocker.LockException:
                stream.close()
                return None
            return stream
        return None
