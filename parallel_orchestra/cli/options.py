"""Options that several commands have, and what they mean for `Settings` and `_tasks/`."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from parallel_orchestra.cli.completing import tasks_here
from parallel_orchestra.cli.resting import found_tasks_dir
from parallel_orchestra.errors import EnvironmentProblem, Problem
from parallel_orchestra.isolation import home_of
from parallel_orchestra.store import Layout

Command = TypeVar("Command", bound=Callable[..., Any])

_PATH = click.Path(path_type=Path)

_UNITS = ("", "K", "M", "G", "T")
_SIZE = re.compile(r"([0-9]{1,15}(?:\.[0-9]{1,3})?) ?([kmgtKMGT]?)(?:i?[bB])?")


def size(text: str) -> int:
    """Returns the bytes that `512M`, `2G` or a plain number means.

    Raises:
        click.BadParameter: it is no size.
    """
    found = _SIZE.fullmatch(text.strip())
    if found is None:
        raise click.BadParameter(f"`{text}` is no size: write 512M, 2G or a number of bytes")
    return int(float(found[1]) * 1024 ** _UNITS.index((found[2] or "").upper()))


def tasks_dir_option(function: Command) -> Command:
    """Adds `--tasks-dir` for commands that look at a run."""
    return click.option(
        "--tasks-dir",
        type=_PATH,
        metavar="DIR",
        help="The run's task directory (default: `_tasks` here or in a folder above).",
    )(function)


def json_option(function: Command) -> Command:
    """Adds `--json`."""
    return click.option("--json", "as_json", is_flag=True, help="Print JSON.")(function)


def verbose_option(function: Command) -> Command:
    """Adds `-v` for commands that show what they are at on a terminal only."""
    return click.option(
        "-v", "--verbose", is_flag=True, help="Say what it is at in lines, a terminal or not."
    )(function)


def reason_option(function: Command) -> Command:
    """Adds `--reason` for what a person asks of a run."""
    return click.option(
        "-r", "--reason", default="", metavar="TEXT", help="Why: `status` and `why` show it."
    )(function)


def owner_option(function: Command) -> Command:
    """Adds `--owner` for commands that act on a person's claim."""
    return click.option(
        "--owner",
        default=lambda: _owner_here(Path.cwd()),
        metavar="OWNER",
        help="Only if this owner, as `claim` said, has it (default: that of the worktree here).",
    )(function)


def my_task_options(function: Command) -> Command:
    """Adds TASK and what else a command takes that acts on a person's own claim."""
    for option in (
        owner_option,
        json_option,
        tasks_dir_option,
        click.argument("task", shell_complete=tasks_here),
    ):
        function = option(function)
    return function


def wait_option(function: Command) -> Command:
    """Adds `--wait` for commands that judge owners who may be out of sight."""
    return click.option(
        "--wait",
        type=click.FloatRange(min=0),
        default=0.0,
        metavar="SECONDS",
        help="Watch owners that are out of sight for so long at most: one look can't tell.",
    )(function)


def worktree_root_option(function: Command) -> Command:
    """Adds `--worktree-root`."""
    return click.option(
        "--worktree-root",
        type=_PATH,
        metavar="DIR",
        help="Where worktrees are made (default: PO_WORKTREE_ROOT, else the user's cache).",
    )(function)


def selection_options(function: Command) -> Command:
    """Adds what chooses some of a plan's tasks."""
    for option in reversed(
        (
            click.option(
                "--only",
                multiple=True,
                shell_complete=tasks_here,
                metavar="TASK[,TASK]",
                help="Carry out these tasks and what they need, no other.",
            ),
            click.option(
                "--skip",
                multiple=True,
                shell_complete=tasks_here,
                metavar="TASK[,TASK]",
                help="Leave out these tasks and what needs them.",
            ),
            click.option(
                "--retry-failed",
                is_flag=True,
                help="Go on with a run: only what failed, and what was skipped for that.",
            ),
            click.option(
                "--one-group",
                is_flag=True,
                help="Carry out what may run as things stand, then end; the next call goes on.",
            ),
        )
    ):
        function = option(function)
    return function


def crew_options(function: Command) -> Command:
    """Adds what holds for every process that works on tasks."""
    for option in reversed(
        (
            click.option(
                "--claude-exe",
                default="claude",
                show_default=True,
                metavar="PROGRAM",
                help="The program that `backend: claude` runs.",
            ),
            worktree_root_option,
            click.option(
                "--keep-worktrees",
                is_flag=True,
                help="Leave each attempt's worktree behind to look at; so does PO_KEEP_WORKTREE=1.",
            ),
            click.option(
                "--min-memory",
                type=size,
                metavar="SIZE",
                help="Start no task while less memory is available: 512M, 2G, 0 for no limit "
                "(default: 512M, on small machines a tenth of all).",
            ),
            click.option(
                "--max-load",
                type=click.FloatRange(min=0, min_open=True),
                metavar="LOAD",
                help="Start no task while the machine's load is above (default: no limit).",
            ),
            click.option(
                "--start-gap",
                type=click.FloatRange(min=0, max=3600),
                metavar="SECONDS",
                help="About so much time between the starts of two agents of one backend "
                "(default: PO_START_GAP, else what the backend needs).",
            ),
        )
    ):
        function = option(function)
    return function


def progress_options(function: Command) -> Command:
    """Adds what says how a run is shown while it runs."""
    for option in reversed(
        (
            click.option(
                "--progress",
                type=click.Choice(["auto", "live", "plain", "json", "quiet"]),
                help="How to show the run: a `live` picture, `plain` lines, events as lines of "
                "`json` on stdout, only what failed with `quiet` (default: `auto`, a picture on a "
                "terminal, but not in CI, else lines).",
            ),
            click.option("-q", "--quiet", is_flag=True, help="Say only what failed."),
            click.option(
                "-v", "--verbose", is_flag=True, help="Say also what starts and what is merged."
            ),
            click.option(
                "--dashboard/--no-dashboard",
                default=None,
                help="The same as `--progress live` and `--progress plain`.",
            ),
        )
    ):
        function = option(function)
    return function


def tasks_dir_of(plan: Path | None, named: Path | None, directory: Path) -> Path:
    """Returns the task directory that is meant, of the run of that plan if one is given.

    Raises:
        PlanError: the plan can't be read.
        EnvironmentProblem: there is none, or it holds the run of another plan.
    """
    if plan is None:
        return found_tasks_dir(named, directory)
    # most look at the run that they stand in, and read no plan
    from parallel_orchestra.plan import source_and_project  # noqa: PLC0415
    from parallel_orchestra.store.records import peek_run  # noqa: PLC0415

    source, project = source_and_project(plan)
    root = absolute(named) or project / "_tasks"
    record = peek_run(Layout(root))
    if record is not None and Path(str(record.plan.get("source", ""))) != source:
        raise EnvironmentProblem(
            Problem(
                f"the task directory holds the run of another plan, {record.plan.get('source')}",
                str(root),
                "name the directory of this one with `--tasks-dir DIR`",
            )
        )
    return root


def layout_of(named: Path | None) -> Layout:
    """Returns the task directory that is meant, as `found_tasks_dir` finds it from here."""
    return Layout(found_tasks_dir(named, Path.cwd()))


def _owner_here(directory: Path) -> str:
    """Returns whose claim the worktree is for that a directory lies in; empty if it is none.

    Who lost a claim must not complete that of the next person by mistake.
    """
    for folder in (directory, *directory.parents):
        home = home_of(folder)
        if home is not None:
            return home[1]
    return ""


def absolute(path: Path | None) -> Path | None:
    """Returns the path from the root, seen from this process's directory; None stays None."""
    return None if path is None else Path.cwd() / path
