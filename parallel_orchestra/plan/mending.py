"""YAML with a slip -> what was probably meant, so that one slip hides no other mistake.

Knows nothing of plans. A mended text is never run: it only serves to look for what else is wrong.
A parser says where it was at its wits' end, often a line or more behind the slip; the line whose
mending helps is the better answer.
"""

import json
import math
import re
from collections.abc import Iterator

import yaml

from parallel_orchestra.frozen import frozen

#: Each try reads the whole text: larger ones, and endless slips, are told by their first slip.
MOST_CHARACTERS = 64 * 1024
MOST_TRIES = 150

_INDENT = re.compile(r"[ \t]*")
_VALUE = re.compile(r"(\s*(?:- +)*[^\s:#'\"{\[]+:[ \t]+)(\S.*)")
_OPEN_QUOTE = re.compile(r"(\s*(?:- +)*(?:[^\s:#'\"]+:[ \t]+)?)([\"'])(.*)")
_NO_COLON = re.compile(r"(\s*(?:- +)*)([A-Za-z_]\w*)[ \t]+(\S.*)")
_NO_BLANK = re.compile(r"(\s*(?:- +)*)([A-Za-z_]\w*):(\S.*)")
_NO_BLANK_AFTER_DASH = re.compile(r"(\s*)-([A-Za-z_].*)")
_BLOCK = re.compile(r"(\s*(?:- +)*)[^\s:#'\"]+:[ \t]+[|>][-+0-9]*[ \t]*")
_KEY_OR_ITEM = re.compile(r"\s*(?:- |[A-Za-z_]\w*:(?:\s|$))")
#: What YAML takes for something else than text: `*.py`, `!a`, `@b`, a backtick; in a list `a/{b,c}`.
_SPECIAL = re.compile(
    r"(?<![^\s\[,])(?:[*!&@`%][^\s,\]}]*|[^\s\[\],\"'{}:*!&@`%]+\{[^{}]*\}[^\s,\]]*)"
)
_STARTS = "*!&@`%"
_BRACKETS = {"[": "]", "{": "}"}
_QUOTED = re.compile(r"\"(?:\\.|[^\"\\])*\"|'(?:''|[^'])*'|(?<= )#.*")

_CLOSE_QUOTE = "close the quote"
_CLOSE_BRACKET = "close every `[` with `]`, and every `{` with `}`"
_SPACES = "indent with spaces, not with tabs"
_COLON = "write `key: value`, with a blank behind the colon"
_DASH = "write a blank behind the `-`"
_BELOW = "indent the text below a `|` or `>` further than its key"
_ALIGN = "indent it like the lines around it"


@frozen
class Slip:
    """One slip: what the parser said of the `text` it stood in, its line from 1, a remedy.

    `line` is 0, and `hint` empty, where no mending helped.
    """

    error: yaml.YAMLError
    text: str
    line: int = 0
    hint: str = ""


@frozen
class _Edit:
    at: int
    text: str
    hint: str


def mend(text: str, error: yaml.YAMLError) -> tuple[list[Slip], str | None]:
    """Returns the slips of a text, and the text without them; None if one of them stays."""
    slips: list[Slip] = []
    tries = MOST_TRIES if len(text) <= MOST_CHARACTERS else 0
    failed: yaml.YAMLError | None = error
    while failed is not None:
        best: tuple[tuple[float, int], _Edit, yaml.YAMLError | None] | None = None
        for kind in _kinds(text.split("\n"), failed) if tries > 0 else ():
            for edit in kind:
                tries -= 1
                after = _error(edit.text)
                reached = _reached(after, edit.text)
                good = reached > _reached(failed, text) and reached[0] >= edit.at
                if good and tries >= 0 and (best is None or reached > best[0]):
                    best = reached, edit, after
            if best is not None:
                break
        if best is None:
            return [*slips, Slip(failed, text)], None
        slips.append(Slip(failed, text, best[1].at + 1, best[1].hint))
        text, failed = best[1].text, best[2]
    return slips, text


def _error(text: str) -> yaml.YAMLError | None:
    try:
        for _ in yaml.parse(text, Loader=yaml.CSafeLoader):
            pass
    except yaml.YAMLError as error:
        return error
    return None


def _opened(error: yaml.YAMLError) -> int | None:
    """Returns the line from 0 of the quote or bracket that the parser waited for the end of."""
    mark = getattr(error, "context_mark", None)
    context = str(getattr(error, "context", None) or "")
    waits = "quoted scalar" in context or "flow" in context or "simple key" in context
    return int(mark.line) if mark and waits else None


def _reached(error: yaml.YAMLError | None, text: str) -> tuple[float, int]:
    """Returns up to where a text is good: the line from 0, and less the more of it is left.

    What is left, since a line that is only moved is no better.
    """
    if error is None:
        return math.inf, 0
    mark = getattr(error, "problem_mark", None)
    if _opened(error) is not None:
        mark = getattr(error, "context_mark", None)
    if mark is None:
        return -1, 0
    lines = text.split("\n")
    length = len(lines[mark.line]) if mark.line < len(lines) else 0
    return mark.line, mark.column - length


def _kinds(lines: list[str], error: yaml.YAMLError) -> Iterator[Iterator[_Edit]]:
    """Yields what may have been meant: kinds of edits, the most probable kind first."""
    mark = getattr(error, "problem_mark", None)
    if mark is None or "nesting depth" in str(error):
        return
    at = min(mark.line, len(lines) - 1)
    yield _without_tabs(lines)
    suspects = _suspects(lines, at, _opened(error))
    yield (edit for at in suspects for edit in _indented(lines, at))
    for mended in (_completed, _plain, _quoted, _aligned):
        yield (
            _edit(lines, at, line, hint)
            for at in suspects
            for line, hint in dict.fromkeys(mended(lines, at))
            if line != lines[at]
        )


def _edit(lines: list[str], at: int, line: str, hint: str) -> _Edit:
    return _Edit(at, "\n".join((*lines[:at], line, *lines[at + 1 :])), hint)


def _suspects(lines: list[str], at: int, opened: int | None) -> list[int]:
    """Returns the lines that may hold the slip."""
    before = next((i for i in range(at - 1, -1, -1) if lines[i].strip()), at)
    quote = next((i for i in range(at, -1, -1) if _is_open(lines[i])), at)
    # The end of a text that ends with its last line counts as a line of its own to the parser.
    first = [] if opened is None else [min(opened, len(lines) - 1)]
    found = [*first, at, before, quote]
    return list(dict.fromkeys(found))


def _is_open(line: str) -> bool:
    match = _OPEN_QUOTE.match(line)
    return match is not None and not _QUOTED.match(line, match.start(2))


def _completed(lines: list[str], at: int) -> Iterator[tuple[str, str]]:
    """Yields a line with what it lacks, and the remedy in words."""
    line = lines[at]
    if _is_open(line) and (match := _OPEN_QUOTE.match(line)):
        yield line.rstrip() + match[2], _CLOSE_QUOTE
    if missing := _unclosed(line):
        yield line.rstrip() + missing, _CLOSE_BRACKET
    if match := _NO_BLANK_AFTER_DASH.fullmatch(line):
        yield f"{match[1]}- {match[2]}", _DASH
    if match := _NO_BLANK.fullmatch(line):
        yield f"{match[1]}{match[2]}: {match[3]}", _COLON


def _plain(lines: list[str], at: int) -> Iterator[tuple[str, str]]:
    """Yields a line in which words are text that begin as text can't."""
    line = lines[at]
    if (match := _VALUE.fullmatch(line)) and match[2][0] in _STARTS:
        whole = match[2].rstrip()
        yield match[1] + json.dumps(whole), _in_quotes(whole)
    quoted = [one.span() for one in _QUOTED.finditer(line)]
    words = _SPECIAL.finditer(line)
    found = [word for word in words if not any(a < word.start() < z for a, z in quoted)]
    for match in reversed(found):
        line = line[: match.start()] + json.dumps(match[0]) + line[match.end() :]
    if found:
        yield line, _in_quotes(found[0][0])


def _in_quotes(text: str) -> str:
    special = f"begins with `{text[0]}`" if text[0] in _STARTS else "has braces in a list"
    return f"put text that {special} in quotes: {json.dumps(text, ensure_ascii=False)}"


def _quoted(lines: list[str], at: int) -> Iterator[tuple[str, str]]:
    line = lines[at]
    if match := _VALUE.fullmatch(line):
        yield match[1] + json.dumps(match[2]), ""
    elif match := _NO_COLON.fullmatch(line):
        yield f"{match[1]}{match[2]}: {json.dumps(match[3])}", _COLON


def _indented(lines: list[str], at: int) -> Iterator[_Edit]:
    """Yields the text with what stands below a `|` indented, if a line there is not."""
    head = at
    while head and not _KEY_OR_ITEM.match(lines[head]):
        head -= 1
    if not (match := _BLOCK.fullmatch(lines[head])):
        return
    end = head + 1
    while end < len(lines) and not _KEY_OR_ITEM.match(lines[end]):
        end += 1
    column = len(match[1])
    below = [i for i in range(head + 1, end) if lines[i].strip()]
    out = dict.fromkeys(i for i in below if len(_indent(lines[i])) <= column)
    if out:
        first = _indent(lines[below[0]]) if below[0] not in out else " " * (column + 2)
        text = [first + line.lstrip() if i in out else line for i, line in enumerate(lines)]
        yield _Edit(next(iter(out)), "\n".join(text), _BELOW)


def _aligned(lines: list[str], at: int) -> Iterator[tuple[str, str]]:
    line = lines[at]
    for indent in _indents(lines, at):
        yield indent + line.lstrip(), _ALIGN


def _unclosed(line: str) -> str:
    """Returns the closing brackets that a line lacks."""
    waiting: list[str] = []
    for char in _QUOTED.sub("", line):
        if char in _BRACKETS:
            waiting.append(_BRACKETS[char])
        elif waiting and char == waiting[-1]:
            waiting.pop()
    return "".join(reversed(waiting))


def _indents(lines: list[str], at: int) -> Iterator[str]:
    """Yields the indentations of the lines around one, and what they hold behind a `- `."""
    is_item = lines[at].lstrip().startswith("- ")
    around = [*lines[at + 1 : at + 2], *reversed(lines[max(0, at - 20) : at])]
    for line in around:
        own, item = _indent(line), line.lstrip().startswith("- ")
        if line.strip() and item == is_item:
            yield own
        elif item:
            yield f"{own}  "


def _without_tabs(lines: list[str]) -> Iterator[_Edit]:
    first = next((i for i, line in enumerate(lines) if "\t" in _indent(line)), None)
    if first is None:
        return
    for width in (2, 4, 8):
        spaced = (_indent(line).expandtabs(width) + line.lstrip() for line in lines)
        yield _Edit(first, "\n".join(spaced), _SPACES)
    for indent in dict.fromkeys(_indents(lines, first)):
        yield _edit(lines, first, indent + lines[first].lstrip(), _SPACES)


def _indent(line: str) -> str:
    match = _INDENT.match(line)
    return match[0] if match else ""
