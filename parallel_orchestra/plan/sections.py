"""Prompts in the body of a plan: the text under a heading that is a task's id.

Only `#` headings outside code fences count. A section goes to the next heading of the same or
a higher level, or to the next heading that is a task's id, whichever comes first; headings
below it belong to the prompt. Blank lines at both ends are dropped.
"""

import re
from collections.abc import Collection, Iterator, Sequence

from parallel_orchestra.frozen import frozen

#: What is indented further is code (CommonMark 4.4), also a task of a plan.
_HEADING_FENCE_OR_TASK = re.compile(
    r"^ {0,3}(?:(#{1,6})(?:[ \t]+(.*))?|(`{3,}|~{3,})(.*)|- +(?:\{ *)?id:[ \t]+\S.*)$", re.MULTILINE
)
_RULE = re.compile(r"^---[ \t]*$", re.MULTILINE)
_WORD = re.compile(r"[A-Za-z0-9_-]{1,64}")
_BLANK_START = re.compile(r"\A(?:[ \t]*\n)+")


@frozen
class Section:
    """The prompt under one heading, and the heading's line in the file."""

    text: str
    line: int


@frozen
class Sections:
    """All sections by task id, in the order of the file; `titles` are all headings there are.

    `others` are those headings, with their lines, that could be meant for a task: one word, on
    the level of a section, or written like an id but for its case. `stray` is the line of a task
    that stands above them as in the front matter; 0 if there is none.
    """

    of: dict[str, list[Section]]
    titles: tuple[str, ...]
    others: tuple[tuple[str, int], ...] = ()
    stray: int = 0


@frozen
class _Heading:
    level: int
    title: str
    start: int
    end: int


def find_sections(body: str, first_line: int, ids: Collection[str]) -> Sections:
    """Returns the sections of these ids; `first_line` is the body's first line in the file."""
    marks = list(_outside_code(body))
    headings = [_heading(match) for match in marks if match[1]]
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
    stray = _stray(body, [match.start() for match in marks if not match[1]], headings, ids)
    stray_line = first_line + body.count("\n", 0, stray) if stray is not None else 0
    titles = tuple(heading.title for heading in headings)
    return Sections(found, titles, tuple(others), stray_line)


def _stray(
    body: str, tasks: Sequence[int], headings: Sequence[_Heading], ids: Collection[str]
) -> int | None:
    """Returns where a task stands that is no part of any text.

    The comments of a plan look like headings: above another `---` they explain nothing, unless a
    task is called so.
    """
    heading = headings[0].start if headings else len(body)
    section = next((one.start for one in headings if one.title in ids), len(body))
    rules = [match.start() for match in _RULE.finditer(body, 0, section)] if tasks else []
    end = max(heading, *rules) if rules else heading
    return next((start for start in tasks if start < end), None)


def _outside_code(body: str) -> Iterator[re.Match[str]]:
    """Yields the headings and the tasks, which have no first group."""
    fence = ""
    for match in _HEADING_FENCE_OR_TASK.finditer(body):
        _, _, ticks, info = match.groups()
        if ticks and not fence:
            # a backtick in the rest of the line makes it inline code (CommonMark 4.5)
            fence = "" if ticks[0] == "`" and "`" in info else ticks
        elif ticks and ticks.startswith(fence) and not info.strip():
            fence = ""
        elif not ticks and not fence:
            yield match


def _heading(match: re.Match[str]) -> _Heading:
    return _Heading(len(match[1]), _title(match[2] or ""), match.start(), match.end())


def _title(text: str) -> str:
    title = text.strip()
    bare = title.rstrip("#")
    if bare != title and (not bare or bare[-1].isspace()):
        title = bare.rstrip()  # `## build ##` is a heading too
    if len(title) > 2 and title[0] == title[-1] == "`":
        title = title[1:-1]
    return title
