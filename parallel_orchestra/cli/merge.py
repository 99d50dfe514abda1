"""`merge`: what a person resolved, or finds good as it is, is merged after all."""

from dataclasses import asdict
from pathlib import Path

import click

from parallel_orchestra.api import default_settings
from parallel_orchestra.cli.completing import tasks_here
from parallel_orchestra.cli.facts import answer, told
from parallel_orchestra.cli.options import json_option, layout_of, tasks_dir_option
from parallel_orchestra.cli.passing import Passing
from parallel_orchestra.conductor.byhand.resolving import Accepted, Declined, merge_task
from parallel_orchestra.errors import ExitCode
from parallel_orchestra.model import FailureClass
from parallel_orchestra.report.text import clean, one_line, short, short_ref

_HOW = (
    "a run that is at work goes on with what waited for it; else `parallel-orchestra run PLAN "
    "--resume` does, and delivers it"
)


@click.command("merge", short_help="merge what a failed task left, once it is resolved")
@click.argument("task", shell_complete=tasks_here)
@tasks_dir_option
@json_option
@click.option(
    "--from",
    "revision",
    default="",
    metavar="REV",
    help="Merge that branch or commit instead of the one that keeps the task's work.",
)
def command(task: str, tasks_dir: Path | None, as_json: bool, revision: str) -> int:
    """Verify and merge the work that TASK left, as you have resolved it, and end the task as done.

    What is merged is the branch or ref that `why TASK` names, as it is at this moment. Works beside
    a run and without one. Exit code 1: a `verify` failed; 4: it conflicts with what was merged.
    Both leave the task where it was.
    """
    layout = layout_of(tasks_dir)
    with Passing() as passing:
        passing.say(f"verifying and merging {task}")
        end = merge_task(layout, default_settings(), task, revision=revision)
    if isinstance(end, Accepted):
        answer({"outcome": "merged", **asdict(end)}, [_accepted(end)], as_json=as_json)
        if not as_json:
            click.echo(_HOW, err=True)
        return ExitCode.DONE
    if as_json:
        click.echo(told({"outcome": "declined", **asdict(end)}))
    click.echo("\n".join(_declined(end)), err=True)
    conflict = end.failure is FailureClass.CONFLICT
    return ExitCode.WAITS_FOR_PERSON if conflict else ExitCode.TASK_FAILED


def _accepted(end: Accepted) -> str:
    already = " already" if end.already else ""
    return f"task {end.task} is done{already}, merged as {short(end.commit)}"


def _declined(end: Declined) -> list[str]:
    lines = [one_line(f"task {end.task} can't be merged: {end.failure.value}: {end.reason}")]
    lines += [f"  {clean(line)}" for line in end.detail.strip("\n").splitlines()]
    lines += [f"  conflict: {one_line(name)}" for name in end.files]
    kept, again = one_line(short_ref(end.ref)), f"parallel-orchestra merge {end.task}"
    if not end.ref.startswith("refs/heads/"):
        how = f"`git switch -c mended {kept}`, mend it, commit, then `{again} --from mended`"
    elif end.failure is FailureClass.CONFLICT:
        how = f"on {kept}: `git merge {end.integration}`, resolve, commit, then `{again}`"
    else:
        how = f"mend it on {kept}, commit, then `{again}`"
    return [*lines, f"hint: {how}"]
