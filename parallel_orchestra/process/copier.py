"""Where a child's output goes: secrets masked, size capped, memory constant.

Knows nothing of processes. The helper program (`reaper`) loads this file by itself, outside
the package, so it imports only what costs nothing to start.

Of a long output most is seen by nobody: a log keeps its first and its last part. So the last part is
masked only when it is known to be the last, and a gigabyte costs no more than what is kept of it.
"""

import os

if __package__:
    from parallel_orchestra.process.mask import Mask, masked
    from parallel_orchestra.process.shapes import LONGEST_KEY
    from parallel_orchestra.process.sieve import Sieve
else:
    from mask import Mask, masked  # type: ignore[import-not-found,no-redef]
    from shapes import LONGEST_KEY  # type: ignore[import-not-found,no-redef]
    from sieve import Sieve  # type: ignore[import-not-found,no-redef]

#: What the name of a glimpse of a log ends in.
LATEST = ".latest"
#: Bytes up to which pieces are joined, and about what each piece costs besides its bytes.
_PIECE = 1 << 16
_OVERHEAD = 128
#: Pieces that are kept in any case.
_FEW = 1024
#: Bytes of a glimpse, and seconds between two.
_GLIMPSE = 1 << 16
_GLIMPSE_EVERY = 1.0
_NEVER = float("inf")


class Backlog:
    """The last `size` bytes of all that some sources said, masked when somebody asks for them.

    Pieces are joined: an agent that prints byte by byte would otherwise cost a hundred times the
    size. Of what falls out, so much is remembered as a secret may have begun in.
    """

    __slots__ = (
        "_before",
        "_bytes",
        "_most",
        "_pieces",
        "_reach",
        "_said",
        "_secrets",
        "_size",
        "dropped",
    )

    def __init__(self, size: int, secrets: tuple[bytes, ...] = ()) -> None:
        self._size = size
        self._secrets = secrets
        self._reach = max([LONGEST_KEY, *map(len, secrets)])
        self._most = _FEW + size // _OVERHEAD
        self._pieces: list[tuple[int, bytearray | bytes]] = []
        self._before: dict[int, bytes] = {}
        self._bytes = self._said = 0
        #: How many bytes `content` leaves out.
        self.dropped = 0

    def put(self, data: bytes, source: int = 0) -> None:
        """Takes in what a source said; the oldest pieces fall out where there is no room."""
        if not data:
            return
        self._bytes += len(data)
        self._said += len(data)
        if self._pieces and self._pieces[-1][0] == source:
            latest = self._pieces[-1][1]
            if isinstance(latest, bytearray) and len(latest) + len(data) <= _PIECE:
                latest += data
                return
        # a large piece stays as it is: nothing of it is copied
        self._pieces.append((source, bytearray(data) if len(data) < _PIECE // 2 else data))
        while self._pieces and (
            self._bytes - len(self._pieces[0][1]) >= self._size or len(self._pieces) > self._most
        ):
            self._drop()

    def content(self) -> bytes:
        """Returns what is left, oldest first, masked."""
        # what a mask holds back here is shown with the first piece, if it is no secret
        masks = {source: Mask(self._secrets) for source, _ in self._pieces}
        for source, mask in masks.items():
            mask.pass_on(self._before.get(source, b""))
        shown = [masks[source].pass_on(bytes(piece)) for source, piece in self._pieces]
        shown += [mask.rest() for mask in masks.values()]
        whole = b"".join(shown)
        left = whole[max(0, len(whole) - self._size) :]
        if self._before or len(whole) > self._size:
            self.dropped = max(0, self._said - len(left))
        return left

    def latest(self, size: int) -> bytes:
        """Returns about the last `size` bytes, masked; what may become a secret is left out."""
        pieces: list[tuple[int, bytearray | bytes]] = []
        left = size + self._reach
        for source, piece in reversed(self._pieces):
            pieces.append((source, piece[-left:]))
            left -= len(piece)
            if left <= 0:
                break
        masks = {source: Mask(self._secrets) for source, _ in pieces}
        shown = [masks[source].pass_on(bytes(piece)) for source, piece in reversed(pieces)]
        return b"".join(shown)[-size:]

    def _drop(self) -> None:
        source, piece = self._pieces.pop(0)
        self._bytes -= len(piece)
        if len(piece) < self._reach:
            piece = self._before.get(source, b"") + piece
        self._before[source] = bytes(piece[-self._reach :])


class CappedLog:
    """A log file that keeps the first and the last half of `cap` bytes, without secrets.

    The first half is written through at once; the last half waits in memory for `close`, which
    puts a marker line before it if something was left out. Until then, a file beside it gives
    those who watch a glimpse of the latest output. The file is made (0600) at the first output.
    What can't be written is dropped: `trouble` then says why, else it is empty.
    """

    __slots__ = (
        "_backlog",
        "_fd",
        "_glimpsed",
        "_last_byte",
        "_masks",
        "_path",
        "_room",
        "_secrets",
        "_unseen",
        "trouble",
    )

    def __init__(self, path: str, cap: int, secrets: tuple[bytes, ...] = ()) -> None:
        self._path = path
        self._fd = -1
        self._room = cap // 2
        self._secrets = secrets
        self._masks: dict[int, Mask] = {}
        self._backlog = Backlog(cap - cap // 2, secrets)
        self._last_byte = b"\n"
        self._glimpsed = -_NEVER
        self._unseen = False
        self.trouble = ""

    @property
    def due(self) -> float:
        """When the next `glimpse` is due, on the monotonic clock; never, if there is no need."""
        return self._glimpsed + _GLIMPSE_EVERY if self._unseen else _NEVER

    def glimpse(self, now: float) -> None:
        """Writes the latest output beside the log, if it is due; what fails is not worth a word."""
        if now < self.due:
            return
        self._glimpsed, self._unseen = now, False
        draft = f"{self._path}.draft"
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW
        try:
            fd = os.open(draft, flags, 0o600)
            try:
                os.write(fd, self._backlog.latest(_GLIMPSE))
            finally:
                os.close(fd)
            os.rename(draft, self._path + LATEST)
        except OSError:
            return

    def write(self, data: bytes, source: int = 0) -> None:
        """Takes in what a source said; never raises for a disk that refuses it."""
        mask = self._masks.get(source)
        if mask is None:
            mask = self._masks[source] = Mask(self._secrets)
        if self._room > 0:
            self._show(mask.pass_on(data), source)
        else:
            self._backlog.put(mask.release() + data, source)
            self._unseen = True

    def end(self, source: int = 0) -> None:
        """Shows what may have been the beginning of a secret: the source says no more."""
        mask = self._masks.get(source)
        if mask is not None:
            self._show(mask.rest(), source)

    def close(self) -> None:
        """Writes the last half, closes the file."""
        for source in self._masks:
            self.end(source)
        rest = self._backlog.content()
        if self._backlog.dropped:
            newline = b"" if self._last_byte == b"\n" else b"\n"
            self._append(b"%s[... %d bytes left out ...]\n" % (newline, self._backlog.dropped))
        self._append(rest)
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1
        if self._glimpsed >= 0:
            try:
                os.unlink(self._path + LATEST)
            except OSError:
                return

    def _show(self, data: bytes, source: int) -> None:
        head = data[: self._room]
        self._room -= len(head)
        self._append(head)
        if len(head) < len(data):
            self._backlog.put(data[len(head) :], source)
            self._unseen = True

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
            _make_folder(os.path.dirname(self._path))
            return os.open(self._path, flags, 0o600)


def _make_folder(path: str) -> None:
    """Makes a folder and those above it, all for us alone (`os.makedirs` would open those)."""
    if not os.path.isdir(path):
        _make_folder(os.path.dirname(path))
        try:
            os.mkdir(path, 0o700)
        except FileExistsError:
            return


class Stream:
    """One of a child's two output streams on its way to the logs.

    Its last bytes are kept, and the lines that hold one of the words of `keep`.
    """

    __slots__ = ("_kept", "_logs", "_secrets", "_source", "_tail", "size_bytes")

    def __init__(
        self,
        secrets: tuple[bytes, ...],
        tail_bytes: int,
        logs: tuple[CappedLog, ...],
        keep: tuple[bytes, ...] = (),
        source: int = 0,
    ) -> None:
        """Takes by which number the logs know it."""
        self._kept = Sieve(keep)
        self._logs = logs
        self._secrets = secrets
        self._source = source
        self._tail = Backlog(tail_bytes, secrets)
        self.size_bytes = 0

    def take(self, data: bytes) -> None:
        """Passes a piece on to every log."""
        self.size_bytes += len(data)
        self._tail.put(data)
        self._kept.put(data)
        for log in self._logs:
            log.write(data, self._source)

    def end(self) -> None:
        """Passes on what may have been the beginning of a secret."""
        for log in self._logs:
            log.end(self._source)

    def tail(self) -> bytes:
        """Returns its last bytes, masked."""
        return self._tail.content()

    def kept(self) -> bytes:
        """Returns the lines that are kept, masked."""
        return masked(self._kept.content(), self._secrets)
