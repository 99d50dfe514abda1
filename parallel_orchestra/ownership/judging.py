"""Whether what an attempt changed was its task's to change. Pure.

Of the patterns of a list, the last one that fits a path decides. Patterns with a symbol add up:
they allow, or protect, these symbols of the file.
"""

from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Protocol

from parallel_orchestra.frozen import frozen
from parallel_orchestra.ownership.outline import OUTSIDE
from parallel_orchestra.ownership.pattern import Pattern, read_patterns, same_or_within

if TYPE_CHECKING:
    from pathspec import GitIgnoreSpec

_GITLINK = "160000"

#: All of a file; else the symbols of it, none if it is not covered.
_WHOLE = None
_Cover = frozenset[str] | None


class Borders(Protocol):
    """What a task says of its files."""

    @property
    def writes(self) -> tuple[str, ...]:
        """What it may write."""

    @property
    def creates(self) -> tuple[str, ...]:
        """The files that it makes."""

    @property
    def modifies(self) -> tuple[str, ...]:
        """The files that are there, and that it may change."""

    @property
    def boundary(self) -> tuple[str, ...]:
        """What it must not touch."""


class Changed(Protocol):
    """A path that an attempt added (`A`), changed (`M`, `T`) or removed (`D`)."""

    @property
    def status(self) -> str:
        """One letter."""

    @property
    def path(self) -> str:
        """The path, counted from the project."""

    @property
    def mode(self) -> str:
        """Git's mode of the file afterwards."""


@frozen
class Symbols:
    """Which symbols of a file an attempt changed; `why_not` says why that can't be told."""

    changed: frozenset[str] = frozenset()
    why_not: str = ""


@frozen
class Judgement:
    """What was wrong: paths with what about them, each a piece of a sentence.

    `beyond` is what the task did not say that it writes, `missing` what it said that it makes,
    `touched` what it must not touch, `unsure` what can't be told. `barred` are the paths of
    `touched` that are not its in whole.
    """

    beyond: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    touched: tuple[str, ...] = ()
    unsure: tuple[str, ...] = ()
    barred: tuple[str, ...] = ()


def judge(
    task: Borders,
    changes: Sequence[Changed],
    symbols_of: Callable[[str], Symbols],
    files_after: Callable[[], Iterable[str]],
    *,
    again: bool = False,
) -> Judgement:
    """Returns what of these changes was not the task's to make.

    `symbols_of` a changed path is asked only where patterns name symbols, `files_after` only
    where nothing changed that `creates` covers. `again`: the task was merged before, so what it
    makes is there already.
    """
    bench = _Bench(task, symbols_of, again=again)
    for change in changes:
        bench.look(change)
    return Judgement(
        tuple(bench.beyond),
        tuple(_missing(read_patterns(task.creates), changes, files_after)),
        tuple(bench.touched),
        tuple(dict.fromkeys(bench.unsure)),
        tuple(bench.barred),
    )


def forbids(boundary: Iterable[str], pattern: Pattern) -> bool:
    """Returns whether a boundary leaves nothing of what a pattern names; of plain ones only."""
    if not pattern.plain or pattern.negative or not pattern.parts:
        return False
    cover = _cover(read_patterns(boundary), pattern.path, directory=pattern.below)
    if cover is _WHOLE:
        return True
    return bool(pattern.symbol) and any(_within(pattern.symbol, each) for each in cover)


class _Bench:
    """One judgement in the making."""

    def __init__(self, task: Borders, symbols_of: Callable[[str], Symbols], *, again: bool) -> None:
        self.beyond: list[str] = []
        self.touched: list[str] = []
        self.unsure: list[str] = []
        self.barred: list[str] = []
        self._boundary = read_patterns(task.boundary)
        self._writes = read_patterns(task.writes)
        self._creates = read_patterns(task.creates)
        self._modifies = read_patterns(task.modifies)
        self._declared = bool(task.writes or task.creates or task.modifies)
        self._ask = symbols_of
        self._again = again

    def look(self, change: Changed) -> None:
        """Judges one change."""
        gitlink = change.mode == _GITLINK
        allowed = self._allowed(change, directory=gitlink)
        # a file in the place of a directory that must not be touched touches it
        protected = _cover(self._boundary, change.path, directory=True)
        if protected is _WHOLE:
            # said once: that it is beyond what may be written as well adds nothing
            self.touched.append(change.path)
            self.barred.append(change.path)
            return
        if protected:
            self._look_within(change.path, protected, allowed)
        if self._declared and allowed is not _WHOLE:
            if allowed:
                self._look_beyond(change.path, allowed)
            else:
                self.beyond.append(change.path + self._reason(change))

    def _allowed(self, change: Changed, *, directory: bool) -> _Cover:
        lists = [self._writes]
        if change.status != "A" or self._again:
            lists.append(self._modifies)
        lists.append(
            self._creates
            if change.status == "A" or self._again
            else tuple(one for one in self._creates if one.plain and one.path == change.path)
        )
        found = [_cover(one, change.path, directory=directory) for one in lists]
        if _WHOLE in found:
            return _WHOLE
        return frozenset[str]().union(*(one for one in found if one is not None))

    def _reason(self, change: Changed) -> str:
        if change.status == "A" and _cover(self._modifies, change.path, directory=False) is _WHOLE:
            return " (is new; `modifies` is for files that were there)"
        if change.status != "A" and _cover(self._creates, change.path, directory=False) is _WHOLE:
            return " (was there; `creates` is for new files)"
        return ""

    def _look_within(self, path: str, protected: frozenset[str], allowed: _Cover) -> None:
        symbols = self._ask(path)
        hit = sorted(
            one for one in symbols.changed if any(_within(one, each) for each in protected)
        )
        if hit:
            self.touched.append(f"{path} ({_named(hit)})")
        elif symbols.why_not:
            words = f"{path}: whether {_named(sorted(protected))} was touched, {symbols.why_not}"
            if allowed:
                # the task is to change other symbols of that file: it is no fault of its
                self.unsure.append(words)
            else:
                self.touched.append(f"{path} (all of it: {symbols.why_not})")

    def _look_beyond(self, path: str, allowed: frozenset[str]) -> None:
        symbols = self._ask(path)
        if symbols.why_not:
            words = f"{path}: whether only {_named(sorted(allowed))} was changed"
            self.unsure.append(f"{words}, {symbols.why_not}")
            return
        outside = [
            one for one in symbols.changed if not any(_within(one, each) for each in allowed)
        ]
        if outside:
            self.beyond.append(f"{path} ({_named(sorted(outside))})")


def _cover(patterns: Iterable[Pattern], path: str, *, directory: bool) -> _Cover:
    """Returns what of a path patterns cover; `directory` if it may be one as well."""
    whole, symbols = False, frozenset[str]()
    for pattern in patterns:
        spec = _spec(pattern.line)
        if not (spec.match_file(path) or (directory and spec.match_file(f"{path}/"))):
            continue
        if pattern.symbol:
            symbols |= {pattern.symbol}
        else:
            whole = not pattern.negative
            symbols = frozenset()
    return _WHOLE if whole else symbols


def _missing(
    creates: Iterable[Pattern],
    changes: Sequence[Changed],
    files_after: Callable[[], Iterable[str]],
) -> Iterable[str]:
    """Yields the patterns of `creates` for which no file is there in the end."""
    made = [change.path for change in changes if change.status != "D"]
    for pattern in creates:
        if pattern.negative or any(_spec(pattern.line).match_file(path) for path in made):
            continue
        if not any(_spec(pattern.line).match_file(path) for path in files_after()):
            yield pattern.text


def _within(symbol: str, other: str) -> bool:
    # code outside of all symbols is within none; a class's own lines are not within its methods
    return symbol != OUTSIDE and same_or_within(symbol, other) and len(symbol) >= len(other)


def _named(symbols: Iterable[str]) -> str:
    return ", ".join(f"`{one}`" if one else "code outside of its symbols" for one in symbols)


@lru_cache(maxsize=4096)
def _spec(line: str) -> "GitIgnoreSpec":
    # 40 ms to import, and most plans have no patterns
    from pathspec import GitIgnoreSpec  # noqa: PLC0415

    return GitIgnoreSpec.from_lines([line])
