"""`status`: how a run stands, read from its directory; changes nothing."""

import os
import shutil
import sys
import time
from pathlib import Path

import click

from parallel_orchestra.cli.canvas import Canvas
from parallel_orchestra.cli.closing import say_tinted, tinted
from parallel_orchestra.cli.failures import usage
from parallel_orchestra.cli.ink import clipped, length, painted
from parallel_orchestra.cli.options import json_option, tasks_dir_of, tasks_dir_option
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


@click.command("status", short_help="say how a run stands")
@click.argument("plan", type=click.Path(path_type=Path), required=False)
@tasks_dir_option
@json_option
@click.option("--watch", is_flag=True, help="Say it again whenever it has changed, until the end.")
def command(plan: Path | None, tasks_dir: Path | None, as_json: bool, watch: bool) -> int:
    """Say how a run stands: exit code 0 done, 1 failed, 4 waits for you, 6 unfinished.

    With PLAN, a plan or a `cpo` folder, it is the run of that plan, wherever you are.

    With --watch it goes on until the run has ended, or nobody is at work on it: on a terminal in
    place, elsewhere a block of lines each time that a task has moved.
    """
    if watch and as_json:
        hint = "programs follow a run with `--progress json`, or ask `status --json` again"
        raise usage("`--watch` and `--json` exclude each other", hint)
    layout = Layout(tasks_dir_of(plan, tasks_dir, Path.cwd()))
    report = _watched(layout) if watch else read(layout)
    if watch and not _in_place():
        return standing(report)
    if as_json:
        from parallel_orchestra.report.json_report import render  # noqa: PLC0415  # not for people

        click.echo(render(report), nl=False)
    else:
        say_tinted(_lines(layout, report), report)
    return standing(report)


def _lines(layout: Layout, report: RunReport) -> tuple[str, ...]:
    first, *others = status_lines(report, time.time(), _deserted(layout, report))
    lines = (first, *_killed(layout, report), *others)
    return tuple(row for line in lines for row in line.splitlines())


def _killed(layout: Layout, report: RunReport) -> list[str]:
    """Returns a line that says so if the run was killed, with the command that goes on with it."""
    if not report.killed:
        return []
    return [f"killed: {report.killed}; `{resume_command(read_record(layout), layout)}` goes on"]


def _watched(layout: Layout) -> RunReport:
    """Shows how a run stands until it has ended or is deserted, and returns how it stands then."""
    if _in_place():
        return _drawn(layout)
    told: tuple[object, ...] = ()
    while True:
        began = time.monotonic()
        report = read(layout)
        over = report.ended is not None or bool(report.killed)
        if told != (told := tuple((task.id, task.outcome) for task in report.tasks)):
            click.echo("\n".join((*_lines(layout, report), "")))
        if over:
            return report
        time.sleep(_pause(began))


def _in_place() -> bool:
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
                told = _lines(layout, report)[: size.lines - 1]
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
