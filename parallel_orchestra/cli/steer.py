"""`pause`, `resume-run`, `stop` and `cancel`: what a person asks of a run while it goes on."""

import os
import time
from pathlib import Path

import click

from parallel_orchestra.api import default_settings
from parallel_orchestra.cli.completing import tasks_here
from parallel_orchestra.cli.facts import answer
from parallel_orchestra.cli.options import (
    json_option,
    layout_of,
    reason_option,
    tasks_dir_option,
)
from parallel_orchestra.conductor.byhand.asking import (
    Cancelled,
    Heard,
    cancel_task,
    go_on,
    pause_run,
    stop_run,
)
from parallel_orchestra.errors import ExitCode
from parallel_orchestra.process import identity
from parallel_orchestra.report.text import one_line
from parallel_orchestra.states import TaskState
from parallel_orchestra.store.steering import Asked

_RESUME = "`parallel-orchestra run PLAN --resume`"


@click.command("pause", short_help="let a run start no more tasks")
@tasks_dir_option
@json_option
@reason_option
def pause(tasks_dir: Path | None, as_json: bool, reason: str) -> int:
    """Let no process of the run start a task, until `resume-run`. Running tasks may finish.

    It holds for claims by hand too, and after a crash: a run that is resumed is paused still.
    """
    layout = layout_of(tasks_dir)
    heard = pause_run(layout, _asked(reason))
    again = "" if heard.changed else " already"
    why = f": {heard.reason}" if heard.reason else ""
    _say(heard, f"the run is paused{again}, by {heard.by}{why}", as_json=as_json)
    if not heard.processes:
        click.echo("nobody is at work; who resumes the run waits for `resume-run`", err=True)
    return ExitCode.DONE


@click.command("resume-run", short_help="let a paused run go on")
@tasks_dir_option
@json_option
def resume_run(tasks_dir: Path | None, as_json: bool) -> int:
    """Let a paused run start tasks again."""
    layout = layout_of(tasks_dir)
    heard = go_on(layout, _asked(""))
    line = "the run goes on" if heard.changed else "the run was not paused"
    _say(heard, line, as_json=as_json)
    if not heard.processes:
        click.echo(f"nobody is at work: {_RESUME} goes on with it", err=True)
    return ExitCode.DONE


@click.command("stop", short_help="let a run end before its time")
@tasks_dir_option
@json_option
@reason_option
@click.option("--now", is_flag=True, help="End running agents too; their tasks are given back.")
def stop(tasks_dir: Path | None, as_json: bool, reason: str, now: bool) -> int:
    """Let all processes of the run end, once their running tasks have; `--resume` goes on.

    The same as Ctrl-C, from anywhere.
    """
    layout = layout_of(tasks_dir)
    heard = stop_run(layout, _asked(reason), now=now)
    if not heard.processes:
        _say(heard, "nobody is at work: there is nothing to stop", as_json=as_json)
        return ExitCode.DONE
    how = "ends its agents" if now else "ends after its running tasks"
    _say(heard, f"asked to stop: the run {how}", as_json=as_json)
    return ExitCode.DONE


@click.command("cancel", short_help="end a task that is not wanted any more")
@click.argument("task", shell_complete=tasks_here)
@tasks_dir_option
@json_option
@reason_option
@click.option(
    "--wait",
    type=click.FloatRange(min=0),
    default=30.0,
    show_default=True,
    metavar="SECONDS",
    help="How long to wait until a running task's agent has ended.",
)
def cancel(task: str, tasks_dir: Path | None, as_json: bool, reason: str, wait: float) -> int:
    """End TASK, whether it runs or waits; it lies in `failed/` then, until `retry`.

    What its agent wrote is kept. Tasks that need it are skipped. Exit code 6: it was asked for, but
    the agent has not ended yet; 1: the task was done before.
    """
    layout = layout_of(tasks_dir)
    end = cancel_task(layout, task, _asked(reason), default_settings(), wait)
    answer(end, _cancelled(end), as_json=as_json)
    codes = {TaskState.FAILED: ExitCode.DONE, TaskState.DONE: ExitCode.TASK_FAILED}
    return codes.get(end.state, ExitCode.UNFINISHED)


def _cancelled(end: Cancelled) -> list[str]:
    if end.state is TaskState.DONE:
        return [f"too late: task `{end.task}` is done"]
    if end.state is not TaskState.FAILED:
        return [one_line(f"{end.owner or 'the next look'} was asked to end task `{end.task}`")]
    lines = [f"task `{end.task}` is cancelled; `parallel-orchestra retry {end.task}` has it done"]
    if end.ref:
        lines.append(f"what its agent wrote is kept under {end.ref}")
    return lines


def _say(heard: Heard, line: str, *, as_json: bool) -> None:
    lines = [one_line(line), *(f"  {one_line(process)}" for process in heard.processes)]
    answer(heard, lines, as_json=as_json)


def _asked(reason: str) -> Asked:
    who = os.environ.get("USER") or os.environ.get("LOGNAME") or str(os.getuid())
    return Asked(f"{who}@{identity.host_name()}", time.time(), one_line(reason))
