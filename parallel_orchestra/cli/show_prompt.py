"""`show-prompt`: exactly what a task's agent is told, with nothing sent to anybody."""

import json
import os
import sys
from pathlib import Path

import click

from parallel_orchestra.api import load_plan
from parallel_orchestra.cli.completing import tasks_here
from parallel_orchestra.cli.options import json_option, layout_of, tasks_dir_option
from parallel_orchestra.conductor.prompting import Told, told
from parallel_orchestra.errors import EnvironmentProblem, ExitCode, Problem
from parallel_orchestra.model import Plan
from parallel_orchestra.report.text import clean, one_line
from parallel_orchestra.store import Layout
from parallel_orchestra.store.records import peek_run

#: The plan that is meant where there is no run and none is named.
_USUAL = "plan.md"


@click.command("show-prompt", short_help="print what a task's agent is told")
@click.argument("task", shell_complete=tasks_here)
@click.option(
    "--plan",
    "path",
    type=click.Path(path_type=Path),
    metavar="PLAN",
    help=f"The plan as it stands there (default: that of the run; without a run, `{_USUAL}`).",
)
@tasks_dir_option
@click.option(
    "--attempt",
    type=click.IntRange(min=1),
    metavar="N",
    help="Which attempt (default: the one at work, else the next one).",
)
@json_option
def command(
    task: str, path: Path | None, tasks_dir: Path | None, attempt: int | None, as_json: bool
) -> int:
    """Print what TASK's agent is told, byte for byte; sends it to nobody.

    An attempt that has begun was told what is printed. For the next one, the prompt is made as it
    would be at this moment, with the results of dependencies and the feedback that are there.
    """
    plan, layout = _meant(path, tasks_dir)
    found = told(task, attempt, plan, layout, os.environ)
    if as_json:
        click.echo(json.dumps(_facts(found), indent=2))
    elif found.prompt:
        _print(found.prompt)
        if found.session:
            said = f"it goes on in session {found.session}; if that is gone, it is told all of it"
            click.echo(one_line(f"note: {said}"), err=True)
    else:
        click.echo(f"note: task `{task}` has no prompt: its program is told nothing", err=True)
    return ExitCode.DONE


def _meant(path: Path | None, tasks_dir: Path | None) -> tuple[Plan | None, Layout | None]:
    """Returns the plan and the run that are meant; at least one of them is there."""
    if path is None:
        try:
            return None, layout_of(tasks_dir)
        except EnvironmentProblem as error:
            if tasks_dir is not None:
                raise
            if not Path(_USUAL).is_file():
                what = f"there is no `_tasks` directory here or above, and no `{_USUAL}` here"
                hint = "name the plan with `--plan PLAN`, or the run with `--tasks-dir DIR`"
                raise EnvironmentProblem(Problem(what, str(Path.cwd()), hint)) from error
    plan = load_plan(path or Path(_USUAL))
    if tasks_dir is not None:
        return plan, layout_of(tasks_dir)
    layout = Layout(plan.cwd / "_tasks")
    record = peek_run(layout)
    known = record is not None and record.plan.get("source") == str(plan.source)
    return plan, layout if known else None


def _facts(found: Told) -> dict[str, object]:
    return {
        "task": found.task,
        "attempt": found.attempt,
        "given": found.given,
        "session": found.session,
        "prompt": found.prompt.decode("utf-8", "replace"),
    }


def _print(prompt: bytes) -> None:
    # A file gets it as it is, a terminal only text.
    if sys.stdout.isatty():
        prompt = clean(prompt.decode("utf-8", "replace")).encode("utf-8", "replace")
    sys.stdout.buffer.write(prompt)
    sys.stdout.buffer.flush()
