"""Lines on a run as a terminal shows them: with looks by what they say, wrapped between words."""

import itertools
import os
import re
import shutil
import sys
from collections.abc import Iterable, Iterator

import click

from parallel_orchestra.cli.ink import Line, Piece, painted, plain_text, wrapped
from parallel_orchestra.cli.tints import colored

#: How the first word of a line looks; a command in backticks is one to copy.
_LOOKS = {
    "failed": "bad",
    "killed": "bad",
    "not": "bad",
    "skipped": "odd",
    "running": "act",
    "paused": "odd",
    "held": "odd",
    "limited": "odd",
    "waiting": "odd",
    "missing": "bad",
    "warning": "odd",
    "delivery": "good",
    "next": "act",
    "hint": "act",
    "or": "act",
}
_PRINTED = re.compile(r" +\| ")
_WORD = re.compile(r"( *)([a-z]+)")


def say(lines: Iterable[Line], *, talk: bool = False, rows: int = 0) -> None:
    """Prints lines with their looks, on a terminal wrapped between words, never within a command."""
    stream = sys.stderr if talk else sys.stdout
    color = colored(stream, os.environ)
    shown: Iterable[Line] = lines
    if stream.isatty():
        shown = arranged(lines, shutil.get_terminal_size().columns, rows)
    for line in shown:
        click.echo(painted(line, color=color), err=talk, color=color)


def arranged(lines: Iterable[Line], width: int, rows: int = 0) -> Iterator[Line]:
    """Yields lines as rows of a terminal; of more than `rows`, the first one comes again."""
    shown = [list(folded(line, width)) for line in lines]
    if rows and sum(map(len, shown)) > rows:
        place = next((n for n, one in enumerate(shown) if _is_step(one[0])), len(shown))
        shown.insert(place, shown[0])
    yield from itertools.chain.from_iterable(shown)


def folded(line: Line, width: int) -> Iterator[Line]:
    """Yields a line on a run as rows for a terminal; each of what a command printed has its mark.

    That may be one word of any length, and is nothing to copy: it is broken where a row is full.
    """
    text = plain_text(line)
    printed = _PRINTED.match(text)
    if printed is None:
        indent = len(text) - len(text.lstrip(" "))
        yield from wrapped(line, width, " " * (indent + 2), whole=True)
        return
    mark, look = printed[0], line[0].look
    for row in wrapped((Piece(text[len(mark) :], look),), width - len(mark)):
        yield (Piece(mark, look), *row)


def tinted_as(lines: Iterable[str], first: str) -> Iterator[Line]:
    """Yields lines on a run with looks: that of the first, others begin with how a task stands."""
    for number, line in enumerate(lines):
        yield _tinted(line, "" if number else first)


def _is_step(line: Line) -> bool:
    return plain_text(line).startswith("next: ")


def _tinted(line: str, look: str) -> Line:
    if look:
        return (Piece(line, look),)
    word = _WORD.match(line)
    if word is None or word[2] not in _LOOKS:
        return (Piece(line),)
    return (Piece(word[1]), Piece(word[2], _LOOKS[word[2]]), Piece(line[word.end() :]))
