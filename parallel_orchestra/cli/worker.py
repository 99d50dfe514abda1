"""`worker`: joins a run that somebody else conducts."""

import os
import shlex
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import click

from parallel_orchestra.api import default_settings
from parallel_orchestra.cli.options import (
    absolute,
    crew_options,
    progress_options,
    tasks_dir_option,
)
from parallel_orchestra.cli.resting import found_tasks_dir
from parallel_orchestra.cli.screen import Progress, progress_of, screen_for
from parallel_orchestra.cli.signals import signals_lead_to
from parallel_orchestra.conductor import Control, join
from parallel_orchestra.errors import ExitCode
from parallel_orchestra.report.figures import headline


@click.command("worker", short_help="join a run from another terminal")
@tasks_dir_option
@click.option(
    "-j",
    "--max-workers",
    type=click.IntRange(min=1),
    default=1,
    show_default=True,
    metavar="N",
    help="How many agents this process runs at once at most.",
)
@crew_options
@progress_options
def command(
    tasks_dir: Path | None,
    max_workers: int,
    claude_exe: str,
    worktree_root: Path | None,
    keep_worktrees: bool,
    min_memory: int | None,
    max_load: float | None,
    start_gap: float | None,
    progress: str | None,
    quiet: bool,
    verbose: bool,
    dashboard: bool | None,
) -> int:
    """Work on the tasks of a run until none is left that could be done; then exit with 0."""
    found = default_settings(
        max_workers=max_workers, claude_exe=claude_exe, min_memory=min_memory, max_load=max_load
    )
    settings = replace(
        found,
        worktree_root=absolute(worktree_root) or found.worktree_root,
        keep_worktrees=keep_worktrees or found.keep_worktrees,
        start_gap=found.start_gap if start_gap is None else start_gap,
    )
    root = found_tasks_dir(tasks_dir, Path.cwd())
    control = Control()
    how = progress_of(progress, quiet=quiet, verbose=verbose, dashboard=dashboard)
    elsewhere = f" --tasks-dir {shlex.quote(str(root))}" if tasks_dir is not None else ""
    screen = screen_for(os.environ, how, verbose=verbose, elsewhere=elsewhere)
    with ExitStack() as stack:
        stack.enter_context(screen)
        stack.enter_context(signals_lead_to(control, screen.note))
        report = join(root, settings, max_workers, control, screen.tell, screen.hear)
    click.echo(headline(report), err=how is Progress.JSON)
    return control.exit_code or ExitCode.DONE
