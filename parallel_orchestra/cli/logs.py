"""`logs`: what agents did and said, once or for as long as it goes on."""

import sys
import time
from pathlib import Path

import click

from parallel_orchestra.cli.completing import tasks_here
from parallel_orchestra.cli.failures import usage
from parallel_orchestra.cli.following import Attempt, Out, Records, TaskLog
from parallel_orchestra.cli.options import layout_of, tasks_dir_option
from parallel_orchestra.conductor.acts import claimed, log_readers_of
from parallel_orchestra.conductor.byhand import no_such_task
from parallel_orchestra.conductor.picture import read_record
from parallel_orchestra.errors import EnvironmentProblem, ExitCode, Problem
from parallel_orchestra.plan import plan_from_json
from parallel_orchestra.store import Layout

_PAUSE = 0.2


@click.command("logs", short_help="show what tasks' agents did and said")
@click.argument("tasks", nargs=-1, required=True, metavar="TASK...", shell_complete=tasks_here)
@tasks_dir_option
@click.option("-f", "--follow", is_flag=True, help="Go on until the tasks have ended.")
@click.option(
    "--attempt", type=click.IntRange(min=1), metavar="N", help="Which attempt (default: the last)."
)
@click.option("--raw", is_flag=True, help="Show what the agent printed, as it is.")
@click.option(
    "--json", "as_json", is_flag=True, help="Print an object of JSON for each line, with its place."
)
def command(
    tasks: tuple[str, ...],
    tasks_dir: Path | None,
    follow: bool,
    attempt: int | None,
    raw: bool,
    as_json: bool,
) -> int:
    """Show what each TASK's agent did and said, and what `verify` and QA printed.

    One line for each act: what it did, with what, and whether it went well. Of several tasks, each
    line begins with the task. A set-up is shown where it failed.

    With -f, also the attempts that follow; it ends when the tasks have ended, or when nobody is at
    work on them any more.
    """
    layout = layout_of(tasks_dir)
    plan = plan_from_json(read_record(layout).plan)
    readers = log_readers_of(plan)
    for task in tasks:
        if task not in readers:
            raise no_such_task(layout, task, list(readers))
    chosen = dict.fromkeys(tasks)
    longest = max(map(len, chosen)) if len(chosen) > 1 else 0
    logs = [
        TaskLog(
            layout,
            task,
            Records(task) if as_json else Out(task.ljust(longest) if longest else ""),
            readers[task],
            attempt,
            raw=raw,
        )
        for task in chosen
    ]
    if not follow or attempt is not None:
        _demand_one(layout, logs, attempt)
    _show(logs, follow=follow)
    if not follow and not any(log.said for log in logs):
        raise EnvironmentProblem(_nothing(layout, logs[0].task, logs[0].why_over()))
    return ExitCode.DONE


def _nothing(layout: Layout, task: str, ended: str) -> Problem:
    how = {"done": "is done, and", "failed": "has failed, and"}.get(ended, "has")
    return Problem(f"task `{task}` {how} printed nothing", str(layout.attempts / task))


def _show(logs: list[TaskLog], *, follow: bool) -> None:
    while logs:
        # Asked before reading: what was written until the end is then read in any case.
        ends = [log.why_over() if follow else "shown" for log in logs]
        for log, why in zip(logs, ends, strict=True):
            log.read(last=bool(why))
        sys.stdout.buffer.flush()
        for log, why in zip(logs, ends, strict=True):
            if why not in ("", "shown", "done", "failed", "ended"):
                click.echo(f"{log.task}: {why}", err=True)
        logs = [log for log, why in zip(logs, ends, strict=True) if not why]
        if logs:
            time.sleep(_PAUSE)


def _demand_one(layout: Layout, logs: list[TaskLog], number: int | None) -> None:
    """Refuses to show nothing at all.

    Raises:
        UsageError: a task has no attempt of that number.
        EnvironmentProblem: none of the tasks was begun.
    """
    for log in logs:
        if number is not None and not log.attempts():
            had = len(Attempt.all_of(layout, log.task))
            raise usage(f"task `{log.task}` has no attempt {number}", f"it had {had}")
    if not any(log.attempts() for log in logs):
        task = logs[0].task
        where = str(layout.attempts / task)
        if logs[0].why_over() == "done":
            raise EnvironmentProblem(_nothing(layout, task, "done"))
        if claimed(layout, task):
            what = f"task `{task}` has printed nothing yet"
            hint = f"`parallel-orchestra logs {task} -f` shows what comes"
            raise EnvironmentProblem(Problem(what, where, hint))
        raise EnvironmentProblem(
            Problem(
                f"task `{task}` was not begun yet",
                where,
                f"`parallel-orchestra why {task}` says what it waits for",
            )
        )
