"""`runs`: the runs of a project, the past ones too; changes nothing."""

import time
from collections.abc import Sequence
from pathlib import Path

import click

from parallel_orchestra.cli.facts import told
from parallel_orchestra.cli.options import json_option, layout_of, tasks_dir_option
from parallel_orchestra.conductor.earlier import EarlierRun, runs_in
from parallel_orchestra.conductor.present import alive
from parallel_orchestra.errors import ExitCode
from parallel_orchestra.report.figures import ending
from parallel_orchestra.report.text import one_line, short_ref, span
from parallel_orchestra.store import Layout, WorkerKind

_COLUMNS = ("RUN", "BEGAN (UTC)", "TOOK", "VERDICT", "DONE", "FAILED", "COST", "PLAN")


@click.command(
    "runs",
    short_help="list the runs of a project, the past ones too",
)
@tasks_dir_option
@json_option
def command(tasks_dir: Path | None, as_json: bool) -> int:
    """List the run that the task directory holds, and those in its attic, the newest first.

    Below the table stands where the files of the past ones lie, and where git has their work.
    """
    layout = layout_of(tasks_dir)
    found = runs_in(layout)
    if as_json:
        click.echo(told(found))
    elif found:
        at_work = bool(alive(layout, WorkerKind.CONDUCTOR))
        click.echo("\n".join((*table(found, at_work=at_work), *where(found, layout))))
    else:
        click.echo("there was no run here yet", err=True)
    return ExitCode.DONE


def table(found: Sequence[EarlierRun], *, at_work: bool) -> list[str]:
    """Returns the runs as lines for people; `at_work` tells whether the one that is not archived is."""
    rows = [_COLUMNS, *(_row(one, at_work=at_work) for one in found)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(_COLUMNS))]
    return [
        "  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]


def where(found: Sequence[EarlierRun], layout: Layout) -> list[str]:
    """Returns how to look into each run."""
    lines = []
    for one in found:
        place = one.archived or str(layout.root)
        how = "" if one.archived else "`parallel-orchestra status`, logs in "
        lines.append(f"{one.run}: {how}{place}/attempts, `git log {short_ref(one.integration)}`")
    return lines


def _row(one: EarlierRun, *, at_work: bool) -> tuple[str, ...]:
    return (
        one.run,
        _instant(one.started),
        span(one.seconds) if one.seconds is not None else "-",
        _verdict(one, at_work=at_work),
        f"{one.done}/{one.total}",
        str(one.failed),
        f"${one.cost_usd:.2f}" if one.cost_usd is not None else "-",
        one_line(one.name) or "-",
    )


def _verdict(one: EarlierRun, *, at_work: bool) -> str:
    if one.exit_code is not None:
        return ending(one.exit_code)
    return "in progress" if at_work and not one.archived else "killed"


def _instant(epoch: float | None) -> str:
    return "-" if epoch is None else time.strftime("%Y-%m-%d %H:%M", time.gmtime(epoch))
