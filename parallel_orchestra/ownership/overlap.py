"""Whether some path fits two patterns: exact for files that are not there yet, too.

Both are walked at once. Where a `**` (or, within a name, a `*`) stands, it takes in whatever the
other one wants; so one table of "can the rest of both be the same" decides it, and a way through
the table is an example. The only guess is which names are directories, see `reach`.
"""

import re
from bisect import bisect_left
from collections.abc import Callable, Sequence
from dataclasses import field
from functools import lru_cache
from itertools import takewhile
from typing import TypeVar

from parallel_orchestra.frozen import frozen
from parallel_orchestra.ownership.pattern import ANY, DEEP, Pattern, is_plain, same_or_within

_TOKEN = re.compile(r"\\(.)|\[([!^]?)(\]?[^\]]*)\]|(\*+)|(\?)|(.)", re.DOTALL)
#: Ranges of more characters than that are taken for any character.
_WIDEST_RANGE = 1000
#: How many files are looked at for one that two patterns cover.
_LOOKED_AT = 2000
#: Tried in turn for a name that a pattern leaves open.
_LETTERS = "xyzabcdefghijklmnopqrstuvw0123456789_-"

#: These are directories everywhere, and no name of a file.
_NO_NAMES = {".", ".."}

_Item = TypeVar("_Item")


@frozen
class Tree:
    """The files of a commit, counted from the project: what is known of names that exist."""

    files: frozenset[str] = frozenset()
    #: The same in order.
    listed: tuple[str, ...] = ()
    directories: frozenset[str] = frozenset()
    #: Those directories whose last name looks like that of a file.
    dotted: tuple[str, ...] = ()

    @classmethod
    def of(cls, files: Sequence[str]) -> "Tree":
        """Returns the tree of these files and of all directories above them."""
        directories: set[str] = set()
        for file in files:
            folder = file.rpartition("/")[0]
            while folder and folder not in directories:
                directories.add(folder)
                folder = folder.rpartition("/")[0]
        dotted = tuple(sorted(one for one in directories if "." in one.rpartition("/")[2][1:]))
        return cls(frozenset(files), tuple(sorted(files)), frozenset(directories), dotted)


#: Nothing is known.
NOTHING = Tree()


@frozen
class Reach:
    """All paths that a pattern covers, as parts; `but` are those that later ones took out again."""

    parts: tuple[str, ...]
    symbol: str = ""
    but: tuple[tuple[str, ...], ...] = field(default=())


def reach(pattern: Pattern, tree: Tree = NOTHING, but: Sequence[Pattern] = ()) -> Reach:
    """Returns what a pattern covers.

    A name without a dot inside may be that of a directory, which is then covered with all that
    is in it; one with a dot (`a.py`, `*.md`) is taken for that of a file. Where the tree has the
    name, it decides. So two patterns for different kinds of files do not meet although some
    directory could be called `x.py`.
    """
    parts = pattern.parts
    if pattern.below:
        parts = (*parts, DEEP, ANY)
    elif _may_be_directory(pattern, tree):
        parts = (*parts, DEEP)
    without = tuple((*one.parts, DEEP, ANY) if one.below else (*one.parts, DEEP) for one in but)
    return Reach(parts, pattern.symbol, without)


def common(one: Reach, other: Reach) -> str | None:
    """Returns a path that both cover, an example; None if there can be none."""
    if one.symbol and other.symbol and not same_or_within(one.symbol, other.symbol):
        return None
    if not _ends_meet(one.parts, other.parts):
        return None
    found = _walk(one.parts, other.parts, _is_deep, _common_name)
    if found is None:
        return None
    without = (*one.but, *other.but)
    if any(_holds(out, each.parts) for out in without for each in (one, other)):
        return None
    path = "/".join(found)
    return _left_in(path, one, other) if without else path


def existing(one: Reach, other: Reach, tree: Tree) -> str | None:
    """Returns a file of the tree that both cover; of a very large tree not all are looked at."""
    folder = max(_folder(one.parts), _folder(other.parts), key=len)
    begin = bisect_left(tree.listed, folder)
    for path in tree.listed[begin : begin + _LOOKED_AT]:
        if not path.startswith(folder):
            return None
        if matches(one.parts, path) and matches(other.parts, path):
            return path
    return None


def matches(parts: Sequence[str], path: str) -> bool:
    """Returns whether the parts fit this very path."""
    return _walk(tuple(parts), tuple(path.split("/")), _is_deep, _common_name) is not None


@lru_cache(maxsize=100_000)
def names_meet(one: str, other: str) -> bool:
    """Returns whether some name fits both parts, neither of them `**`."""
    return _common_name(one, other) is not None


def _folder(parts: Sequence[str]) -> str:
    names = takewhile(lambda part: part != DEEP and is_plain(part), parts)
    return "/".join(names)


def _left_in(path: str, one: Reach, other: Reach) -> str:
    """Returns the path, or one like it if it is one of those that were taken out again."""
    front, letter, rest = path.rpartition(_LETTERS[0])
    others = [f"{front}{each}{rest}" for each in _LETTERS[1:] if letter]
    without = (*one.but, *other.but)
    for each in [path, *others]:
        if not any(matches(out, each) for out in without) and (
            each == path or (matches(one.parts, each) and matches(other.parts, each))
        ):
            return each
    return path


def _is_deep(part: str) -> bool:
    return part == DEEP


def _may_be_directory(pattern: Pattern, tree: Tree) -> bool:
    if pattern.plain:
        if pattern.path in tree.files:
            return False
        if pattern.path in tree.directories:
            return True
    if pattern.symbol:
        return False  # what has parts is a file, `Makefile` too
    if not _looks_like_a_file(pattern.parts[-1]):
        return True
    return not pattern.plain and any(matches(pattern.parts, one) for one in tree.dotted)


def _looks_like_a_file(part: str) -> bool:
    # what stands before the first wildcard and after the last is in every name that fits
    return "." in re.split(r"[*?\[\\]", part)[0][1:] or (
        not is_plain(part) and "." in re.split(r"[*?\[\]\\]", part)[-1]
    )


def _ends_meet(one: tuple[str, ...], other: tuple[str, ...]) -> bool:
    """Returns False if a plain name near either end keeps them apart: most pairs end here."""
    for mine, theirs in zip(one, other, strict=False):
        if DEEP in {mine, theirs}:
            break
        if mine != theirs and is_plain(mine) and is_plain(theirs):
            return False
    for mine, theirs in zip(reversed(one), reversed(other), strict=False):
        if DEEP in {mine, theirs}:
            break
        if mine != theirs and is_plain(mine) and is_plain(theirs):
            return False
    return True


def _holds(outer: tuple[str, ...], inner: tuple[str, ...]) -> bool:
    """Returns whether the one certainly covers all that the other does; only the clear cases."""
    if all(is_plain(part) for part in inner):
        return matches(outer, "/".join(inner))
    folder = outer[: outer.index(DEEP)]
    if not all(map(is_plain, folder)) or inner[: len(folder)] != folder:
        return False
    rest, inside = outer[len(folder) :], inner[len(folder) :]
    # `(DEEP, ANY)` covers what is below the folder, but not a file of its name
    return rest == (DEEP,) or (rest == (DEEP, ANY) and any(part != DEEP for part in inside))


def _walk(
    one: Sequence[_Item],
    other: Sequence[_Item],
    is_gap: Callable[[_Item], bool],
    join: Callable[[_Item, _Item], str | None],
) -> list[str] | None:
    """Returns texts, one for each item, that fit two rows; a gap fits any number of items.

    None if there are none. `join` returns the text that fits two items, or None.
    """
    ends = _table(one, other, is_gap, join)
    if not ends[0][0]:
        return None
    found: list[str] = []
    i = j = 0
    while i < len(one) or j < len(other):
        if i < len(one) and is_gap(one[i]):
            if ends[i + 1][j]:
                i += 1
                continue
            text = join(other[j], other[j]) if not is_gap(other[j]) else ""
            j += 1
        elif j < len(other) and is_gap(other[j]):
            if ends[i][j + 1]:
                j += 1
                continue
            text = join(one[i], one[i])
            i += 1
        else:
            text = join(one[i], other[j])
            i, j = i + 1, j + 1
        if text:
            found.append(text)
    return found


def _table(
    one: Sequence[_Item],
    other: Sequence[_Item],
    is_gap: Callable[[_Item], bool],
    join: Callable[[_Item, _Item], str | None],
) -> list[list[bool]]:
    """Returns for each pair of places whether the rests from there can be the same."""
    wide, high = len(other), len(one)
    gaps = [is_gap(item) for item in other]
    ends = [[False] * (wide + 1) for _ in range(high + 1)]
    for i in range(high, -1, -1):
        gap = i < high and is_gap(one[i])
        row, below = ends[i], ends[i + 1] if i < high else []
        for j in range(wide, -1, -1):
            if gap:
                row[j] = below[j] or (j < wide and row[j + 1])
            elif j < wide and gaps[j]:
                row[j] = row[j + 1] or (i < high and below[j])
            elif i < high and j < wide:
                row[j] = below[j + 1] and join(one[i], other[j]) is not None
            else:
                row[j] = i == high and j == wide
    return ends


@lru_cache(maxsize=100_000)
def _common_name(one: str, other: str) -> str | None:
    """Returns a name that fits both parts, or None."""
    if is_plain(one) and is_plain(other):
        return one if one == other else None
    found = _walk(_tokens(one), _tokens(other), _is_star, _common_letter)
    if found is None:
        return None
    name = "".join(found) or _LETTERS[0]
    if name in _NO_NAMES:
        longer = (f"{name}x", f"x{name}", ".x.", f"{name}.x")
        return next((each for each in longer if _fits(one, each) and _fits(other, each)), None)
    fuller = _fuller(name)
    return fuller if fuller != name and _fits(one, fuller) and _fits(other, fuller) else name


def _fuller(name: str) -> str:
    """Returns a name as people give them: `.py` and `test_.py` are not, `x.py` and `test_x.py` are."""
    end = name.rfind(".") if "." in name else len(name)
    stem = name[:end]
    return name if stem[-1:].isalnum() else f"{stem}{_LETTERS[0]}{name[end:]}"


def _fits(part: str, name: str) -> bool:
    return _walk(_tokens(part), _tokens(name), _is_star, _common_letter) is not None


@frozen
class _Letters:
    """One character of a name: one of these, or if `others` one that is not of these."""

    these: frozenset[str]
    others: bool = False


#: Any number of characters.
_STAR = _Letters(frozenset())
_ONE = _Letters(frozenset(), others=True)


def _is_star(letters: _Letters) -> bool:
    return letters is _STAR


@lru_cache(maxsize=100_000)
def _tokens(part: str) -> tuple[_Letters, ...]:
    found = []
    for escaped, negation, bracket, stars, single, plain in _TOKEN.findall(part):
        if stars:
            found.append(_STAR)
        elif single:
            found.append(_ONE)
        elif bracket:
            found.append(_bracket(bracket, others=bool(negation)))
        else:
            found.append(_Letters(frozenset(escaped or plain)))
    return tuple(found)


def _bracket(text: str, *, others: bool) -> _Letters:
    these: set[str] = set()
    i = 0
    while i < len(text):
        if i + 2 < len(text) and text[i + 1] == "-":
            first, last = ord(text[i]), ord(text[i + 2])
            if last - first > _WIDEST_RANGE:
                return _ONE
            these.update(map(chr, range(first, last + 1)))
            i += 3
        else:
            these.add(text[i])
            i += 1
    return _Letters(frozenset(these), others)


def _common_letter(one: _Letters, other: _Letters) -> str | None:
    if one.others and other.others:
        taken = one.these | other.these
        return next((letter for letter in _LETTERS if letter not in taken), "\N{SNOWMAN}")
    if one.others:
        one, other = other, one
    shared = one.these - other.these if other.others else one.these & other.these
    return max(shared, default=None)  # a dot last: it is a poor name
