"""`retry`, `unlock` and `recover`: what a person does to tasks that others had."""

import os
import sys
from pathlib import Path

import click

from parallel_orchestra.api import default_settings
from parallel_orchestra.cli.completing import tasks_here
from parallel_orchestra.cli.facts import answer
from parallel_orchestra.cli.failures import usage
from parallel_orchestra.cli.options import (
    json_option,
    layout_of,
    tasks_dir_option,
    wait_option,
)
from parallel_orchestra.conductor.byhand.freeing import Freed, free_task
from parallel_orchestra.conductor.byhand.recovering import Healing
from parallel_orchestra.conductor.byhand.recovering import recover as recover_run
from parallel_orchestra.conductor.byhand.retrying import Retried, retry_tasks
from parallel_orchestra.errors import ExitCode
from parallel_orchestra.report.text import one_line
from parallel_orchestra.states import TaskState

_UNDONE = "task `{task}` was put back to be done once more; its undone work stays so"
_SAID = {
    TaskState.FAILED: "task `{task}` was put back: its work so far is kept in git",
    TaskState.DONE: "task `{task}` was put back to be done once more, on top of its merged work",
    TaskState.AVAILABLE: "task `{task}` waits already: nothing moved",
}
_HOW = "a run that goes on takes it up by itself; else go on with `parallel-orchestra run PLAN --resume`"


@click.command("retry", short_help="put failed or finished tasks back, to be done again")
@click.argument("tasks", nargs=-1, required=True, metavar="TASK...", shell_complete=tasks_here)
@tasks_dir_option
@json_option
@click.option(
    "--feedback",
    metavar="TEXT",
    help="What the next attempt is told, at the end of its prompt; `-` reads it from stdin.",
)
def retry(
    tasks: tuple[str, ...], tasks_dir: Path | None, as_json: bool, feedback: str | None
) -> int:
    """Put each TASK back, to be done again."""
    layout = layout_of(tasks_dir)
    text = sys.stdin.read() if feedback == "-" else feedback
    if text is not None and not text.strip():
        raise usage("the feedback is empty", "leave out `--feedback`, or say something")
    done = retry_tasks(layout, tasks, text or "", os.environ)
    answer(done, map(_retried, done), as_json=as_json)
    if not as_json:
        click.echo(_HOW, err=True)
    return ExitCode.DONE


def _retried(one: Retried) -> str:
    heard = "; its next attempt is told what you said" if one.feedback else ""
    said = _UNDONE if one.undone else _SAID[one.was]
    return said.format(task=one.task) + heard


@click.command("unlock", short_help="take a task from a worker that holds it")
@click.argument("task", shell_complete=tasks_here)
@tasks_dir_option
@json_option
@wait_option
@click.option("--force", is_flag=True, help="Also from an owner that may be alive: it can't merge.")
def unlock(task: str, tasks_dir: Path | None, as_json: bool, wait: float, force: bool) -> int:
    """Take TASK from whoever holds it, so that it can be done by somebody else."""
    layout = layout_of(tasks_dir)
    freed = free_task(layout, task, default_settings(), force=force, wait=wait)
    if freed is None:
        raise usage(f"somebody else moved task `{task}` first", f"`parallel-orchestra why {task}`")
    answer(freed, map(one_line, _freed(freed)), as_json=as_json)
    if not as_json:
        click.echo(_HOW, err=True)
    return ExitCode.DONE


def _freed(freed: Freed) -> list[str]:
    if freed.target is TaskState.DONE:
        return [f"task `{freed.task}` is done: its work was merged already"]
    lines = [f"task `{freed.task}` is free: {freed.reason}"]
    if freed.later:
        lines.append(f"its owner may be alive; what it wrote will be kept under {freed.ref}")
    elif freed.ref:
        lines.append(f"what its owner wrote is kept under {freed.ref}")
    else:
        lines.append("its owner left no work that is not merged or kept")
    return lines


@click.command("recover", short_help="free what the dead hold, and mend what was left half-done")
@tasks_dir_option
@json_option
@wait_option
def recover(tasks_dir: Path | None, as_json: bool, wait: float) -> int:
    """Free what the dead hold, finish what is merged, and clear away what killed programs left.

    Every worker does the same on its own, again and again. It does no harm beside them.
    """
    layout = layout_of(tasks_dir)
    healing = recover_run(layout, default_settings(), wait)
    answer(healing, map(one_line, _healed(healing)), as_json=as_json)
    return ExitCode.DONE


def _healed(healing: Healing) -> list[str]:
    lines = []
    for move in healing.moves:
        kept = f"; unmerged work is kept under {move.ref}" if move.ref else ""
        lines.append(f"moved {move.task}: {move.source}/ -> {move.target}/: {move.reason}{kept}")
    lines += [f"mended: {remark}" for remark in healing.remarks]
    lines += [f"removed the remains of the worktree {path}" for path in healing.debris.removed]
    lines += [f"repaired the HEAD of the worktree {path}" for path in healing.debris.repaired]
    if not lines:
        lines.append("nothing had to be mended")
    lines += [f"left {one.task}: {one.life.value}: {one.reason}" for one in healing.left]
    lines += [f"left {name}: not the name of a task file" for name in healing.strange]
    return lines
