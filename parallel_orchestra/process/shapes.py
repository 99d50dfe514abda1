"""Keys that are known by their form, whoever owns them: what the large services give out.

Knows nothing of streams. The helper program (`reaper`) loads it beside `mask`, so there are no
regular expressions: their import would make its start half as long again.
"""

_DIGITS = b"0123456789"
_UPPER = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_WORD = _DIGITS + _UPPER + _UPPER.lower()
_URL_SAFE = _WORD + b"-_"
#: Base64 on several lines: line ends, raw or as JSON has them, and the numbers and arrows with which
#: agents' tools begin a line.
_LINES = _WORD + b"+/=-\r\n\t \\:,|" + "\N{RIGHTWARDS ARROW}".encode()
#: The same as words of a command line or texts of a list: only up to an end that is seen, since a
#: key without one would take the quote with it that ends the text it stands in.
_QUOTED = _LINES + b"\"'"
#: Bytes of one key that are looked at; a private key of 16,384 bits has fewer.
LONGEST_KEY = 1 << 14
_NEAR = 128
_NOWHERE = (-1, -1)


class Shape:
    """Keys that begin with `prefix`, after which come at least `least` bytes of an alphabet."""

    __slots__ = ("_alphabet", "_least", "prefix")

    def __init__(self, prefix: bytes, least: int, alphabet: bytes = _URL_SAFE) -> None:
        self.prefix = prefix
        self._least = least
        self._alphabet = alphabet

    def find(self, data: bytes, at: int, *, last: bool) -> tuple[int, int]:
        """Returns where the first key from `at` on begins and ends; (-1, -1) if there is none.

        The end is -1 for what may go on beyond the data; not if these are the `last`.
        """
        place = data.find(self.prefix, at)
        while place >= 0:
            start = end = place + len(self.prefix)
            if self._begins(data, place):
                end = self._end(data, start, last=last)
                if end == len(data) < start + LONGEST_KEY and not last:
                    return place, -1
                key = data[start:end]
                if len(key) >= self._least and self._fits(key):
                    return place, end
            place = data.find(self.prefix, end)
        return _NOWHERE

    def _end(self, data: bytes, start: int, *, last: bool) -> int:
        """Returns where the bytes of the alphabet end; the data's end if that may go on."""
        del last
        return self._run(data, start, self._alphabet)

    @staticmethod
    def _run(data: bytes, start: int, alphabet: bytes) -> int:
        for size in (_NEAR, LONGEST_KEY):
            window = data[start : start + size]
            run = len(window) - len(window.lstrip(alphabet))
            if run < size:
                break
        return start + run

    def _begins(self, data: bytes, place: int) -> bool:
        del data, place
        return True

    def _fits(self, key: bytes) -> bool:
        del key
        return True


class _Plain(Shape):
    """Keys whose prefix is part of ordinary words, such as `task-list`: it must begin one."""

    __slots__ = ()

    def _begins(self, data: bytes, place: int) -> bool:
        before = data[max(place - 2, 0) : place]
        # in JSON, the end of the line before looks like a letter
        return before[-1:] not in _EACH or (before[:1] == b"\\" and before[1:] in _ESCAPED)

    def _fits(self, key: bytes) -> bool:
        return key.translate(None, _DIGITS) != key


class _WebToken(Shape):
    """Three parts, the first two of them JSON in base64 (RFC 7519)."""

    __slots__ = ()

    def _fits(self, key: bytes) -> bool:
        parts = (self.prefix + key).split(b".")
        return any(
            self.prefix in head and body.startswith(self.prefix) and len(sign) >= self._least
            for head, body, sign in zip(parts, parts[1:], parts[2:], strict=False)
        )


class _PrivateKey(Shape):
    """Keys in armour (RFC 7468); one that is cut off counts as well."""

    __slots__ = ()

    def _begins(self, data: bytes, place: int) -> bool:
        # Else all that follows any other heading would be held back for a while.
        start = place + len(self.prefix)
        end = data.find(b"-----", start, start + _NEAR)
        known = end >= 0 or len(data) >= start + _NEAR
        return not known or b"PRIVATE KEY" in data[start : end if end >= 0 else start + _NEAR]

    def _end(self, data: bytes, start: int, *, last: bool) -> int:
        end = self._run(data, start, _QUOTED)
        stop = data.find(b"-----END ", start, end)
        if stop >= 0:
            close = data.find(b"-----", stop + 9, stop + 9 + _NEAR)
            return close + 5 if close >= 0 else end
        if end == len(data) < start + LONGEST_KEY and not last:
            return end
        end = self._run(data, start, self._alphabet)
        # half an escape at the end would make another one of what follows
        return end if end == len(data) else start + len(data[start:end].rstrip(b"\\"))

    def _fits(self, key: bytes) -> bool:
        return b"PRIVATE KEY" in key[:_NEAR]


_EACH = frozenset(_URL_SAFE[place : place + 1] for place in range(len(_URL_SAFE)))
_ESCAPED = (b"n", b"r", b"t", b"b", b"f")

#: Prefixes as their services document them, with fewer bytes behind them than they have today.
SHAPES: tuple[Shape, ...] = (
    # Anthropic, OpenAI and those who speak like it
    _Plain(b"sk-", 20),
    Shape(b"sk-ant-", 8),
    # GitHub, GitLab
    *(Shape(b"gh%c_" % kind, 30, _WORD + b"_") for kind in b"pousr"),
    Shape(b"github_pat_", 22, _WORD + b"_"),
    Shape(b"glpat-", 16),
    # AWS, Google, Slack
    *(Shape(prefix, 16, _DIGITS + _UPPER) for prefix in (b"AKIA", b"ASIA")),
    Shape(b"AIza", 30),
    *(Shape(b"xox%c-" % kind, 10, _WORD + b"-") for kind in b"abprs"),
    _WebToken(b"eyJ", 8, _URL_SAFE + b"."),
    _PrivateKey(b"-----BEGIN ", 64, _LINES),
)
