"""Whether a child has said that it can't go on, though it does not end: by the lines that it prints.

Some agents sleep for the hours that a service asks them to wait, or ask again for ever. They say so
in a log on stderr, or by an event of their own; what an agent itself says or quotes stands inside
of other lines, so that a pattern is held against the beginning of a line only.

Knows nothing of agents: the patterns are told to it. The helper program (`reaper`) loads this file
by itself, so it imports regular expressions only for those who have patterns.
"""

if __package__:
    from parallel_orchestra.process.request import DeadEnd
else:  # the bare interpreter knows this folder only
    from request import DeadEnd  # type: ignore[import-not-found,no-redef]

#: Bytes of a line that is looked at.
_LONGEST = 1 << 16


class DeadEnds:
    """Listens to both outputs. `due` is when the child is to be ended, by the clock of `hear`."""

    __slots__ = ("_counts", "_ends", "_held", "due")

    def __init__(self, ends: tuple[DeadEnd, ...]) -> None:
        import re  # noqa: PLC0415 - 10 ms that only those pay who have patterns

        self.due: float | None = None
        self._ends = tuple(
            (stdout, re.compile(line, re.MULTILINE), times, patience, onward)
            for stdout, line, times, patience, onward in ends
        )
        self._counts = [0] * len(ends)
        self._held = {True: b"", False: b""}

    def hear(self, data: bytes, now: float, *, stdout: bool) -> None:
        """Takes output in, as it comes."""
        held = self._held[stdout] + data
        end = held.rfind(b"\n") + 1
        self._held[stdout] = held[end:][:_LONGEST]
        lines = held[:end]
        if not lines.strip():
            return
        if not any(one.search(lines) for its, one, *_ in self._ends if its is stdout):
            self._take(lines, now, stdout=stdout)
            return
        for line in lines.splitlines():
            self._take(line, now, stdout=stdout)

    def _take(self, said: bytes, now: float, *, stdout: bool) -> None:
        """Takes in one line, or several that fit no pattern."""
        fits = False
        for number, (its, pattern, times, patience, onward) in enumerate(self._ends):
            if its is stdout and pattern.match(said):
                fits = True
                self._counts[number] += 1
                if self._counts[number] >= times:
                    due = now + patience
                    # what is said again waits again, but not what was to end at once
                    self.due = due if self.due is None or self.due > now else self.due
            elif stdout and onward and onward in said:
                self._counts[number] = 0
        if stdout and not fits and self.due is not None and self.due > now:
            self.due = None
