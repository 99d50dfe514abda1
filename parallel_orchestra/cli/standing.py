"""How a run stands, read from its directory: what several commands show. Changes nothing."""

import os
import shutil
import sys
import time

import click

from parallel_orchestra.cli.canvas import Canvas
from parallel_orchestra.cli.closing import tinted
from parallel_orchestra.cli.ink import clipped, length, painted
from parallel_orchestra.cli.suspending import suspended_by
from parallel_orchestra.cli.tints import colored
from parallel_orchestra.conductor.picture import (
    read_record,
    report_of,
    repository_of,
    resume_command,
)
from parallel_orchestra.conductor.present import deserted
from parallel_orchestra.errors import ExitCode
from parallel_orchestra.progress import Outcome, RunReport
from parallel_orchestra.progress.meaning import asks
from parallel_orchestra.report.budgets import short_of
from parallel_orchestra.report.summary import status_lines
from parallel_orchestra.schedule import Hold
from parallel_orchestra.store import Layout

#: Looking again and again may cost this share of the time, and is done once a second at most.
_SHARE = 0.05


def lines_of(layout: Layout, report: RunReport) -> tuple[str, ...]:
    """Returns how a run stands now, in lines."""
    first, *others = status_lines(report, time.time(), _deserted(layout, report))
    lines = (first, *_killed(layout, report), *others)
    return tuple(row for line in lines for row in line.splitlines())


def _killed(layout: Layout, report: RunReport) -> list[str]:
    """Returns a line that says so if the run was killed, with the command that goes on with it."""
    if not report.killed:
        return []
    return [f"killed: {report.killed}; `{resume_command(read_record(layout), layout)}` goes on"]


def watched(layout: Layout) -> RunReport:
    """Shows how a run stands until it has ended or is deserted, and returns how it stands then."""
    if in_place():
        return _drawn(layout)
    told: tuple[object, ...] = ()
    while True:
        began = time.monotonic()
        report = read(layout)
        over = report.ended is not None or bool(report.killed)
        if told != (told := tuple((task.id, task.outcome) for task in report.tasks)):
            click.echo("\n".join((*lines_of(layout, report), "")))
        if over:
            return report
        time.sleep(_pause(began))


def in_place() -> bool:
    """Returns whether lines can be drawn over themselves."""
    return sys.stdout.isatty() and os.environ.get("TERM", "dumb") != "dumb"


def _drawn(layout: Layout) -> RunReport:
    """Shows it in place on the terminal, and takes it away at the end, or while we are suspended."""
    canvas = Canvas(sys.stdout.fileno(), sys.stdout.encoding or "ascii")
    color = colored(sys.stdout, os.environ)

    def away() -> None:
        canvas.close([], shutil.get_terminal_size().columns)

    try:
        with suspended_by(away, lambda: None):
            while True:
                began = time.monotonic()
                report = read(layout)
                if report.ended is not None or report.killed:
                    return report
                size = shutil.get_terminal_size()
                told = lines_of(layout, report)[: size.lines - 1]
                lines = [clipped(one, size.columns - 1) for one in tinted(told, report)]
                shown = [painted(one, color=color) for one in lines]
                canvas.draw([], shown, [length(one) for one in lines], size.columns)
                time.sleep(_pause(began))
    finally:
        away()


def _pause(began: float) -> float:
    return max(1.0, (time.monotonic() - began) / _SHARE)


def _deserted(layout: Layout, report: RunReport) -> dict[str, str]:
    """Returns the tasks whose owner is known to be dead, with why: they lie there as if at work."""
    if not report.count(Outcome.RUNNING):
        return {}
    # of a run at rest nobody asks who is at work
    from parallel_orchestra.conductor.byhand.holding import holders  # noqa: PLC0415

    return {holder.entry.task: holder.dead for holder in holders(layout) if holder.dead}


def read(layout: Layout) -> RunReport:
    """Returns how the run in that directory stands now.

    Raises:
        EnvironmentProblem: there is no run, or its repository is gone.
    """
    # Asked before one reads: who has left meanwhile has written all by then.
    killed = deserted(layout)
    repo = repository_of(read_record(layout), os.environ)
    try:
        return report_of(layout, repo, time.time(), killed)
    finally:
        repo.close()


def standing(report: RunReport) -> ExitCode:
    """Returns the exit code of `status`: what the tasks say, whatever ended the last command."""
    code = ExitCode(report.exit_code)
    if report.ended is not None and (_held(report, code) or asks(report.tasks, report.delivery)):
        return ExitCode.WAITS_FOR_PERSON
    if report.count(Outcome.WAITING, Outcome.MISSING) or report.ended is None:
        return ExitCode.UNFINISHED
    if code in (ExitCode.DONE, ExitCode.TASK_FAILED, ExitCode.WAITS_FOR_PERSON):
        return code
    return ExitCode.TASK_FAILED if report.count(Outcome.FAILED) else ExitCode.UNFINISHED


def _held(report: RunReport, code: ExitCode) -> bool:
    """Returns whether what ended the run still holds its tasks: a budget, a usage limit.

    A run that was interrupted while it waited for a limit waits for nobody: it would wait again.
    """
    limited = any(task.cause and task.cause.kind is Hold.USAGE_LIMIT for task in report.tasks)
    return bool(short_of(report)) or (limited and code is ExitCode.WAITS_FOR_PERSON)
