"""Prompts in the body of a plan: the text under a heading that is a task's id.

Only `#` headings outside code fences count. A section goes to the next heading of the same or
a higher level, or to the next heading that is a task's id, whichever comes first; headings
below it belong to the prompt. Blank lines at both ends are dropped.
"""

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass

_HEADING_OR_FENCE = re.compile(
    r"^ {0,3}(?:(#{1,6})(?:[ \t]+(.*))?|(`{3,}|~{3,})(.*))$", re.MULTILINE
)
_WORD = re.compile(r"[A-Za-z0-9_-]{1,64}")
_BLANK_START = re.compile(r"\A(?:[ \t]*\n)+")


@dataclass(frozen=True, slots=True)
class Section:
    """The prompt under one heading, and the heading's line in the file."""

    text: str
    line: int


@dataclass(frozen=True, slots=True)
class Sections:
    """All sections by task id, in the order of the file; `titles` are all headings there are.

    `others` are those headings, with their lines, that could be meant for a task: one word, on
    the level of a section, or written like an id but for its case.
    """

    of: dict[str, list[Section]]
    titles: tuple[str, ...]
    others: tuple[tuple[str, int], ...] = ()


@dataclass(frozen=True, slots=True)
class _Heading:
    level: int
    title: str
    start: int
    end: int


def find_sections(body: str, first_line: int, ids: Collection[str]) -> Sections:
    """Returns the sections of these ids; `first_line` is the body's first line in the file."""
    headings = list(_headings(body))
    found: dict[str, list[Section]] = {}
    levels = {heading.level for heading in headings if heading.title in ids}
    folded = {task_id.casefold() for task_id in ids}
    others: list[tuple[str, int]] = []
    line, counted = first_line, 0
    for i, heading in enumerate(headings):
        line += body.count("\n", counted, heading.start)
        counted = heading.start
        if heading.title in ids:
            later = (headings[j] for j in range(i + 1, len(headings)))
            ends = (h.start for h in later if h.level <= heading.level or h.title in ids)
            end = next(ends, len(body))
            text = _BLANK_START.sub("", body[heading.end : end]).rstrip()
            found.setdefault(heading.title, []).append(Section(text, line))
        elif heading.title.casefold() in folded or (
            heading.level in levels and _WORD.fullmatch(heading.title)
        ):
            others.append((heading.title, line))
    return Sections(found, tuple(heading.title for heading in headings), tuple(others))


def _headings(body: str) -> Iterator[_Heading]:
    fence = ""
    for match in _HEADING_OR_FENCE.finditer(body):
        marks, title, ticks, info = match.groups()
        if ticks and not fence:
            # a backtick in the rest of the line makes it inline code (CommonMark 4.5)
            fence = "" if ticks[0] == "`" and "`" in info else ticks
        elif ticks and ticks.startswith(fence) and not info.strip():
            fence = ""
        elif marks and not fence:
            yield _Heading(len(marks), _title(title or ""), match.start(), match.end())


def _title(text: str) -> str:
    title = text.strip()
    bare = title.rstrip("#")
    if bare != title and (not bare or bare[-1].isspace()):
        title = bare.rstrip()  # `## build ##` is a heading too
    if len(title) > 2 and title[0] == title[-1] == "`":
        title = title[1:-1]
    return title
