"""The end of a run: its summary, with colours where the terminal has them."""

import itertools
import os
import re
import shutil
import sys
from collections.abc import Iterable, Iterator

import click

from parallel_orchestra.cli.ink import Line, Piece, painted, plain_text, wrapped
from parallel_orchestra.cli.tints import colored
from parallel_orchestra.progress import Outcome, RunReport
from parallel_orchestra.report.summary import summary

#: Nobody reads a log or a pipe in a window of a certain width: names of refs stay whole there.
_WIDE = 1000
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
#: Lines of a terminal that its prompt takes, once we have ended.
_PROMPT = 2
_PRINTED = re.compile(r" +\| ")
_WORD = re.compile(r"( *)([a-z]+)")


def close(report: RunReport, *, talk: bool) -> None:
    """Prints how a run ended: on standard error if it is `talk`, else on standard output."""
    stream = sys.stderr if talk else sys.stdout
    size = shutil.get_terminal_size()
    width = size.columns if stream.isatty() else _WIDE
    say_tinted(summary(report, width).splitlines(), report, talk=talk, rows=size.lines - _PROMPT)


def say_tinted(
    lines: Iterable[str], report: RunReport, *, talk: bool = False, rows: int = 0
) -> None:
    """Prints lines on a run, of which the first one counts, with colours if there are to be some.

    If they take more than so many `rows` of a terminal, the first one comes again before the last
    ones, which say what to do: it is out of sight by then.
    """
    say(tinted(lines, report), talk=talk, rows=rows)


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
    """Yields lines as rows of a terminal; see `say_tinted` for what becomes of more than `rows`."""
    shown = [list(folded(line, width)) for line in lines]
    if rows and sum(map(len, shown)) > rows:
        place = next((n for n, one in enumerate(shown) if _is_step(one[0])), len(shown))
        shown.insert(place, shown[0])
    yield from itertools.chain.from_iterable(shown)


def folded(line: Line, width: int) -> Iterator[Line]:
    """Yields a line on a run as rows for a terminal; what a command printed keeps its mark."""
    text = plain_text(line)
    printed = _PRINTED.match(text)
    indent = len(text) - len(text.lstrip(" "))
    return wrapped(line, width, printed[0] if printed else " " * (indent + 2), whole=True)


def tinted(lines: Iterable[str], report: RunReport) -> Iterator[Line]:
    """Yields lines on a run with looks: the first one counts, others begin with how a task stands."""
    failed = report.ended is not None and report.count(Outcome.FAILED)
    first = "good" if report.completed == report.total else "bad" if failed else "name"
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
