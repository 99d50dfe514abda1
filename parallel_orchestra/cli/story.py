"""What scrolls up above the live picture: a few words on each task's end, and what to do next.

Listens to the events of this process; a merge is told with the end of its attempt.
"""

from collections.abc import Callable, Iterator

from parallel_orchestra.cli.ink import Line, Piece, Signs, clipped, plain_text, wrapped
from parallel_orchestra.cli.lines import line_of, notable
from parallel_orchestra.cli.tinted import folded
from parallel_orchestra.events import AttemptEnded, Event, Failed, Merged, Returned
from parallel_orchestra.git import Extent
from parallel_orchestra.report.causes import telling
from parallel_orchestra.report.text import one_line, short, span

#: Measures a merge commit; None where git can't tell.
Measure = Callable[[str], Extent | None]
#: Returns the end of a log, of a task, an attempt and a name; empty where it can't be read.
Said = Callable[[str, int, str], str]

#: Columns from which there is room for all that is known of a merge.
_WIDE = 60
#: Columns of a failure's line that are shown at least, on several rows where it is narrow.
_TELLING = 120


class Story:
    """Makes lines of events. For one thread; what it needs of git is asked when a line is made."""

    def __init__(self, signs: Signs, measure: Measure, said: Said, elsewhere: str = "") -> None:
        """Takes what follows each command where the task directory is not the usual one."""
        self._signs = signs
        self._measure = measure
        self._said = said
        self._elsewhere = elsewhere
        self._merged: dict[str, str] = {}
        #: The logs beside the agents' that show why attempts failed, by task.
        self._logs: dict[str, str] = {}

    def lines(self, event: Event, width: int) -> Iterator[Line]:
        """Yields what is to be said of an event, often nothing.

        No row has more than `width` columns, but for commands, which are to be copied. Reasons are
        cut: of a failure, which the summary has too, something is seen where it is narrow as well.
        """
        if isinstance(event, Merged):
            self._merged[event.task] = event.commit
        elif isinstance(event, AttemptEnded):
            if not event.failure:
                yield from wrapped(tuple(self._done(event, width)), width, "  ")
            self._logs[event.task] = event.log
        elif isinstance(event, Failed):
            line = clipped(self._failed(event), max(width, _TELLING), self._signs)
            yield from wrapped(line, width, "  ")
            if printed := self._printed(event, plain_text(line)):
                row = clipped((Piece(f"  | {printed}"),), max(width, _TELLING), self._signs)
                yield from folded(row, width)
            yield (Piece("  next: ", "quiet"), Piece(self._next(event), "act"))
        elif notable(event):
            line = self._other(event)
            if isinstance(event, Returned):
                yield clipped(line, width, self._signs)
            else:
                yield from wrapped(line, width, "  ", whole=True)

    def _done(self, event: AttemptEnded, width: int) -> Iterator[Piece]:
        yield Piece(f"{self._signs.good} ", "good")
        yield Piece(event.task, "name")
        commit = self._merged.pop(event.task, "")
        size = self._measure(commit) if commit else None
        if commit and width >= _WIDE:
            yield Piece("  merged", "good")
        if size is not None:
            yield Piece(f"  +{size.added}", "good")
            yield Piece(f" -{size.removed}", "less")
        if size is not None and width >= _WIDE:
            yield Piece(f" in {size.files} file{'' if size.files == 1 else 's'}", "quiet")
        if commit:
            name = short(commit)
            yield Piece(f"  {name if width >= _WIDE else name[:7]}", "act")
        yield Piece(f"  {span(event.seconds)}")
        if event.attempt > 1:
            yield Piece(f"  attempt {event.attempt}", "odd")
        if event.cost_usd:
            yield Piece(f"  ${event.cost_usd:.2f}", "quiet")

    def _failed(self, event: Failed) -> Iterator[Piece]:
        yield Piece(f"{self._signs.bad} ", "bad")
        yield Piece(event.task, "name")
        yield Piece(f"  failed: {event.failure}", "bad")
        if event.attempt > 1:
            yield Piece(f"  attempt {event.attempt}", "odd")
        yield Piece(f"  {one_line(event.reason)}")

    def _printed(self, event: Failed, told: str) -> str:
        """Returns the line that says why a command failed, if that is not told already."""
        log = self._logs.pop(event.task, "")
        text = self._said(event.task, event.attempt, log) if log else ""
        return telling(event.failure, told, text)

    def _next(self, event: Failed) -> str:
        return f"parallel-orchestra why {event.task}{self._elsewhere}"

    def _other(self, event: Event) -> Line:
        sign = self._signs.again if isinstance(event, Returned) else self._signs.arrow
        return (Piece(f"{sign} ", "odd"), Piece(line_of(event)))
