"""A log as a story for people: one line for each act, the agent's own words, and plain lines.

Pure. It reads the log line by line, as it comes.
"""

import re
from collections.abc import Callable, Iterator

from parallel_orchestra.agents.acts import Act, Begun, Ended, Said, brief
from parallel_orchestra.plain import clean

#: Reads one line: the acts in it, none if it tells of none, None if it is no event at all.
Reader = Callable[[str], tuple[Act, ...] | None]

#: Characters that are shown of one line, of what was said at once, and lines of that.
LONGEST_LINE = 4096
_LONGEST_WORDS = 20_000
#: Lines that are shown of one line of a log.
_MOST_PARTS = 64
#: What stands in a log for what it left out: see `process.copier`.
_GAP = re.compile(r"\[\.\.\. \d+ bytes left out \.\.\.\]")
_OK, _FAILED, _OPEN, _SAYS, _NOTE = "ok      ", "failed  ", "...     ", "says    ", "note    "
_INDENT = " " * len(_OK)


def retold(output: str, reader: Reader, shorten: Callable[[str], str]) -> str:
    """Returns the end of an output as people read it; as it is if it has no events.

    The first line of an end may be the rest of an event: it is left out.
    """
    lines = output.rstrip("\n").split("\n")
    read = [reader(line) for line in lines]
    if all(acts is None for acts in read):
        return output
    story = Story(reader, shorten)
    whole = lines[1:] if read[0] is None else lines
    return "\n".join([*(one for line in whole for one in story.take(line)), *story.end()])


class Story:
    """Joins what began with what came of it. `shorten` makes names of files short."""

    def __init__(self, reader: Reader, shorten: Callable[[str], str] = lambda text: text) -> None:
        self._reader = reader
        self._shorten = shorten
        self._open: dict[str, Begun] = {}
        self._told: set[str] = set()
        self._words = ""
        self._inner = False
        self._events = False
        self._in_gap = False
        #: The latest act, or of who tells of none what was printed last, in a few words.
        self.latest = ""

    def take(self, line: str) -> list[str]:
        """Returns what there is to show of a line of the log, after what was not yet shown."""
        fragment, self._in_gap = self._in_gap, bool(_GAP.fullmatch(line.strip()))
        acts = self._reader(line)
        if acts is not None:
            self._events = True
            return [shown for act in acts for shown in self._tell(act)]
        if fragment and self._events:
            # the rest of an event whose beginning was left out
            return []
        shown = _plain(line)
        last = next((one for one in reversed(shown) if one.strip()), "")
        # what a program says on the side does not hide what its agent does
        if last and not self._events:
            self.latest = self._shorten(brief(last))
        return [*self._said(), *shown]

    def so_far(self) -> list[str]:
        """Returns what has begun and was not yet shown: for who waits for what comes next."""
        shown = self._said()
        for id_, begun in self._open.items():
            if id_ not in self._told:
                self._told.add(id_)
                shown.append(self._act(_OPEN, begun.what, begun.inner))
        return shown

    def end(self) -> list[str]:
        """Returns what is left at the end of the log: acts that nobody saw the end of."""
        shown = self._said()
        shown += [self._act(_OPEN, one.what, one.inner) for one in self._open.values()]
        self._open.clear()
        return shown

    def _tell(self, act: Act) -> Iterator[str]:
        if isinstance(act, Said):
            yield from self._speak(act)
            return
        yield from self._said()
        if isinstance(act, Begun):
            self._open[act.id] = act
            self.latest = self._shorten(act.what)
        elif isinstance(act, Ended):
            begun = self._open.pop(act.id, None)
            what = act.what or (begun.what if begun else "")
            if what:
                note = f": {act.note}" if act.note and not act.ok else ""
                self.latest = self._shorten(f"{what}{'' if act.ok else ' failed'}")
                yield self._act(_OK if act.ok else _FAILED, f"{what}{note}", act.inner)
        else:
            self.latest = self._shorten(brief(act.text))
            yield self._act(_NOTE, brief(act.text, LONGEST_LINE), inner=False)

    def _speak(self, act: Said) -> Iterator[str]:
        if act.inner != self._inner:
            yield from self._said()
        self._inner = act.inner
        self._words = (self._words + act.text)[: _LONGEST_WORDS + 1]
        if act.text.strip():
            self.latest = brief(act.text)
        if not act.goes_on:
            yield from self._said()

    def _said(self) -> list[str]:
        words, self._words = self._words, ""
        if len(words) > _LONGEST_WORDS:
            words = words[:_LONGEST_WORDS] + "\n..."
        lines = clean(words).strip().split("\n") if words.strip() else []
        mark = "> " if self._inner else ""
        return [
            f"{_INDENT if place else _SAYS}{mark}{_cut(line)}".rstrip()
            for place, line in enumerate(lines)
        ]

    def _act(self, sign: str, words: str, inner: bool) -> str:
        return f"{sign}{'> ' if inner else ''}{self._shorten(words)}"


def _plain(line: str) -> list[str]:
    # a carriage return is a line's end for us: a progress bar has thousands
    parts = clean(line).split("\n")
    more = len(parts) - _MOST_PARTS
    shown = [_cut(part) for part in parts[:_MOST_PARTS]]
    return [*shown, f"[... {more} lines more ...]"] if more > 0 else shown


def _cut(line: str) -> str:
    more = len(line) - LONGEST_LINE
    return line if more <= 0 else f"{line[:LONGEST_LINE]} [... {more} characters more ...]"
