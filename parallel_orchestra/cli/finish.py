"""`complete`, `fail` and `release`: the end of an attempt by hand."""

from dataclasses import asdict
from pathlib import Path

import click

from parallel_orchestra.api import default_settings
from parallel_orchestra.cli.facts import answer, told
from parallel_orchestra.cli.failures import usage
from parallel_orchestra.cli.options import layout_of, my_task_options
from parallel_orchestra.cli.passing import Passing
from parallel_orchestra.conductor.byhand.finishing import (
    Completed,
    GivenUp,
    complete_task,
    give_up,
)
from parallel_orchestra.conductor.byhand.hand import Refused
from parallel_orchestra.errors import ExitCode
from parallel_orchestra.model import FailureClass
from parallel_orchestra.report.text import clean, one_line, short, span
from parallel_orchestra.states import TaskState


@click.command("complete", short_help="verify and merge what you made of a task")
@my_task_options
@click.option(
    "-m",
    "--message",
    default="",
    metavar="TEXT",
    help="The message for what is not committed yet (default: the task's title).",
)
@click.option(
    "--commit",
    "revision",
    default="",
    metavar="REV",
    help="Take that commit instead of what lies in the worktree.",
)
def complete(
    task: str, tasks_dir: Path | None, as_json: bool, owner: str, message: str, revision: str
) -> int:
    """Verify what lies in the worktree of TASK, merge it, and move the task to `done/`.

    Exit code 1: a `verify` failed, or nothing was changed; 4: it conflicts with what was merged
    meanwhile. Both leave the task yours: mend it and call again. 4 as well if the claim is lost.
    """
    layout = layout_of(tasks_dir)
    with Passing() as passing:
        passing.say(f"verifying and merging {task}")
        end = complete_task(
            layout, default_settings(), task, owner=owner, message=message, revision=revision
        )
    if isinstance(end, Completed):
        answer({"outcome": "completed", **asdict(end)}, _completed(end), as_json=as_json)
        return ExitCode.DONE
    if as_json:
        click.echo(told({"outcome": "refused", **asdict(end)}))
    click.echo("\n".join(_refused(end)), err=True)
    conflict = end.failure is FailureClass.CONFLICT
    return ExitCode.WAITS_FOR_PERSON if conflict else ExitCode.TASK_FAILED


def _completed(end: Completed) -> list[str]:
    merged = f", merged as {short(end.commit)}" if end.commit else ""
    lines = [f"task {end.task} is done{' already' if end.already else ''}{merged}"]
    if end.ref:
        lines.append(f"what was not part of it is kept under {end.ref}")
    return lines


def _refused(end: Refused) -> list[str]:
    lines = [one_line(f"task {end.task} can't be completed: {end.failure.value}: {end.reason}")]
    lines += [f"  {clean(line)}" for line in end.detail.strip("\n").splitlines()]
    lines += [f"  conflict: {one_line(name)}" for name in end.files]
    if end.failure is FailureClass.CONFLICT:
        how = f"commit there, `git merge {end.integration}`, resolve, commit"
    else:
        how = "mend it there"
    lines.append(f"it is still yours, for {span(end.lease_sec)}, in {clean(end.worktree)}")
    lines.append(f"hint: {how}, then `parallel-orchestra complete {end.task}`")
    return lines


@click.command("fail", short_help="say that a task that you claimed can't be done")
@my_task_options
@click.option("--reason", required=True, metavar="TEXT", help="Why; the next attempt is told so.")
@click.option("--final", is_flag=True, help="No other attempt would help: do not try again.")
def fail(
    task: str, tasks_dir: Path | None, as_json: bool, owner: str, reason: str, final: bool
) -> int:
    """Give TASK up: it counts as a failure, and is tried again if its `max_retries` allows it."""
    if not reason.strip():
        raise usage("the reason is empty", "say what went wrong")
    failure = FailureClass.PERMANENT if final else FailureClass.TRANSIENT
    return _gave_up(task, tasks_dir, failure, reason.strip(), owner=owner, as_json=as_json)


@click.command("release", short_help="give a task that you claimed back")
@my_task_options
def release(task: str, tasks_dir: Path | None, as_json: bool, owner: str) -> int:
    """Give TASK back for others to do; it does not count as a failure."""
    words = "released by hand"
    return _gave_up(task, tasks_dir, FailureClass.CANCELLED, words, owner=owner, as_json=as_json)


def _gave_up(
    task: str,
    tasks_dir: Path | None,
    failure: FailureClass,
    reason: str,
    *,
    owner: str,
    as_json: bool,
) -> int:
    layout = layout_of(tasks_dir)
    end = give_up(layout, default_settings(), task, failure, reason, owner=owner)
    answer(end, _given_up(end), as_json=as_json)
    return ExitCode.DONE


def _given_up(end: GivenUp) -> list[str]:
    where = "waits for another attempt" if end.target is TaskState.AVAILABLE else "has failed"
    lines = [f"task {end.task} {where}: it lies in `{end.target.value}/`"]
    if end.ref:
        lines.append(f"what you wrote is kept under {end.ref}")
    return lines
