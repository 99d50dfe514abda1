"""`add`: a task joins a run, whether it goes on or not."""

import sys
from pathlib import Path

import click

from parallel_orchestra.cli.facts import answer
from parallel_orchestra.cli.options import json_option, layout_of, tasks_dir_option
from parallel_orchestra.conductor.byhand.adding import Added, add_task
from parallel_orchestra.errors import ExitCode
from parallel_orchestra.report.text import one_line


@click.command("add", short_help="add a task to a run")
@click.argument("file", type=click.Path(path_type=Path, allow_dash=True))
@tasks_dir_option
@json_option
def command(file: Path, tasks_dir: Path | None, as_json: bool) -> int:
    """Add the task in FILE (`-`: standard input) to the run: front matter, then the prompt.

    Its id is `id`, else the file's name. It may depend on all tasks of the run. Exit code 6: the
    run that is at work has not taken it in yet.
    """
    layout = layout_of(tasks_dir)
    data = sys.stdin.buffer.read() if str(file) == "-" else None
    added = add_task(layout, file, data)
    answer(added, [one_line(_words(added))], as_json=as_json)
    if added.by == "command":
        click.echo("`parallel-orchestra run PLAN --resume` carries it out", err=True)
    return ExitCode.DONE if added.by else ExitCode.UNFINISHED


def _words(added: Added) -> str:
    title = f": {added.title}" if added.title else ""
    after = f", after {' '.join(added.depends_on)}" if added.depends_on else ""
    if added.by:
        return f"task `{added.task}` joined the run{after}{title}"
    return f"task `{added.task}` lies in `available/`; the run has not taken it in yet"
