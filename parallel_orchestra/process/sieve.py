"""Which lines of a child's output are kept whole, however long the output is.

Knows nothing of processes. The helper program (`reaper`) loads it beside `copier`.
"""

#: Bytes of a line that is looked at; a longer one is none that we look for.
LONGEST_LINE = 1 << 16
#: Bytes of all kept lines together: 20,000 short ones.
MOST_KEPT = 4 << 20


class Sieve:
    """Keeps the lines that hold one of some words, in their order, up to `MOST_KEPT`.

    What falls out for lack of room are the later lines.
    """

    __slots__ = ("_kept", "_line", "_room", "_skips", "_words")

    def __init__(self, words: tuple[bytes, ...]) -> None:
        self._words = words
        self._kept: list[bytes] = []
        self._line = b""
        self._room = MOST_KEPT
        self._skips = False

    def put(self, data: bytes) -> None:
        """Takes output in."""
        if not self._words:
            return
        start = 0
        while (end := data.find(b"\n", start)) >= 0:
            self._end_of(data[start:end])
            start = end + 1
        rest = data[start:]
        if self._skips or len(self._line) + len(rest) > LONGEST_LINE:
            self._line, self._skips = b"", True
        else:
            self._line += rest

    def content(self) -> bytes:
        """Returns the kept lines; one that was not ended is none."""
        return b"".join(self._kept)

    def _end_of(self, piece: bytes) -> None:
        line, skips = self._line + piece, self._skips
        self._line, self._skips = b"", False
        if skips or len(line) > LONGEST_LINE or len(line) >= self._room:
            return
        if any(word in line for word in self._words):
            self._kept.append(line + b"\n")
            self._room -= len(line) + 1
