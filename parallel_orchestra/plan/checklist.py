"""A Markdown checklist -> tasks: each box that is not ticked is one, with what stands below it.

What follows what is taken from how such lists are written: from `[P]` marks, else from headings
that are numbered phases, else from numbered items, else from nothing: then all may run at once.
"""

import re
from collections.abc import Sequence
from dataclasses import field, replace
from enum import Enum

from parallel_orchestra.frozen import frozen
from parallel_orchestra.model import Task

_BOX = re.compile(r"^(?P<indent>\s*)(?P<sign>[-*+]|\d+[.)])\s+\[(?P<tick>[ xX])\]\s+(?P<text>.+)$")
_HEADING = re.compile(r"^#{1,6}\s+(?P<title>.*?)\s*#*$")
_FENCE = re.compile(r"^\s*(`{3,}|~{3,})")
_STAGE = re.compile(r"(?i)^(?:phase|step|stage|wave|milestone|sprint)\s*\d+")
_ID = re.compile(r"^(?:\*\*|`)?(?P<id>[A-Za-z]+-?\d+)(?:\*\*|`)?\s*[:.]?\s+(?=\S)")
_AFTER = re.compile(r"(?i)\((?:depends on|after|needs|requires)[:\s]+(?P<names>[^)]*)\)")
_TAG = re.compile(r"\[(?:P|US\d+)\]\s*")
_TITLE = 100
_LONGEST_SLUG = 40


class Order(Enum):
    """By what the tasks of a list follow each other."""

    MARKS = "items with `[P]` may run beside each other, others alone"
    STAGES = "each numbered heading is a wave"
    NUMBERS = "numbered items follow each other"
    NONE = "all may run at once"


@frozen
class Item:
    """One box: its first line, and the lines below that belong to it."""

    line: int
    text: str
    heading: str
    numbered: bool
    done: bool
    below: list[str] = field(default_factory=list)


@frozen
class Checklist:
    """What was read: the tasks, how many boxes were ticked, and how the tasks follow each other."""

    tasks: tuple[Task, ...]
    ticked: int
    order: Order


def is_checklist(text: str) -> bool:
    """Returns whether a text has a box."""
    return any(_BOX.match(line) for line in text.splitlines())


def read_checklist(text: str) -> Checklist:
    """Returns the tasks that a checklist still has; none if all boxes are ticked."""
    items = _items(text)
    open_items = [item for item in items if not item.done]
    order = _order(items)
    ids = _ids(open_items)
    tasks = [_task(item, name, ids) for item, name in zip(open_items, ids, strict=True)]
    waves = _waves(open_items, order)
    placed = tuple(replace(task, wave=wave) for task, wave in zip(tasks, waves, strict=True))
    return Checklist(placed, len(items) - len(open_items), order)


def _items(text: str) -> list[Item]:
    """Returns the outermost boxes; a box below another belongs to that one's prompt."""
    items: list[Item] = []
    heading, fence, indent = "", "", 0
    for number, line in enumerate(text.splitlines(), 1):
        mark = _FENCE.match(line)
        if mark and (not fence or mark[1].startswith(fence)):
            fence = "" if fence else mark[1]
        found = _HEADING.match(line)
        box = _BOX.match(line) if not fence else None
        if found and not fence:
            heading, indent = found["title"], -1
        elif box and len(box["indent"]) <= (indent if items and indent >= 0 else 3):
            indent = len(box["indent"])
            numbered, done = box["sign"][0].isdigit(), box["tick"] != " "
            items.append(Item(number, box["text"].strip(), heading, numbered, done))
        elif items and indent >= 0:
            if line.strip() and not line[:1].isspace() and not fence and not mark:
                indent = -1  # a paragraph at the margin ends the list
            else:
                items[-1].below.append(line)
    return items


def _order(items: Sequence[Item]) -> Order:
    if any("[P]" in item.text for item in items):
        return Order.MARKS
    stages = {item.heading for item in items if _STAGE.match(item.heading)}
    if len(stages) > 1:
        return Order.STAGES
    if items and all(item.numbered for item in items):
        return Order.NUMBERS
    return Order.NONE


def _waves(items: Sequence[Item], order: Order) -> list[int | None]:
    if order is Order.NONE:
        return [None] * len(items)
    waves: list[int | None] = []
    wave, before = 0, None
    for item in items:
        beside = (item.heading, "[P]" in item.text)
        same = (order is Order.MARKS and beside[1] and beside == before) or (
            order is Order.STAGES and before is not None and before[0] == item.heading
        )
        wave += not same
        before = beside
        waves.append(wave)
    return waves


def _ids(items: Sequence[Item]) -> list[str]:
    ids: dict[str, None] = {}
    taken: set[str] = set()
    for item in items:
        found = _ID.match(_TAG.sub("", item.text))
        name = found["id"] if found else _slug(item.text)
        unique, number = name, 2
        while unique.casefold() in taken:
            unique, number = f"{name}-{number}", number + 1
        taken.add(unique.casefold())
        ids[unique] = None
    return list(ids)


def _slug(text: str) -> str:
    words = re.findall(r"[a-z0-9]+", _AFTER.sub("", _TAG.sub("", text)).lower())
    slug = ""
    for word in words[:6]:
        if len(slug) + len(word) >= _LONGEST_SLUG:
            break
        slug = f"{slug}-{word}" if slug else word
    return slug or "task"


def _task(item: Item, name: str, ids: Sequence[str]) -> Task:
    words = _AFTER.sub("", _TAG.sub("", item.text)).strip()
    own = _ID.match(words)
    words = words[own.end() :] if own else words
    title = " ".join(re.sub(r"[*`]", "", words).split())
    after = [found for match in _AFTER.finditer(item.text) for found in _named(match["names"], ids)]
    return Task(
        id=name,
        title=title if len(title) <= _TITLE else title[: _TITLE - 4].rstrip() + " ...",
        prompt=_prompt(item, words),
        depends_on=tuple(dict.fromkeys(one for one in after if one != name)),
    )


def _named(text: str, ids: Sequence[str]) -> list[str]:
    known = {name.casefold(): name for name in ids}
    words = re.findall(r"[A-Za-z0-9_-]+", text)
    return [known[word.casefold()] for word in words if word.casefold() in known]


def _prompt(item: Item, words: str) -> str:
    below = item.below
    while below and not below[-1].strip():
        below = below[:-1]
    margin = min((len(line) - len(line.lstrip()) for line in below if line.strip()), default=0)
    lines = [words, *(line[margin:].rstrip() for line in below)]
    text = "\n".join(lines).rstrip()
    heading = f"\n\nIt belongs to: {item.heading}" if item.heading else ""
    return f"{text}{heading}\n"
