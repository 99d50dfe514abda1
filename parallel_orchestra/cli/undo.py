"""`undo`: takes a task's merged work back, by one commit on the integration branch."""

import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from parallel_orchestra.api import default_settings
from parallel_orchestra.cli.completing import tasks_here
from parallel_orchestra.cli.deliver import told
from parallel_orchestra.cli.failures import usage
from parallel_orchestra.cli.options import json_option, layout_of, tasks_dir_option
from parallel_orchestra.cli.passing import Passing
from parallel_orchestra.conductor.undo import Dependent, Prospect, TakenBack, UndoDesk
from parallel_orchestra.errors import ExitCode
from parallel_orchestra.report.text import one_line, short


@click.command("undo", short_help="take a task's merged work back")
@click.argument("task", shell_complete=tasks_here)
@tasks_dir_option
@json_option
@click.option("-y", "--yes", is_flag=True, help="Also if tasks that need it are done or at work.")
@click.option(
    "--with-dependents", is_flag=True, help="First undo the done tasks that need it, last to first."
)
@click.option("-m", "--message", default="", metavar="TEXT", help="Why, for the commit's message.")
def command(
    task: str,
    tasks_dir: Path | None,
    as_json: bool,
    yes: bool,
    with_dependents: bool,
    message: str,
) -> int:
    """Take back what TASK brought to the branch; it lies in `failed/` then, until `retry`.

    Nothing is changed if later work builds on it or the plan's `verify` fails without it.
    """
    layout = layout_of(tasks_dir)
    with UndoDesk(layout, default_settings()) as desk:
        prospect = desk.look(task)
        before = prospect.to_undo_before if with_dependents else ()
        _ask(prospect, [one for one in prospect.affected if one not in before], yes=yes)
        done: list[TakenBack] = []
        for one in (*(dependent.task for dependent in before), task):
            with Passing() as passing:
                passing.say(f"taking {one} back, and verifying what is left")
                done.append(desk.undo(desk.look(one), message))
            _say_undone(done[-1], as_json=as_json)
        delivery, later = desk.deliver() if prospect.delivered else (None, False)
    if as_json:
        click.echo(_as_json(prospect, done, delivery, later=later))
    elif later:
        click.echo("the run that is at work delivers it at its end")
    elif delivery is not None:
        click.echo(one_line(told(delivery)))
        if delivery.reason:
            click.echo(f"hint: once that is mended: `{delivery.command}`", err=True)
    click.echo(f"`parallel-orchestra retry {task}` has it done again", err=True)
    # with `deliver: never` there is no reason: the plan wants it so
    refused = delivery is not None and delivery.reason
    return ExitCode.WAITS_FOR_PERSON if refused else ExitCode.DONE


def _ask(prospect: Prospect, affected: Sequence[Dependent], *, yes: bool) -> None:
    """Asks whether it is meant if others have used the work.

    Raises:
        UsageError: nobody can be asked, and there is no `--yes`.
    """
    for line in _words(prospect):
        click.echo(line, err=True)
    if not affected or yes:
        return
    names = ", ".join(f"`{one.task}`" for one in affected)
    if sys.stdin.isatty():
        click.confirm("Undo it all the same?", abort=True, err=True)
        return
    raise usage(
        f"tasks that need `{prospect.task}` are done or at work: {names}; nothing was changed",
        f"`parallel-orchestra undo {prospect.task} --yes` undoes it alone, `--with-dependents` "
        "those that are done first",
    )


def _words(prospect: Prospect) -> list[str]:
    lines = [f"needs it: {_named(one)}" for one in prospect.dependents]
    lines += [
        one_line(f"later, in the same files: {one.what} ({', '.join(one.files)})")
        for one in prospect.overlaps
    ]
    return lines


def _named(one: Dependent) -> str:
    return f"{one.task} ({one.state}{'' if one.direct else ', through others'})"


def _say_undone(done: TakenBack, *, as_json: bool) -> None:
    if not as_json:
        click.echo(
            f"task `{done.task}` is undone: {short(done.merge)} taken back by {short(done.commit)}"
        )


def _as_json(prospect: Prospect, done: Sequence[TakenBack], delivery: Any, *, later: bool) -> str:
    found = {
        "task": prospect.task,
        "undone": [asdict(one) for one in done],
        "dependents": [asdict(one) for one in prospect.dependents],
        "overlaps": [asdict(one) for one in prospect.overlaps],
        "delivery": None if delivery is None else asdict(delivery),
        "delivered_by_run": later,
    }
    return json.dumps(found, indent=2)
