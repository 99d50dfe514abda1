"""What a run leaves in GitHub Actions: the summary of its step, and annotations."""

import os
from collections.abc import Mapping
from pathlib import Path

import click

from parallel_orchestra import github
from parallel_orchestra.cli.outputs import rendered
from parallel_orchestra.errors import Problem
from parallel_orchestra.progress import RunReport
from parallel_orchestra.report import markdown
from parallel_orchestra.report.actions import annotations


def tell_actions(report: RunReport, environ: Mapping[str, str]) -> tuple[Problem, ...]:
    """Tells GitHub how the run went if this is a step of its; returns what could not be written."""
    if environ.get("GITHUB_ACTIONS") != "true":
        return ()
    for line in annotations(report, _in_repository(report.source, environ)):
        # both streams are read for commands, and the other one is data
        click.echo(line, err=True)
    summary = environ.get("GITHUB_STEP_SUMMARY", "")
    if not summary:
        return ()
    try:
        with open(summary, "a", encoding="utf-8", errors="replace") as page:
            page.write(github.fitting(rendered(report, markdown), os.fstat(page.fileno()).st_size))
    except OSError as error:
        what = f"cannot write the step's summary: {error.strerror or error}"
        return (Problem(what, summary),)
    return ()


def _in_repository(source: str, environ: Mapping[str, str]) -> str:
    """Returns the path of the plan as the repository has it; empty if it lies elsewhere."""
    top = environ.get("GITHUB_WORKSPACE", "")
    path = Path(source)
    if not top or not path.is_relative_to(top):
        return ""
    return path.relative_to(top).as_posix()
