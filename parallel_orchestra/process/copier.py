"""Where a child's output goes: secrets masked, size capped, memory constant.

Knows nothing of processes. The helper program (`reaper`) loads this file by itself, outside
the package, so it imports only what costs nothing to start.
"""

import os

if __package__:
    from parallel_orchestra.process.sieve import Sieve
else:
    from sieve import Sieve  # type: ignore[import-not-found,no-redef]

#: What stands in a log in place of a secret.
MASKED = b"[masked]"


class Ring:
    """The last `size` bytes of all that was put in, and how many came before them.

    One buffer, not a queue of pieces: an agent that prints byte by byte would otherwise cost
    thirty times the size.
    """

    __slots__ = ("_at", "_bytes", "_size", "dropped")

    def __init__(self, size: int) -> None:
        self._size = size
        self._bytes = bytearray()
        self._at = 0
        self.dropped = 0

    def put(self, data: bytes) -> None:
        """Takes the bytes in; the oldest fall out where there is no room."""
        overflow = len(self._bytes) + len(data) - self._size
        if overflow > 0:
            self.dropped += overflow
        if len(data) >= self._size:
            self._bytes = bytearray(data[len(data) - self._size :])
            self._at = 0
            return
        room = self._size - len(self._bytes)
        self._bytes += data[:room]
        rest = data[room:]
        end = self._at + len(rest)
        if end < self._size:
            self._bytes[self._at : end] = rest
            self._at = end
        else:
            split = self._size - self._at
            self._bytes[self._at :] = rest[:split]
            self._bytes[: end - self._size] = rest[split:]
            self._at = end - self._size

    def content(self) -> bytes:
        """Returns what is left, oldest first."""
        return bytes(self._bytes[self._at :] + self._bytes[: self._at])


class CappedLog:
    """A log file that keeps the first and the last half of `cap` bytes.

    The first half is written through at once; the last half waits in memory for `close`, which
    puts a marker line before it if something was left out. The file is made (0600) at the
    first output. What can't be written is dropped: `trouble` then says why, else it is empty.
    """

    __slots__ = ("_fd", "_last_byte", "_path", "_ring", "_room", "trouble")

    def __init__(self, path: str, cap: int) -> None:
        self._path = path
        self._fd = -1
        self._room = cap // 2
        self._ring = Ring(cap - cap // 2)
        self._last_byte = b"\n"
        self.trouble = ""

    def write(self, data: bytes) -> None:
        """Takes output in; never raises for a disk that refuses it."""
        if self._room > 0:
            head = data[: self._room]
            self._room -= len(head)
            self._append(head)
            data = data[len(head) :]
        if data:
            self._ring.put(data)

    def close(self) -> None:
        """Writes the last half, closes the file."""
        if self._ring.dropped:
            newline = b"" if self._last_byte == b"\n" else b"\n"
            self._append(b"%s[... %d bytes left out ...]\n" % (newline, self._ring.dropped))
        self._append(self._ring.content())
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    def _append(self, data: bytes) -> None:
        if not data or self.trouble:
            return
        try:
            if self._fd < 0:
                # NOFOLLOW: an agent may know the name before we make the file
                flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW
                self._fd = self._open(flags)
            rest = memoryview(data)
            while rest:
                rest = rest[os.write(self._fd, rest) :]
        except OSError as error:
            self.trouble = f"cannot write {self._path}: {error.strerror}"
        self._last_byte = data[-1:]

    def _open(self, flags: int) -> int:
        try:
            return os.open(self._path, flags, 0o600)
        except FileNotFoundError:
            # Its folder, too, is made for those that have something to say only.
            os.makedirs(os.path.dirname(self._path), 0o700, exist_ok=True)
            return os.open(self._path, flags, 0o600)


class Mask:
    """Replaces secrets in a stream, also those that arrive in two pieces.

    The leftmost secret is masked first, of two that begin together the longer one. What may
    be the beginning of a secret is held back until the next piece or `rest`.
    """

    __slots__ = ("_held", "_secrets")

    def __init__(self, secrets: tuple[bytes, ...]) -> None:
        self._secrets = tuple(sorted(filter(None, set(secrets)), key=len, reverse=True))
        self._held = b""

    def pass_on(self, data: bytes) -> bytes:
        """Returns what may be shown after this piece."""
        if not self._secrets:
            return data
        data = self._held + data
        shown, end = self._mask(data, last=False)
        self._held = data[end:]
        return shown

    def rest(self) -> bytes:
        """Returns what was held back, at the end of the stream."""
        shown, _ = self._mask(self._held, last=True)
        self._held = b""
        return shown

    def _mask(self, data: bytes, *, last: bool) -> tuple[bytes, int]:
        """Returns what may be shown, and up to where that goes; what follows must wait."""
        pieces: list[bytes] = []
        found = {secret: data.find(secret) for secret in self._secrets}
        at = 0
        wait = len(data) if last else self._unfinished(data, at)
        while True:
            secret, start = self._leftmost(found)
            if start < 0 or wait <= start:
                pieces.append(data[at:wait])
                return b"".join(pieces), wait
            pieces += (data[at:start], MASKED)
            at = start + len(secret)
            if wait < at:
                wait = self._unfinished(data, at)
            for other, position in found.items():
                if 0 <= position < at:
                    found[other] = data.find(other, at)

    def _leftmost(self, found: dict[bytes, int]) -> tuple[bytes, int]:
        """Returns the first of the found secrets and its place, or -1 for the place."""
        best, start = b"", -1
        for secret, position in found.items():
            if position >= 0 and (start < 0 or position < start):
                best, start = secret, position
        return best, start

    def _unfinished(self, data: bytes, at: int) -> int:
        """Returns where the data ends in the beginning of a secret, or its length."""
        first = len(data)
        for secret in self._secrets:
            place = data.find(secret[:1], max(at, len(data) - len(secret) + 1), first)
            while place >= 0:
                if secret.startswith(data[place:]):
                    first = place
                    break
                place = data.find(secret[:1], place + 1, first)
        return first


class Stream:
    """One of a child's two output streams on its way to the logs.

    Its last bytes are kept, and the lines that hold one of the words of `keep`.
    """

    __slots__ = ("_logs", "_mask", "kept", "size_bytes", "tail")

    def __init__(
        self,
        secrets: tuple[bytes, ...],
        tail_bytes: int,
        logs: tuple[CappedLog, ...],
        keep: tuple[bytes, ...] = (),
    ) -> None:
        self.kept = Sieve(keep)
        self._mask = Mask(secrets)
        self._logs = logs
        self.tail = Ring(tail_bytes)
        self.size_bytes = 0

    def take(self, data: bytes) -> None:
        """Passes a piece on to every log."""
        self.size_bytes += len(data)
        self._show(self._mask.pass_on(data))

    def end(self) -> None:
        """Passes on what the mask held back."""
        self._show(self._mask.rest())

    def _show(self, data: bytes) -> None:
        if not data:
            return
        self.tail.put(data)
        self.kept.put(data)
        for log in self._logs:
            log.write(data)
