"""The end of a run: its summary, with colours where the terminal has them."""

import os
import re
import shutil
import sys
from collections.abc import Iterable, Iterator

import click

from parallel_orchestra.cli.ink import Line, Piece, painted
from parallel_orchestra.cli.tints import colored
from parallel_orchestra.progress import RunReport
from parallel_orchestra.report.summary import summary

#: Nobody reads a log or a pipe in a window of a certain width: names of refs stay whole there.
_WIDE = 1000
#: How the first word of a line looks; a command in backticks is one to copy.
_LOOKS = {
    "failed": "bad",
    "killed": "bad",
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
    "or": "act",
}
_WORD = re.compile(r"( *)([a-z]+)")


def close(report: RunReport, *, talk: bool) -> None:
    """Prints how a run ended: on standard error if it is `talk`, else on standard output."""
    stream = sys.stderr if talk else sys.stdout
    width = shutil.get_terminal_size().columns if stream.isatty() else _WIDE
    say_tinted(summary(report, width).splitlines(), report, talk=talk)


def say_tinted(lines: Iterable[str], report: RunReport, *, talk: bool = False) -> None:
    """Prints lines on a run, of which the first one counts, with colours if there are to be some."""
    color = colored(sys.stderr if talk else sys.stdout, os.environ)
    for line in tinted(lines, report):
        click.echo(painted(line, color=color), err=talk, color=color)


def tinted(lines: Iterable[str], report: RunReport) -> Iterator[Line]:
    """Yields lines on a run with looks: the first one counts, others begin with how a task stands."""
    for number, line in enumerate(lines):
        look = "" if number else "good" if report.completed == report.total else "name"
        yield _tinted(line, look)


def _tinted(line: str, look: str) -> Line:
    if look:
        return (Piece(line, look),)
    word = _WORD.match(line)
    if word is None or word[2] not in _LOOKS:
        return (Piece(line),)
    return (Piece(word[1]), Piece(word[2], _LOOKS[word[2]]), Piece(line[word.end() :]))
