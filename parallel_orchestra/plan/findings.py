"""All that is wrong with one plan, collected, then put into words with its place in the file.

The readers say what they found and where in the data (`tasks`, 2, `depends_on`, 0). The line
and column of such a key path are looked up at the end, and only if something was found: a good
plan pays nothing for them.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import field
from difflib import get_close_matches
from typing import NoReturn

from parallel_orchestra.errors import PlanError, Problem
from parallel_orchestra.frozen import frozen

#: The way to a value: keys of mappings and positions in lists.
KeyPath = tuple[str | int, ...]

#: Line and column, both from 1.
Mark = tuple[int, int]

#: Nobody reads more at once; a hostile file must not fill the memory with complaints.
MOST = 500

#: How many comparisons of words may be spent on guessing what was meant.
_GUESSES = 30_000
_LONGEST_WORD = 64


@frozen
class Marks:
    """Where the wanted key paths begin: their values, and their keys.

    `blocks` are the values that are block texts (`|`): their lines are the file's lines below.
    """

    values: Mapping[KeyPath, Mark] = field(default_factory=dict)
    keys: Mapping[KeyPath, Mark] = field(default_factory=dict)
    blocks: Collection[KeyPath] = ()

    def at(self, path: KeyPath, *, key: bool = False) -> Mark | None:
        """Returns the place of a value (or of its key), or of the nearest one that holds it."""
        if key and path in self.keys:
            return self.keys[path]
        for length in range(len(path), -1, -1):
            if path[:length] in self.values:
                return self.values[path[:length]]
        return None


@frozen
class Finding:
    """One thing that was found. `mark` wins over `path`; `see` is another place of interest.

    `line` counts inside the value (0: all of it), or in another `file` if one is named.
    """

    what: str
    hint: str = ""
    path: KeyPath = ()
    key: bool = False
    mark: Mark | None = None
    see: KeyPath | None = None
    line: int = 0
    file: str = ""


class Findings:
    """Collects what is wrong (`problem`) and what is only odd (`warning`)."""

    def __init__(self, shown: str) -> None:
        """Collects for the file of that name, as the user typed it."""
        self._shown = shown
        self._problems: list[Finding] = []
        self._warnings: dict[Finding, None] = {}
        self._guesses_left = _GUESSES

    @property
    def any(self) -> bool:
        """Whether anything was found for which a place must be looked up."""
        return bool(self._problems or self._warnings)

    @property
    def wrong(self) -> bool:
        """Whether the plan can't be used."""
        return bool(self._problems)

    @property
    def full(self) -> bool:
        """Whether there is enough to complain about: readers may stop looking."""
        return len(self._problems) >= MOST

    @property
    def count(self) -> int:
        """How many errors there are: see `back_to`."""
        return len(self._problems)

    def back_to(self, count: int) -> None:
        """Forgets the errors behind the first ones: what they are about is read again."""
        del self._problems[count:]

    def problem(self, finding: Finding) -> None:
        """Notes an error."""
        if not self.full:
            self._problems.append(finding)

    def warning(self, finding: Finding) -> None:
        """Notes a remark that does not stop the plan; the same one twice is one."""
        if len(self._warnings) < MOST:
            self._warnings.setdefault(finding)

    def stop(self, finding: Finding) -> NoReturn:
        """Raises all problems so far and this one, after which nothing can be read."""
        self._problems.append(finding)
        self.raise_all(Marks())

    def paths(self) -> frozenset[KeyPath]:
        """Returns all key paths whose places are wanted, with the ones that hold them."""
        named = [f.path for f in (*self._problems, *self._warnings)]
        named += [f.see for f in self._problems if f.see is not None]
        return frozenset(path[:length] for path in named for length in range(len(path) + 1))

    def raise_all(self, marks: Marks) -> NoReturn:
        """Raises the problems as one PlanError, in the order of the file."""
        placed = sorted(self._problems, key=lambda found: _place(found, marks) or (0, 0))
        problems = [self._words(found, marks) for found in placed]
        if self.full:
            more = f"there may be more than these {MOST} problems; the check stopped here"
            problems.append(Problem(more, self._shown))
        error = PlanError(*problems)
        error.remarks = self.sentences(marks)
        raise error

    def sentences(self, marks: Marks) -> tuple[str, ...]:
        """Returns the warnings, one sentence each with its place in front."""
        placed = sorted(self._warnings, key=lambda found: _place(found, marks) or (0, 0))
        problems = [self._words(found, marks) for found in placed]
        return tuple(
            f"{known.where}: {known.what}" + (f" ({known.hint})" if known.hint else "")
            for known in problems
        )

    def guess(self, word: str, candidates: Iterable[str]) -> str:
        """Returns the candidate that was probably meant by a mistyped word, or ""."""
        if len(word) > _LONGEST_WORD or self._guesses_left <= 0:
            return ""
        known = [name for name in candidates if abs(len(name) - len(word)) <= len(word) // 2 + 1]
        self._guesses_left -= len(known)
        # of those that differ in case only, the first one
        folded = {name.casefold(): name for name in reversed(known)}
        close = get_close_matches(word.casefold(), folded, n=1, cutoff=0.65)
        return folded[close[0]] if close else ""

    def _words(self, found: Finding, marks: Marks) -> Problem:
        mark = _place(found, marks)
        place = f"{self._shown}:{mark[0]}:{mark[1]}" if mark else self._shown
        if found.file:
            place = f"{found.file}:{found.line}" if found.line else found.file
        hint = found.hint
        if found.see is not None and (seen := marks.at(found.see)):
            hint = f"{hint} (line {seen[0]})"
        return Problem(found.what, f"{place} {dotted(found.path)}".rstrip(), hint)


def did_you_mean(guess: str, otherwise: str = "") -> str:
    """Returns the hint that offers the guess, or the other hint if there is none."""
    return f"did you mean `{guess}`?" if guess else otherwise


def dotted(path: KeyPath) -> str:
    """Returns a key path as one writes it: `tasks[2].depends_on[0]`."""
    steps = (f"[{step}]" if isinstance(step, int) else f".{brief(step)}" for step in path)
    return brief("".join(steps).lstrip("."), 120)


def brief(text: str, most: int = 60) -> str:
    """Returns text for a message: on one line, without control characters, cut if long."""
    cut = text if len(text) <= most else text[: most - 1] + "…"
    return "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in cut)


def _place(found: Finding, marks: Marks) -> Mark | None:
    mark = found.mark or marks.at(found.path, key=found.key)
    if mark is not None and found.line and not found.file and found.path in marks.blocks:
        return mark[0] + found.line, 1
    return mark
