"""`retry` and `unlock`: what a person does to single tasks."""

from pathlib import Path

import click

from parallel_orchestra.api import default_settings
from parallel_orchestra.cli.failures import usage
from parallel_orchestra.cli.options import found_tasks_dir, tasks_dir_option
from parallel_orchestra.conductor.byhand import Retried, free_task, retry_task
from parallel_orchestra.errors import ExitCode
from parallel_orchestra.store import Layout

_SAID = {
    Retried.FAILED: "task `{task}` was put back: its work so far is kept in git",
    Retried.DONE: "task `{task}` was put back to be done once more, on top of its merged work",
    Retried.WAITING: "task `{task}` waits already: nothing changed",
}
_HOW = "a run that goes on takes it up by itself; else go on with `parallel-orchestra run PLAN --resume`"


@click.command("retry", short_help="put a failed or finished task back, to be done again")
@click.argument("task")
@tasks_dir_option
def retry(task: str, tasks_dir: Path | None) -> int:
    """Put TASK back, to be done again."""
    layout = Layout(found_tasks_dir(tasks_dir, Path.cwd()))
    click.echo(_SAID[retry_task(layout, task)].format(task=task))
    click.echo(_HOW, err=True)
    return ExitCode.DONE


@click.command("unlock", short_help="take a task from a worker that holds it")
@click.argument("task")
@tasks_dir_option
@click.option("--force", is_flag=True, help="Also from an owner that may be alive: it can't merge.")
def unlock(task: str, tasks_dir: Path | None, force: bool) -> int:
    """Take TASK from whoever holds it, so that it can be done by somebody else."""
    layout = Layout(found_tasks_dir(tasks_dir, Path.cwd()))
    if not free_task(layout, task, default_settings(), force=force):
        raise usage(f"somebody else moved task `{task}` first", f"`parallel-orchestra why {task}`")
    click.echo(f"task `{task}` is free")
    click.echo(_HOW, err=True)
    return ExitCode.DONE
