"""Where the values of a JSON text stand: key path -> line and column.

The `json` module says what a text holds, but not where. This walks along the same text, which is
known to be valid, and only if there is something to say about it.
"""

import json
import re
from bisect import bisect_right
from collections.abc import Sequence

from parallel_orchestra.plan.findings import KeyPath, Mark, Marks

_BLANK = re.compile(r"[ \t\n\r]*")
_DECODER = json.JSONDecoder()
_PLAIN = re.compile(r"[^\s,\]}]+")


class Places:
    """The places in one text. `doubles` are keys that stand twice in their object: path and place."""

    def __init__(self, text: str) -> None:
        """Takes a text that `json.loads` has read."""
        self.doubles: list[tuple[KeyPath, Mark]] = []
        self._text = text
        self._lines = [0, *(match.end() for match in re.finditer("\n", text))]
        self._values: dict[KeyPath, Mark] = {}
        self._keys: dict[KeyPath, Mark] = {}
        try:
            self._value(0, ())
        except RecursionError:  # as deep as the parser goes, but we go deeper to get there
            self._values.clear()
        self.marks = Marks(self._values, self._keys)

    def _value(self, at: int, path: KeyPath) -> int:
        """Notes the value that begins at or after `at`; returns where it ends."""
        at = self._skip(at)
        self._values[path] = self._mark(at)
        sign = self._text[at]
        if sign == "{":
            return self._object(at + 1, path)
        if sign == "[":
            return self._array(at + 1, path)
        if sign == '"':
            return self._string(at)[1]
        found = _PLAIN.match(self._text, at)
        return found.end() if found else at + 1

    def _object(self, at: int, path: KeyPath) -> int:
        at = self._skip(at)
        while self._text[at] != "}":
            key, end = self._string(at)
            inner = (*path, key)
            if inner in self._keys:
                self.doubles.append((inner, self._mark(at)))
            self._keys[inner] = self._mark(at)
            at = self._next(self._value(self._skip(end) + 1, inner))
        return at + 1

    def _array(self, at: int, path: KeyPath) -> int:
        at = self._skip(at)
        position = 0
        while self._text[at] != "]":
            at = self._next(self._value(at, (*path, position)))
            position += 1
        return at + 1

    def _next(self, at: int) -> int:
        """Returns where the next member begins, or the bracket that ends them all."""
        at = self._skip(at)
        return self._skip(at + 1) if self._text[at] == "," else at

    def _skip(self, at: int) -> int:
        found = _BLANK.match(self._text, at)
        return found.end() if found else at

    def _string(self, at: int) -> tuple[str, int]:
        text, end = _DECODER.raw_decode(self._text, at)
        return str(text), end

    def _mark(self, at: int) -> Mark:
        lines: Sequence[int] = self._lines
        line = bisect_right(lines, at)
        return line, at - lines[line - 1] + 1
