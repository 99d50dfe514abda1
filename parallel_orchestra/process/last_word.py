"""Whether a child has said its last word, by the lines of JSON that it prints.

Agents print their result and then hang, often enough. But a result may also be one of several:
Claude Code goes on when something that it left in the background has ended. So whoever prints
another line after its last word takes it back.

Knows nothing of agents: which line is a last word is told to it. The helper program (`reaper`)
loads this file by itself, so it imports JSON only once a line looks like one.
"""

if __package__:
    from parallel_orchestra.process.request import Pattern
else:  # the bare interpreter knows this folder only
    from request import Pattern  # type: ignore[import-not-found,no-redef]

#: Bytes of a line that is looked at; a longer one is no last word.
_LONGEST_LINE = 4 << 20


class LastWord:
    """Listens to an output. `said_at` is when the last word was said, None if it was not.

    A pattern is what must stand in a line: (path of keys with dots between them, text) for each.
    Each of `finals` is a pattern of last words. `pending` is the pattern of lines that list, under
    their key `pending_key`, what the child still waits for.
    """

    __slots__ = (
        "_finals",
        "_held",
        "_pending",
        "_pending_key",
        "_skips",
        "_words",
        "said_at",
        "waits",
    )

    def __init__(self, finals: tuple[Pattern, ...], pending: Pattern, pending_key: str) -> None:
        self.said_at: float | None = None
        #: Whether it said that it waits for something that it has started.
        self.waits = False
        self._finals = finals
        self._pending = pending
        self._pending_key = pending_key
        # of each pattern the last text, which is the rarest: few lines are read for nothing
        self._words = [b'"%s"' % one[-1][1].encode() for one in (*finals, pending) if one]
        self._held = bytearray()
        self._skips = False

    def hear(self, data: bytes, now: float) -> None:
        """Takes output in, as it comes."""
        if not self._finals:
            return
        end = data.rfind(b"\n") + 1
        if end:
            self._take(self._ended(data[:end]), now)
            self._held = bytearray()
            self._skips = False
        if not self._skips:
            self._held += data[end:]
        if len(self._held) > _LONGEST_LINE:
            self._held, self._skips = bytearray(), True
        if self._skips or data[end:].strip():
            # the beginning of another line; not looked for in all that is held, which is slow
            self.said_at = None

    def _ended(self, data: bytes) -> bytes:
        """Returns the lines that these bytes end."""
        if not self._skips:
            return bytes(self._held) + data
        self.said_at = None
        return data[data.find(b"\n") + 1 :]

    def _take(self, lines: bytes, now: float) -> None:
        if not any(word in lines for word in self._words):
            if lines.strip():
                self.said_at = None
            return
        for line in lines.split(b"\n"):
            if line.strip():
                self.said_at = now if self._is_last(line) else None

    def _is_last(self, line: bytes) -> bool:
        if not any(word in line for word in self._words):
            return False
        event = _parsed(line)
        if self._pending and _fits(event, self._pending):
            self.waits = bool(_at(event, self._pending_key))
        return any(_fits(event, final) for final in self._finals)


def _parsed(line: bytes) -> object:
    import json  # noqa: PLC0415 - 10 ms that only those pay who speak JSON

    try:
        return json.loads(line)
    except (ValueError, RecursionError):
        return None


def _fits(event: object, pattern: Pattern) -> bool:
    return all(_at(event, path) == text for path, text in pattern)


def _at(event: object, path: str) -> object:
    for key in path.split("."):
        event = event.get(key) if isinstance(event, dict) else None
    return event
