"""The end of a run: its summary, with colours where the terminal has them."""

import shutil
import sys
from collections.abc import Iterable, Iterator

from parallel_orchestra.cli.ink import Line
from parallel_orchestra.cli.tinted import say, tinted_as
from parallel_orchestra.progress import Outcome, RunReport
from parallel_orchestra.report.summary import summary

#: Nobody reads a log or a pipe in a window of a certain width: names of refs stay whole there.
_WIDE = 1000
#: Lines of a terminal that its prompt takes, once we have ended.
_PROMPT = 2


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


def tinted(lines: Iterable[str], report: RunReport) -> Iterator[Line]:
    """Yields lines on a run with looks: the first one counts, others begin with how a task stands."""
    failed = report.ended is not None and report.count(Outcome.FAILED)
    done = report.completed == report.total
    return tinted_as(lines, "good" if done else "bad" if failed else "name")
