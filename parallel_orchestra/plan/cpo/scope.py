"""The `## Scope` of a task file: what the task creates, modifies, and must not touch.

`CREATE:`, `MODIFY:` and `BOUNDARY:` are followed by patterns, with commas between them or one on
each line. Braces are written out here: `{a,b}.py` is `a.py` and `b.py`.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from difflib import get_close_matches
from pathlib import PurePosixPath

from parallel_orchestra.frozen import frozen
from parallel_orchestra.ownership import Unreadable, patterns_of
from parallel_orchestra.plan.findings import Finding, Findings, Mark, brief, did_you_mean

#: Patterns that one entry may stand for, its braces written out.
_MOST = 500

_DIRECTIVE = re.compile(r"\s*(?:[-*+]\s+)?[*_`]*(?P<word>[A-Za-z]+)[*_`]*\s*:[*_`]*(?P<rest>.*)")
_HEADING = re.compile(r"\s*#{3,6}\s+(?P<word>CREATE|MODIFY|BOUNDARY)\s*:?(?P<rest>)\s*")
_REMARK = re.compile(r"\s+\([^)]*\)$")
_ITEM = re.compile(r"\s*[-*+]\s+")
_COMMENT = re.compile(r"(?:^|\s)(?:#|//|<!--).*$")
_SYMBOL = re.compile(r"[^\W\d]\w*(?:\.[^\W\d]\w*)*")
_NOTHING = frozenset({"", "none", "n/a", "-", "(none)", "nothing"})
_WORDS = ("CREATE", "MODIFY", "BOUNDARY")


@frozen
class Entry:
    """One pattern, its braces written out: `symbol` is what it is narrowed to, empty for the file."""

    path: str
    symbol: str
    mark: Mark

    @property
    def text(self) -> str:
        """The pattern as one writes it."""
        return f"{self.path}::{self.symbol}" if self.symbol else self.path


@frozen
class Scope:
    """What a task says of files, each in the order of writing; `said` are the directives it has."""

    creates: tuple[Entry, ...] = ()
    modifies: tuple[Entry, ...] = ()
    boundary: tuple[Entry, ...] = ()
    said: frozenset[str] = frozenset()

    @property
    def paths(self) -> tuple[str, ...]:
        """The patterns of all files that it may write, without symbols."""
        return tuple(dict.fromkeys(entry.path for entry in (*self.creates, *self.modifies)))


def texts_of(entries: Sequence[Entry]) -> tuple[str, ...]:
    """Returns the entries as patterns of a plan, each once."""
    return tuple(dict.fromkeys(entry.text for entry in entries))


def read_scope(text: str, first_line: int, owner: str, findings: Findings) -> Scope:
    """Returns the scope in the text of its section; what is wrong with it is noted."""
    found: dict[str, list[Entry]] = {word: [] for word in _WORDS}
    said = set()
    for word, written, mark in _written(text, first_line, findings):
        said.add(word)
        if written.casefold() in _NOTHING:
            continue
        found[word] += _entries(word, written, mark, owner, findings)
    creates, modifies, boundary = (tuple(found[word]) for word in _WORDS)
    return Scope(creates, modifies, boundary, frozenset(said))


def _written(text: str, first_line: int, findings: Findings) -> Iterator[tuple[str, str, Mark]]:
    """Yields each entry as it was written, after the directive that it belongs to."""
    word = ""
    for number, line in enumerate(text.splitlines(), first_line):
        if line.lstrip().startswith(("```", "~~~")):
            continue
        found = _HEADING.fullmatch(line) or _DIRECTIVE.fullmatch(line)
        if found and (name := _directive(found, number, findings)):
            word, start = name, found.start("rest")
            yield word, "", (number, found.start("word") + 1)
        elif found and not found["word"].isupper():
            continue  # a sentence with a colon in it
        else:
            item = _ITEM.match(line)
            start = item.end() if item else 0
            # below a directive only lists and indented lines go on; the rest are sentences
            if not word or not (item or line[:1].isspace()):
                word = word if not line.strip() else ""
                continue
        yield from ((word, *each) for each in _split(line, start, number))


def _directive(found: "re.Match[str]", line: int, findings: Findings) -> str:
    word: str = found["word"].upper()
    if word in _WORDS:
        return word
    close = get_close_matches(word, _WORDS, n=1, cutoff=0.7)
    if found["word"].isupper() and close:
        what = f"unknown directive `{brief(found['word'])}` in the scope"
        mark = (line, found.start("word") + 1)
        findings.problem(Finding(what, did_you_mean(close[0]), mark=mark))
        return close[0]
    return ""


def _split(line: str, start: int, number: int) -> Iterator[tuple[str, Mark]]:
    """Yields the parts between commas that stand in no braces, with their places."""
    rest = _COMMENT.sub("", line[start:])
    depth, begin = 0, 0
    for at, sign in enumerate([*rest, ","]):
        depth += (sign == "{") - (sign == "}")
        if at == len(rest) or (sign == "," and depth <= 0):
            part = rest[begin:at]
            bare = _REMARK.sub("", part.strip()).strip("`").strip()
            if bare:
                yield bare, (number, start + begin + len(part) - len(part.lstrip()) + 1)
            begin, depth = at + 1, max(depth, 0)


def _entries(
    word: str, written: str, mark: Mark, owner: str, findings: Findings
) -> Iterator[Entry]:
    path, parted, symbol = written.partition("::")
    what = hint = ""
    patterns = tuple(dict.fromkeys(_without_braces(path)))
    if not patterns:
        what = f"the braces of `{brief(written)}` do not match"
        hint = "each `{` needs its `}`, as in `{models,views}.py`"
    elif len(patterns) > _MOST:
        what = f"`{brief(written)}` stands for more than {_MOST} patterns"
        hint = "write a `*` instead, or name the directory"
    elif any(" " in pattern for pattern in patterns) and not parted:
        what = f"`{brief(written)}` in {word} of {owner} is no path"
        hint = "put a comma between two paths, and nothing but paths here"
    elif bad := next(filter(None, map(_outside, patterns)), ""):
        what, hint = f"`{brief(written)}` in {word} of {owner} {bad}", "write it from the project"
    elif parted and not _SYMBOL.fullmatch(symbol):
        what = f"`{brief(symbol)}` is no name of a class, function or method"
        hint = "write `file.py::Class`, `file.py::function` or `file.py::Class.method`"
    elif (why := _unreadable(patterns)) is not None:
        what, hint = f"`{brief(written)}` in {word} of {owner} must {why.must}", why.hint
    elif parted and word == "CREATE":
        what, hint = f"{owner} creates a part of a file: `{brief(written)}`", "write it in MODIFY"
    if what:
        findings.problem(Finding(what, hint, mark=mark))
        return
    for pattern in patterns:
        yield Entry(pattern.removeprefix("./"), symbol, mark)


def _unreadable(patterns: Iterable[str]) -> Unreadable | None:
    try:
        for pattern in patterns:
            patterns_of(pattern)
    except Unreadable as error:
        return error
    return None


def _outside(pattern: str) -> str:
    path = PurePosixPath(pattern)
    if pattern.startswith("!"):
        return "is an exception, which has no place here"
    if path.is_absolute() or pattern.startswith("~"):
        return "is an absolute path"
    if ".." in path.parts:
        return "leads out of the project"
    return "has a backslash" if "\\" in pattern else ""


def _without_braces(pattern: str) -> Iterator[str]:
    """Yields what a pattern with braces stands for; nothing if they do not match."""
    waiting, made = [pattern], 0
    while waiting:
        text = waiting.pop()
        close = text.find("}")
        start = text.rfind("{", 0, close if close >= 0 else len(text))
        if close < 0 and start < 0:
            made += 1
            yield text
        elif close < 0 or start < 0:
            return
        else:
            inner = text[start + 1 : close].split(",")
            # the innermost pair, the last of its parts first: so they come in their order
            waiting += [text[:start] + part.strip() + text[close + 1 :] for part in inner[::-1]]
        if made > _MOST or len(waiting) > _MOST:
            yield from map(str, range(_MOST + 1))
            return
