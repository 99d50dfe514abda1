"""`claim` and `heartbeat`: a person, an agent or a script takes a task and keeps it."""

import time
from dataclasses import replace
from pathlib import Path

import click

from parallel_orchestra.api import default_settings
from parallel_orchestra.cli.completing import tasks_here
from parallel_orchestra.cli.facts import answer, told
from parallel_orchestra.cli.options import (
    absolute,
    json_option,
    layout_of,
    my_task_options,
    tasks_dir_option,
    worktree_root_option,
)
from parallel_orchestra.conductor.byhand.claiming import Nothing, Taken, claim_task, renew
from parallel_orchestra.errors import ExitCode
from parallel_orchestra.report.text import clean, one_line, span


@click.command("claim", short_help="take a task, to do it yourself")
@click.argument("task", required=False, default="", shell_complete=tasks_here)
@tasks_dir_option
@json_option
@worktree_root_option
def claim(task: str, tasks_dir: Path | None, as_json: bool, worktree_root: Path | None) -> int:
    """Take TASK, or the one that should be next, and get a worktree to do it in.

    It is yours for 30 minutes; `heartbeat` renews that. End it with `complete`, `fail` or
    `release`. Exit code 6: nothing may start at this moment, ask again; 1: nothing ever will
    without your help.
    """
    layout = layout_of(tasks_dir)
    settings = default_settings()
    settings = replace(settings, worktree_root=absolute(worktree_root) or settings.worktree_root)
    found = claim_task(layout, settings, task)
    if as_json:
        click.echo(told({"task": None, **_fields(found)} if isinstance(found, Nothing) else found))
    elif isinstance(found, Taken):
        click.echo("\n".join(_taken(found)))
        click.echo(f"then `parallel-orchestra complete {found.task}`", err=True)
    else:
        click.echo(one_line(found.reason), err=True)
    if isinstance(found, Taken):
        return ExitCode.DONE
    return ExitCode.UNFINISHED if found.more else ExitCode.TASK_FAILED


def _fields(found: Nothing) -> dict[str, object]:
    return {"more": found.more, "reason": found.reason}


def _taken(found: Taken) -> list[str]:
    until = time.strftime("%H:%M:%S", time.localtime(found.lease_end))
    title = f": {found.title}" if found.title else ""
    lines = [
        one_line(f"task {found.task}, attempt {found.attempt}, is yours{title}"),
        f"until     {until}, {span(found.lease_sec)} from now; `heartbeat` renews it",
        f"worktree  {clean(found.worktree)}",
        f"base      {found.base}",
    ]
    if found.prompt_file:
        lines.append(f"prompt    {clean(found.prompt_file)}")
    lines += [one_line(f"verify    {command}") for command in found.verify]
    lines.append(f"owner     {found.owner}")
    return lines


@click.command("heartbeat", short_help="keep a task that you claimed for another 30 minutes")
@my_task_options
def heartbeat(task: str, tasks_dir: Path | None, as_json: bool, owner: str) -> int:
    """Say that you are still at work on TASK: it stays yours for another 30 minutes.

    Exit code 4: it is not yours any more.
    """
    layout = layout_of(tasks_dir)
    lease = renew(layout, task, owner)
    end = time.time() + lease
    until = time.strftime("%H:%M:%S", time.localtime(end))
    lines = [f"task {task} is yours until {until}, {span(lease)} from now"]
    answer({"task": task, "lease_sec": lease, "lease_end": end}, lines, as_json=as_json)
    return ExitCode.DONE
