"""The last few calculations."""

from collections import deque


class History:
    """Remembers the last calculations, the newest last."""

    def __init__(self, length=10):
        self._lines = deque(maxlen=length)

    def add(self, text, result):
        """Remembers one calculation."""
        self._lines.append(f"{text.strip()} = {result}")

    def lines(self):
        """Returns what is remembered, one line each."""
        return list(self._lines)
