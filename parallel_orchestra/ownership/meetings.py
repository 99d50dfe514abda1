"""Which of many patterns meet, without comparing each with each.

Patterns without a wildcard are paths: two of them meet only if they are the same or one lies in
the other. That is looked up, and always exact.

A pattern with wildcards can only meet another if, counted from the front, or from the back, up to
the first `**`, each name of the one may be a name of the other. So each is listed under its names
by their places, and looks for partners at the one place where fewest are listed. Names with
wildcards are listed by what they begin and end with. So are symbols, and the folder before the
first wildcard. Only partners are compared exactly.

Where that leaves more than `BUDGET` pairs (thousands of patterns such as `**/*a1*`, which do
meet), the rest is taken to meet unseen: too much kept apart costs time, too little costs work.
"""

import re
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import takewhile
from typing import TypeVar

from parallel_orchestra.frozen import frozen
from parallel_orchestra.ownership.overlap import Reach, common
from parallel_orchestra.ownership.pattern import ANY, DEEP, is_plain

#: How many pairs are compared exactly.
BUDGET = 60_000

_SPECIAL = re.compile(r"[\\*?\[]")
_Value = TypeVar("_Value")

#: The last of all characters.
_LAST = "\U0010ffff"

#: A place of a name: from the front (0) or from the back (1), and how far in; (2, 0) is the symbol.
_Place = tuple[int, int]
#: A way to find all that may meet: how many it finds, and lists of them.
_Search = tuple[int, Callable[[], tuple[Sequence[int], ...]]]
_FRONT, _BACK, _SYMBOL = 0, 1, 2


@frozen
class Meetings:
    """The pairs that meet, as positions in what was given; and crowds, not looked at in pairs.

    Each member of a crowd's first tuple may meet each one of the second.
    """

    pairs: tuple[tuple[int, int], ...]
    crowds: tuple[tuple[tuple[int, ...], tuple[int, ...]], ...] = ()


def meetings(reaches: Sequence[Reach], budget: int = BUDGET) -> Meetings:
    """Returns which of these meet; nothing is said of one with itself."""
    paths = [i for i, one in enumerate(reaches) if _is_path(one)]
    wild = [i for i, one in enumerate(reaches) if not _is_path(one)]
    pairs = [(min(pair), max(pair)) for pair in _meeting_paths(reaches, paths)]
    if not wild:
        return Meetings(tuple(pairs))
    # those with wildcards first: what stands behind one of them, it is still to be compared with
    order = (*wild, *paths)
    lists = _Lists([reaches[i] for i in order])
    crowds: dict[int, tuple[list[int], Sequence[int]]] = {}
    left = budget
    for rank, i in enumerate(wild):
        for group in lists.partners(reaches[i]):
            if left <= 0:
                crowds.setdefault(id(group), ([], group))[0].append(i)
                continue
            later = [order[at] for at in group[bisect_left(group, rank + 1) :]]
            left -= len(later)
            found = (j for j in later if common(reaches[i], reaches[j]) is not None)
            pairs += [(min(i, j), max(i, j)) for j in found]
    return Meetings(
        tuple(pairs),
        tuple((tuple(few), tuple(order[at] for at in many)) for few, many in crowds.values()),
    )


def covered(paths: Mapping[str, _Value], reaches: Sequence[Reach]) -> list[_Value]:
    """Returns the values of those paths that one of these covers."""
    lists = _Lists(reaches)
    found = []
    for path, value in paths.items():
        one = Reach(tuple(_SPECIAL.sub(r"\\\g<0>", path).split("/")))
        if any(common(one, reaches[j]) for group in lists.partners(one) for j in group):
            found.append(value)
    return found


def _is_path(one: Reach) -> bool:
    """Returns whether this is one file or part of it, or one directory with all that is in it."""
    plain = one.parts[: one.parts.index(DEEP)] if DEEP in one.parts else one.parts
    rest = one.parts[len(plain) :]
    return (
        all(map(is_plain, plain))
        and rest in {(), (DEEP,), (DEEP, ANY)}
        and not one.but
        and not (rest and one.symbol)
    )


def _meeting_paths(reaches: Sequence[Reach], paths: Sequence[int]) -> Iterator[tuple[int, int]]:
    """Yields the pairs of paths that meet; each is only compared with those that it lies in."""
    named: dict[str, list[int]] = {}
    inside = {i: _folder(reaches[i]) + _inside(reaches[i].symbol) for i in paths}
    for i, name in inside.items():
        named.setdefault(name, []).append(i)
    for i, name in inside.items():
        for outer in (*_above(name), name):
            for j in named.get(outer, ()):
                # of two with one name, it is looked at from the later one
                if (outer != name or j < i) and common(reaches[i], reaches[j]) is not None:
                    yield i, j


def _folder(one: Reach) -> str:
    """Returns the names before the first wildcard, each with a slash behind it."""
    return "".join(f"{part}/" for part in takewhile(_is_name, one.parts))


def _is_name(part: str) -> bool:
    return part != DEEP and is_plain(part)


def _inside(symbol: str) -> str:
    """Returns a symbol as if its file were a directory, and each class in it, too."""
    return "".join(f"::{name}/" for name in symbol.split(".") if name)


def _above(folder: str) -> Iterator[str]:
    """Yields all directories that it lies in, the root too."""
    while folder:
        folder = folder[: folder.rfind("/", 0, -1) + 1]
        yield folder


@dataclass(slots=True)
class _Names:
    """What is listed at one place: the patterns by the name that they have there.

    All lists hold positions in rising order. `open` have none, because of a `**` before it.
    """

    plain: dict[str, list[int]] = field(default_factory=dict)
    heads: dict[str, list[int]] = field(default_factory=dict)
    tails: dict[str, list[int]] = field(default_factory=dict)
    open: list[int] = field(default_factory=list)
    sorted: tuple["_Sorted", ...] = ()


class _Sorted:
    """Lists by their names in order, so that all names with one beginning are a range."""

    def __init__(self, named: dict[str, list[int]], key: Callable[[str], str]) -> None:
        pairs = sorted((key(name), members) for name, members in named.items())
        self.names = [name for name, _ in pairs]
        self._members = [members for _, members in pairs]
        self._ends = [0]
        for members in self._members:
            self._ends.append(self._ends[-1] + len(members))
        self._known: dict[tuple[int, int], list[int]] = {}

    def range(self, head: str) -> tuple[int, int]:
        """Returns from where to where the names begin with `head`."""
        start = bisect_left(self.names, head)
        begun = head.rstrip(_LAST)
        if not begun:
            return start, len(self.names)
        return start, bisect_left(self.names, begun[:-1] + chr(ord(begun[-1]) + 1))

    def size(self, bounds: tuple[int, int]) -> int:
        """Returns how many are listed in a range."""
        return self._ends[bounds[1]] - self._ends[bounds[0]]

    def members(self, bounds: tuple[int, int]) -> list[int]:
        """Returns those that are listed in a range, in rising order; the same list each time."""
        if bounds[1] == bounds[0] + 1:
            return self._members[bounds[0]]
        if bounds not in self._known:
            found = (one for members in self._members[slice(*bounds)] for one in members)
            self._known[bounds] = sorted(found)
        return self._known[bounds]


class _Lists:
    """All patterns by their names, at each place."""

    def __init__(self, reaches: Sequence[Reach]) -> None:
        self._at: dict[_Place, _Names] = {}
        self._folders: dict[str, list[int]] = {}
        #: By end: those that go on deeper there than any of them has names.
        self._open: tuple[list[int], ...] = ([], [], [])
        cut: list[tuple[int, list[int]]] = []
        for i, one in enumerate(reaches):
            self._folders.setdefault(_folder(one), []).append(i)
            length = [0, 0, 0]
            for (end, depth), part in _places(one):
                length[end] = depth + 1
                _list(self._at.setdefault((end, depth), _Names()), part, i)
            if DEEP in one.parts or not one.symbol:
                cut.append((i, length))
        depths = [0, 0, 0]
        for end, depth in self._at:
            depths[end] = max(depths[end], depth + 1)
        for i, length in cut:
            open_ends = (_FRONT, _BACK) if DEEP in reaches[i].parts else ()
            for end in (*open_ends, _SYMBOL):
                self._open[end].append(i)
                for depth in range(length[end], depths[end]):
                    self._at[end, depth].open.append(i)
        self._sorted = _Sorted(self._folders, str)

    def partners(self, one: Reach) -> tuple[Sequence[int], ...]:
        """Returns lists in which all that may meet it stand, in rising order, as few as it finds.

        It need not be one of those that are listed.
        """
        best = self._in_folders(_folder(one))
        if best[0] <= 1:
            return best[1]()
        for place, part in _places(one):
            names = self._at.get(place)
            if names is None:
                # nobody has a name so deep, but a `**` before it
                return (self._open[place[0]],)
            for size, members in _searches(names, part):
                if size < best[0]:
                    best = size, members
                if size <= 1:
                    return members()
        return best[1]()

    def _in_folders(self, folder: str) -> _Search:
        """Returns how to find all whose folder lies in this one, or this one in it."""
        above = [found for outer in _above(folder) if (found := self._folders.get(outer))]
        bounds = self._sorted.range(folder)
        size = sum(map(len, above)) + self._sorted.size(bounds)
        return size, _collector(above, [(self._sorted, bounds)])


def _places(one: Reach) -> Iterator[tuple[_Place, str]]:
    # the back first: there, most differ
    for end, row in ((_BACK, one.parts[::-1]), (_FRONT, one.parts)):
        for depth, part in enumerate(row):
            if part == DEEP:
                break
            yield (end, depth), part
    if one.symbol:
        # one in the other, or the same: the outermost name is the same then
        yield (_SYMBOL, 0), one.symbol.partition(".")[0]


def _list(names: _Names, part: str, i: int) -> None:
    if is_plain(part):
        names.plain.setdefault(part, []).append(i)
    else:
        head, tail = _ends(part)
        names.heads.setdefault(head, []).append(i)
        names.tails.setdefault(tail, []).append(i)


def _ends(part: str) -> tuple[str, str]:
    # after a bracket the end of the pattern is not the end of the name
    return re.split(r"[*?\[\\]", part)[0], re.split(r"[*?\[\]\\]", part)[-1]


def _searches(names: _Names, part: str) -> Iterator[_Search]:
    """Yields ways to find all whose name at this place may be that of `part`, with their costs."""
    if not names.sorted:
        names.sorted = (
            _Sorted(names.plain, str),
            _Sorted(names.plain, _reversed),
            _Sorted(names.heads, str),
            _Sorted(names.tails, _reversed),
        )
    if part == ANY:
        return
    equal: tuple[list[int], ...] = ()
    if is_plain(part):
        equal = (names.plain.get(part, []),)
        ends = part, part
    else:
        ends = _ends(part)
    for side, (listed, end) in enumerate(zip((names.heads, names.tails), ends, strict=True)):
        text = end if side == 0 else end[::-1]
        groups = [*equal, names.open]
        groups += [
            found for length in range(len(text)) if (found := listed.get(_cut(end, length, side)))
        ]
        ranges = [(names.sorted[2 + side], names.sorted[2 + side].range(text))]
        if not equal:
            ranges.append((names.sorted[side], names.sorted[side].range(text)))
        size = sum(map(len, groups)) + sum(one.size(bounds) for one, bounds in ranges)
        yield size, _collector(groups, ranges)


def _collector(
    groups: Iterable[Sequence[int]], ranges: Iterable[tuple[_Sorted, tuple[int, int]]]
) -> Callable[[], tuple[Sequence[int], ...]]:
    found = [group for group in groups if group]
    return lambda: (
        *found,
        *(one.members(bounds) for one, bounds in ranges if one.size(bounds)),
    )


def _cut(text: str, length: int, side: int) -> str:
    """Returns the first or the last so many characters."""
    return text[:length] if side == 0 else text[len(text) - length :]


def _reversed(text: str) -> str:
    return text[::-1]
