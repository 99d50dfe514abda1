"""Secrets in what a child prints: values that are known, and keys that are known by their form.

Knows nothing of processes. The helper program (`reaper`) loads it beside `copier`.
"""

if __package__:
    from parallel_orchestra.process.shapes import SHAPES, Shape
else:
    from shapes import SHAPES, Shape  # type: ignore[import-not-found,no-redef]

#: What stands in a log in place of a secret.
MASKED = b"[masked]"
#: A place that no data has.
_FAR = 1 << 62


class Mask:
    """Replaces secrets in a stream, also those that arrive in two pieces.

    The leftmost secret is masked first, of two that begin together the longer one. What may
    be the beginning of a secret is held back until the next piece or `rest`.
    """

    __slots__ = ("_before", "_beginnings", "_held", "_secrets", "_shapes")

    def __init__(self, secrets: tuple[bytes, ...], shapes: tuple[Shape, ...] = SHAPES) -> None:
        self._secrets = tuple(sorted(filter(None, set(secrets)), key=len, reverse=True))
        self._shapes = shapes
        self._beginnings = _BEGINNINGS if shapes is SHAPES else _beginnings(shapes)
        self._held = b""
        #: What came before that: some keys must begin a word.
        self._before = b""

    def pass_on(self, data: bytes) -> bytes:
        """Returns what may be shown after this piece."""
        data = self._before + self._held + data
        shown, end = self._mask(data, last=False)
        self._held = data[end:]
        self._before = data[max(0, end - 2) : end]
        return shown

    def rest(self) -> bytes:
        """Returns what was held back, at the end of the stream."""
        shown, _ = self._mask(self._before + self._held, last=True)
        self._held = self._before = b""
        return shown

    def release(self) -> bytes:
        """Returns what was held back, unmasked, for somebody else to mask."""
        held, self._held, self._before = self._held, b"", b""
        return held

    def _mask(self, data: bytes, *, last: bool) -> tuple[bytes, int]:
        """Returns what may be shown, and up to where that goes; what follows must wait."""
        pieces: list[bytes] = []
        at = len(self._before)
        found = self._found(data, at, last=last)
        wait = len(data) if last else self._unfinished(data, at)
        while True:
            start, end = self._leftmost(found)
            if end < 0 or wait <= start:
                wait = min(wait, start)
                pieces.append(data[at:wait])
                return b"".join(pieces), wait
            pieces += (data[at:start], MASKED)
            at = end
            if wait < at:
                wait = self._unfinished(data, at)
            for needle, (place, _) in found.items():
                if place < at:
                    found[needle] = _place_of(needle, data, at, last=last)

    def _found(self, data: bytes, at: int, *, last: bool) -> "dict[bytes | Shape, tuple[int, int]]":
        """Returns where each secret that is in the data is seen first."""
        found: dict[bytes | Shape, tuple[int, int]] = {}
        for secret in self._secrets:
            if secret in data:
                found[secret] = _place_of(secret, data, at, last=last)
        for shape in self._shapes:
            if shape.prefix in data:
                found[shape] = _place_of(shape, data, at, last=last)
        return found

    def _leftmost(self, found: "dict[bytes | Shape, tuple[int, int]]") -> tuple[int, int]:
        """Returns where the first of the found secrets begins and ends.

        It ends at -1 if it may go on beyond the data; what is nowhere begins far away.
        """
        start, end = _FAR, -1
        for place, stop in found.values():
            if place < start or (place == start and (stop < 0 or stop > end >= 0)):
                start, end = place, stop
        return start, end

    def _unfinished(self, data: bytes, at: int) -> int:
        """Returns where the data ends in the beginning of a secret, or its length."""
        first = len(data)
        for size in range(min(_LONGEST_PREFIX, len(data) - at), 0, -1):
            if data[-size:] in self._beginnings:
                first = len(data) - size
                break
        for secret in self._secrets:
            place = data.find(secret[:1], max(at, len(data) - len(secret) + 1), first)
            while place >= 0:
                if secret.startswith(data[place:]):
                    first = place
                    break
                place = data.find(secret[:1], place + 1, first)
        return first


def _beginnings(shapes: tuple[Shape, ...]) -> frozenset[bytes]:
    return frozenset(
        shape.prefix[:size] for shape in shapes for size in range(1, len(shape.prefix))
    )


_BEGINNINGS = _beginnings(SHAPES)
_LONGEST_PREFIX = max(len(shape.prefix) for shape in SHAPES)


def masked(data: bytes, secrets: tuple[bytes, ...]) -> bytes:
    """Returns the data without secrets."""
    mask = Mask(secrets)
    return mask.pass_on(data) + mask.rest()


def _place_of(needle: bytes | Shape, data: bytes, at: int, *, last: bool) -> tuple[int, int]:
    if isinstance(needle, bytes):
        start = data.find(needle, at)
        return (start, start + len(needle)) if start >= 0 else (_FAR, -1)
    start, end = needle.find(data, at, last=last)
    return (start, end) if start >= 0 else (_FAR, -1)
