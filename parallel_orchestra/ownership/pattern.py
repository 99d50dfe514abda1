"""One pattern of `writes`, `creates`, `modifies` or `boundary`, taken apart.

As in a .gitignore, with three additions: a path without wildcards counts from the project's root,
so `setup.py` is not `tools/setup.py`; braces hold alternatives, `src/{a,b}.py`; and what follows
`::` is a symbol of the file, `src/a.py::Cart.total`. A pattern covers what it matches, and all
that lies below a directory that it matches.

Here a pattern is a tuple of parts, one per name of a path: `DEEP` stands for any number of names,
none too; every other part matches one name.
"""

import re
from collections.abc import Iterable
from functools import lru_cache
from itertools import pairwise

from parallel_orchestra.frozen import frozen

#: Any number of names, and any one name.
DEEP = "**"
ANY = "*"

#: What one text may stand for once its braces are written out.
MOST_ALTERNATIVES = 1000

#: No file system has deeper paths than its longest path has letters for.
MOST_PARTS = 100

_WILD = re.compile(r"[*?\[\\]")
_SYMBOL = re.compile(r"[^\W\d][\w$]*(?:\.[^\W\d][\w$]*)*")
#: What needs no escape: somebody meant the separator of another system.
_SLIP = re.compile(r"(?<!\\)(?:\\\\)*\\([A-Za-z0-9])")
_CLASS = re.compile(r"\\.|\[[!^]?\]?[^\]]*\]", re.DOTALL)
_HALVES = re.compile(_CLASS.pattern + "|[{}]", re.DOTALL)
_BRACES = re.compile(r"\\.|[{},]", re.DOTALL)


class Unreadable(ValueError):
    """A text is no pattern; `must` completes "it must ...", `hint` says how to mend it."""

    def __init__(self, must: str, hint: str) -> None:
        super().__init__(must)
        self.must = must
        self.hint = hint


@frozen
class Pattern:
    """A pattern without braces: `text` is its path as it was written, `parts` that taken apart.

    `plain` has no wildcards, `below` covers what lies in a directory but not a file of that
    name, `negative` began with `!`. `symbol` is empty for the whole file.
    """

    text: str
    parts: tuple[str, ...]
    plain: bool
    below: bool
    negative: bool = False
    symbol: str = ""

    def __str__(self) -> str:
        """Returns it as one writes it."""
        symbol = f"::{self.symbol}" if self.symbol else ""
        return f"{'!' * self.negative}{self.text}{symbol}"

    @property
    def path(self) -> str:
        """The path that a plain pattern names, without a slash at its end."""
        return "/".join(self.parts)

    @property
    def line(self) -> str:
        """The pattern's path as a line of a .gitignore."""
        if not self.parts:
            return "/**"
        line = "/" + "/".join(self.parts) + "/" * self.below
        return line[:-1] + "\\ " if line.endswith(" ") else line


@lru_cache(maxsize=4096)
def patterns_of(text: str) -> tuple[Pattern, ...]:
    """Returns what a text of a plan stands for: one pattern, or one for each alternative.

    Raises:
        Unreadable: it is no pattern.
    """
    _check_braces(text)
    return tuple(_pattern(each) for each in _alternatives(text))


def read_patterns(texts: Iterable[str]) -> tuple[Pattern, ...]:
    """Returns the patterns of texts that were checked before; one that is none covers everything.

    So a plan of version 0.1, or a record that somebody changed, costs time and not work.
    """
    found: list[Pattern] = []
    for text in texts:
        try:
            found += patterns_of(text)
        except Unreadable:
            found.append(Pattern(text, (), plain=False, below=True))
    return tuple(found)


def is_plain(part: str) -> bool:
    """Returns whether a part matches one name only: itself."""
    return not _WILD.search(part)


def same_or_within(one: str, other: str) -> bool:
    """Returns whether two symbols are the same, or one of them lies in the other."""
    shorter, longer = sorted((one, other), key=len)
    return longer == shorter or longer.startswith(f"{shorter}.")


def _pattern(text: str) -> Pattern:
    path, separator, symbol = text.partition("::")
    symbol = symbol.replace("::", ".")
    if separator and not _SYMBOL.fullmatch(symbol):
        raise Unreadable(
            "be a path, or a path and a symbol", "write `src/a.py::Class.method` or `src/a.py`"
        )
    negative, path = path.startswith("!"), path.removeprefix("!")
    parts = tuple(part for part in path.split("/") if part not in {"", "."})
    if path.startswith("/") or ".." in parts:
        raise Unreadable("be a path inside the project", "write it relative to `cwd`, without `..`")
    if (separator and not parts) or (negative and not path):
        raise Unreadable("name a file", "write its path in front")
    if separator and negative:
        raise Unreadable("not except a symbol", "name the symbols that are meant instead")
    if len(parts) > MOST_PARTS:
        raise Unreadable(f"be at most {MOST_PARTS} folders deep", "write fewer")
    if slip := _SLIP.search(path):
        raise Unreadable(f"have no `\\` before `{slip[1]}`", "write `/` between folders")
    plain = is_plain(path)
    for part in () if plain else parts:
        _check(part)
    below = not parts or path.endswith("/")
    if parts and parts[-1] == DEEP:
        below = True
    if len(parts) == 1 and not plain and "/" not in path.rstrip("/"):
        parts = (DEEP, *parts)  # as in a .gitignore: without a slash inside, at any depth
    while parts and parts[-1] == DEEP:
        parts = parts[:-1]
    return Pattern(path, parts, plain, below, negative, symbol)


def _check(part: str) -> None:
    """Refuses what git takes for no pattern, or understands otherwise than we could.

    Raises:
        Unreadable: with the remedy.
    """
    outside = _CLASS.sub("", part)
    if "[:" in part and ":]" in part:
        raise Unreadable("have no classes such as `[:alpha:]`", "write the letters: `[a-z]`")
    if "[" in outside:
        raise Unreadable("close every `[` with a `]`", "write `\\[` for the character itself")
    if outside.endswith("\\"):
        raise Unreadable("not end in `\\`", "write `/` between folders, `\\\\` for the character")


def _check_braces(text: str) -> None:
    """Refuses braces without their other half: a slip far more often than the name of a file.

    Raises:
        Unreadable: with the remedy.
    """
    open_now = spare = 0
    for found in _HALVES.finditer(text):
        spare += found[0] == r"\{"  # may have a `}` without one
        open_now += {"{": 1, "}": -1}.get(found[0], 0)
        if open_now < 0 and spare:
            open_now, spare = 0, spare - 1
        if open_now < 0:
            raise Unreadable(
                "open every `{` before its `}`", r"write `\}` for the character itself"
            )
    if open_now:
        raise Unreadable("close every `{` with a `}`", "write `\\{` for the character itself")


def _alternatives(text: str) -> list[str]:
    """Returns a text with its braces written out, as a shell does: `{a}` without a comma stays."""
    if "{" not in text:
        return [text]
    found = [""]
    for choice in _choices(text):
        found = [head + tail for head in found for tail in choice]
        if len(found) > MOST_ALTERNATIVES:
            raise Unreadable(
                f"stand for at most {MOST_ALTERNATIVES:,} paths", "write a wildcard instead"
            )
    return list(dict.fromkeys(found))


def _choices(text: str) -> list[list[str]]:
    """Returns a text as a row of places, each with the texts that may stand there."""
    places: list[list[str]] = []
    begin = 0
    while (group := _group(text, begin)) is not None:
        start, commas, end = group
        places.append([text[begin:start]])
        borders = [start, *commas, end]
        inner = [text[a + 1 : b] for a, b in pairwise(borders)]
        places.append([each for one in inner for each in _alternatives(one)])
        begin = end + 1
    return [*places, [text[begin:]]]


def _group(text: str, begin: int) -> tuple[int, list[int], int] | None:
    """Returns the first braces with a comma: where they open, their commas, where they close."""
    open_at: list[tuple[int, list[int]]] = []
    closed: list[tuple[int, list[int], int]] = []
    for match in _BRACES.finditer(text, begin):
        if match[0] == "{":
            open_at.append((match.start(), []))
        elif match[0] == "," and open_at:
            open_at[-1][1].append(match.start())
        elif match[0] == "}" and open_at:
            start, commas = open_at.pop()
            if commas:
                closed.append((start, commas, match.start()))
            if not open_at and closed:
                break
    # the outermost of those that begin first; what was never closed stays as it is
    return min(closed, default=None, key=lambda group: group[0])
