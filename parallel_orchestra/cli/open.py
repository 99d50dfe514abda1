"""`open`: what a task left, or its agent's session, for a person to look at and to go on with."""

import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import click

from parallel_orchestra.api import default_settings
from parallel_orchestra.cli.completing import tasks_here
from parallel_orchestra.cli.facts import told
from parallel_orchestra.cli.options import (
    absolute,
    json_option,
    layout_of,
    tasks_dir_option,
    worktree_root_option,
)
from parallel_orchestra.conductor.byhand.visiting import Afterwards, talk, visit
from parallel_orchestra.config import Settings
from parallel_orchestra.errors import EnvironmentProblem, ExitCode, Problem
from parallel_orchestra.report.text import clean, one_line
from parallel_orchestra.store import Layout


@click.command("open", short_help="open what a task left, or its agent's session")
@click.argument("task", shell_complete=tasks_here)
@click.option("--session", is_flag=True, help="Go on with the session of its last agent.")
@click.option("--print", "only_print", is_flag=True, help="Print the path, start no shell.")
@tasks_dir_option
@worktree_root_option
@json_option
def command(
    task: str,
    session: bool,
    only_print: bool,
    tasks_dir: Path | None,
    worktree_root: Path | None,
    as_json: bool,
) -> int:
    """Open the files of TASK: a shell there on a terminal, else its path is printed.

    With --json the path, and with --session what is to be called there, and nothing is started.

    Of a running task it is the worktree of its agent; of one that ended, a worktree of your own
    with its merge or with what its last attempt had written. It stays until `clean` removes it.
    """
    layout = layout_of(tasks_dir)
    settings = default_settings()
    settings = replace(settings, worktree_root=absolute(worktree_root) or settings.worktree_root)
    if session:
        return _talk(layout, settings, task, only_print=only_print, as_json=as_json)
    with visit(layout, settings, task) as found:
        if as_json:
            click.echo(told({"task": task, "what": found.what, "path": found.path}))
            return ExitCode.DONE
        click.echo(one_line(f"{task}: {found.what}"), err=True)
        if only_print or not (sys.stdin.isatty() and sys.stdout.isatty()):
            click.echo(clean(str(found.path)))
            return ExitCode.DONE
        click.echo(clean(str(found.path)), err=True)
        _start((os.environ.get("SHELL") or "/bin/sh",), found.path)
    return ExitCode.DONE


def _talk(layout: Layout, settings: Settings, task: str, *, only_print: bool, as_json: bool) -> int:
    afterwards = Afterwards()
    with talk(layout, settings, task, afterwards) as found:
        if as_json:
            click.echo(told({"task": task, "path": found.path, "command": found.argv}))
            return ExitCode.DONE
        if only_print:
            click.echo(clean(str(found.path)))
            return ExitCode.DONE
        click.echo(one_line(f"{task}: in {found.path}: {' '.join(found.argv)}"), err=True)
        code = _start(found.argv, found.path)
    if afterwards.ref:
        click.echo(f"what was changed is kept in git under `{afterwards.ref}`", err=True)
    return ExitCode.DONE if code == 0 else ExitCode.TASK_FAILED


def _start(argv: Sequence[str], directory: Path) -> int:
    """Runs a program of the person's on this terminal; Ctrl-C is for it."""
    try:
        child = subprocess.Popen(argv, cwd=directory)
    except OSError as error:
        what = f"can't start `{argv[0]}`: {error.strerror or error}"
        raise EnvironmentProblem(
            Problem(what, str(directory), "install it, or mend PATH")
        ) from error
    while True:
        try:
            return child.wait()
        except KeyboardInterrupt:
            continue
