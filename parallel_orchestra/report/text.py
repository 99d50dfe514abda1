"""Words made safe and readable: for one line of a terminal, for Markdown, for a reader.

What agents print and what files are called may come from anywhere, so nothing of it moves a
cursor (`plain`), opens a link, closes a fence or ends a table's cell. Knows nothing of runs or tasks.
"""

import re
from datetime import datetime, timezone

from parallel_orchestra.plain import clean, cut, one_line

__all__ = [
    "amount",
    "clean",
    "code",
    "cut",
    "escaped",
    "fenced",
    "instant",
    "one_line",
    "row",
    "sentence",
    "short",
    "short_ref",
    "span",
]

_TICKS = re.compile("`+")
#: What CommonMark reads as a sign anywhere in a line; `_` only at the edge of a word.
_MARKS = re.compile(r"[\\`*\[\]~$]|(?<![^\W_])_|_(?![^\W_])")
#: Words that GitHub makes more of than text: people and addresses, links, issues (`fixes #1` closes it).
_CALLS = re.compile(r"(\S*(?:@\w|://|www\.|#\d|\bGH-\d)\S*)", re.IGNORECASE)
#: What CommonMark reads as a list, heading or quotation at the beginning of a line.
_OPENING = re.compile(r"(?=[#+=-])|(?<=\d)(?=[.)])")
_MINUTE = 60.0
_HOUR = 3600.0
_STEP = 1024


def escaped(text: str) -> str:
    """Returns one line of Markdown that shows the text as it is: no markup, no HTML, no links.

    Words that GitHub would make a link of, or call somebody or close an issue by, become code. A
    `|` stays, since only tables read it as a sign: see `row`.
    """
    return _shown(one_line(text), opening=True)


def code(text: str) -> str:
    """Returns the text as a code span of Markdown; what is empty stays so."""
    line = one_line(text)
    if not line:
        return ""
    ticks = "`" * (_longest_run(line) + 1)
    # CommonMark takes one space from either end, so a tick beside the fence is told from it.
    room = " " if line[0] == "`" or line[-1] == "`" else ""
    return f"{ticks}{room}{line}{room}{ticks}"


def sentence(text: str) -> str:
    """Returns one of our own sentences as Markdown: what stands in backticks becomes code.

    Where the backticks do not pair up, all of them are shown as they are.
    """
    parts = one_line(text).split("`")
    if len(parts) % 2 == 0 or not all(parts[1::2]):
        return escaped(text)
    # one by one, `escaped` would take the spaces around the code away
    return "".join(
        code(part) if place % 2 else _shown(part, opening=place == 0)
        for place, part in enumerate(parts)
    )


def fenced(text: str) -> str:
    """Returns the text in a code fence longer than any run of backticks in it."""
    body = clean(text).strip("\n")
    ticks = "`" * max(3, _longest_run(body) + 1)
    return f"{ticks}text\n{body}\n{ticks}"


def row(*cells: object) -> str:
    """Returns a row of a Markdown table from pieces of Markdown; empty cells show a dash."""
    return "| " + " | ".join(str(cell).replace("|", "\\|") or "-" for cell in cells) + " |"


def span(seconds: float) -> str:
    """Returns a duration for a reader: `0.4 s`, `3 min 05 s`, `2 h 10 min`."""
    if round(seconds, 1) < _MINUTE:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < _HOUR:
        return f"{whole // 60} min {whole % 60:02d} s"
    minutes = round(seconds / _MINUTE)
    return f"{minutes // 60} h {minutes % 60:02d} min"


def instant(epoch: float) -> str:
    """Returns an instant as ISO 8601 in UTC, to the millisecond."""
    return datetime.fromtimestamp(epoch, timezone.utc).isoformat(timespec="milliseconds")


def counted(number: int, one: str, many: str = "") -> str:
    """Returns a number with its noun: `1 task`, `2 tasks`; `many` where that takes no `s`."""
    return f"{number} {one if number == 1 else many or one + 's'}"


def amount(size_bytes: int) -> str:
    """Returns a number of bytes as people say it, as in `12.3 MiB`."""
    value, units = float(size_bytes), ["B", "KiB", "MiB", "GiB"]
    while value >= _STEP and len(units) > 1:
        value /= _STEP
        units.pop(0)
    return f"{size_bytes} B" if units[0] == "B" else f"{value:.1f} {units[0]}"


def short(commit: str) -> str:
    """Returns the first twelve digits of a commit's name."""
    return commit[:12]


def short_ref(ref: str) -> str:
    """Returns a branch's short name; other refs stay whole, so that they can be typed."""
    return ref.removeprefix("refs/heads/")


def _longest_run(text: str) -> int:
    return max((len(run) for run in _TICKS.findall(text)), default=0)


def _shown(line: str, *, opening: bool) -> str:
    """Returns an escaped line; `opening` if it is at the beginning of one."""
    pieces = _CALLS.split(line)
    return "".join(
        code(piece) if place % 2 else _plain(piece, opening=opening and place == 0)
        for place, piece in enumerate(pieces)
    )


def _plain(piece: str, *, opening: bool) -> str:
    line = _MARKS.sub(lambda mark: "\\" + mark[0], piece)
    line = line.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    found = _OPENING.search(line) if opening else None
    if found is None or not (found.start() == 0 or line[: found.start()].isdigit()):
        return line
    return f"{line[: found.start()]}\\{line[found.start() :]}"
