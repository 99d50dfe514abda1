"""`clean`: says what old runs left and how much it is, and removes what may go."""

import contextlib
import json
import re
import shlex
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import click
from click.core import ParameterSource

from parallel_orchestra.api import default_settings
from parallel_orchestra.cli.failures import usage
from parallel_orchestra.cli.options import (
    absolute,
    json_option,
    layout_of,
    tasks_dir_option,
    verbose_option,
)
from parallel_orchestra.cli.passing import Passing
from parallel_orchestra.conductor.cleaning import Cleaner, PoolCleaner
from parallel_orchestra.conductor.leftovers import Choice, Leftover
from parallel_orchestra.conductor.picture import read_record, repository_of
from parallel_orchestra.config import Settings
from parallel_orchestra.errors import ExitCode
from parallel_orchestra.git import Repo
from parallel_orchestra.report.text import amount, one_line

_AGE = re.compile(r"(?P<number>[0-9]{1,6})(?P<unit>[smhdw])")
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}


#: What makes no sense of the pool alone, which is no run's.
_OF_RUNS = ("tasks_dir", "older_than", "run", "salvage", "kept")


@click.command("clean", short_help="say what old runs left, and remove it")
@click.argument("worktrees", nargs=-1, metavar="[WORKTREE]...")
@tasks_dir_option
@json_option
@click.option("-y", "--yes", is_flag=True, help="Remove it without asking.")
@click.option("--dry-run", is_flag=True, help="Only say what would go.")
@click.option(
    "--older-than", default="7d", show_default=True, metavar="AGE", help="As in 12h, 7d or 2w."
)
@click.option("--run", default="", metavar="ID", help="Only that archived run, whatever its age.")
@click.option("--pool", is_flag=True, help="Only worktrees, whatever run they are from.")
@click.option("--salvage", is_flag=True, help="Also work of these runs that no branch or tag has.")
@click.option("--kept", multiple=True, metavar="BRANCH", help="Also that branch of kept work.")
@click.option(
    "--worktree-root", type=click.Path(path_type=Path), metavar="DIR", help="As for `run`."
)
@verbose_option
def command(
    worktrees: tuple[str, ...],
    tasks_dir: Path | None,
    as_json: bool,
    yes: bool,
    dry_run: bool,
    older_than: str,
    run: str,
    pool: bool,
    salvage: bool,
    kept: tuple[str, ...],
    worktree_root: Path | None,
    verbose: bool,
) -> int:
    """Say what old runs left in git, in the cache and in `_tasks/`, and remove what may go.

    Nothing goes of a run that is not finished, and no work that only we keep, unless named.
    Without `--yes` it asks; where nobody can be asked, it only says what would go.

    With `--pool` it is about the worktrees of the repository here, and needs no run. A WORKTREE
    (`wt-1`) that is named is reset even if a run may go on in it: its work is kept under a ref.
    """
    choice = Choice(_seconds(older_than), run, salvage, kept)
    settings = default_settings()
    if worktree_root is not None:
        settings = default_settings(worktree_root=absolute(worktree_root))
    if worktrees and not pool:
        raise usage(
            f"worktrees are named only with `--pool`: `{worktrees[0]}`",
            f"`parallel-orchestra clean --pool {shlex.join(worktrees)}`",
        )
    cleaning = _of_the_pool(settings, worktrees) if pool else _of_runs(settings, tasks_dir, choice)
    with cleaning as cleaner:
        with Passing(verbose=verbose) as passing:
            passing.say("looking for what was left")
            found = cleaner.look()
        _check_all_found(worktrees, found)
        if not as_json:
            click.echo(page(found))
        going = any(one.goes for one in found)
        meant = going and not dry_run and (yes or (not as_json and _asked()))
        gone = _removed(cleaner, found, verbose=verbose) if meant else ()
    if as_json:
        click.echo(_as_json(found, gone))
    elif meant:
        click.echo(f"removed {len(gone)}, {amount(sum(one.size_bytes for one in gone))}")
    elif going:
        click.echo("nothing was removed: `--yes` removes it", err=True)
    return ExitCode.DONE


def _removed(
    cleaner: Cleaner | PoolCleaner, found: Sequence[Leftover], *, verbose: bool
) -> tuple[Leftover, ...]:
    """Removes one after the other what may go, and returns what is gone."""
    going = [one for one in found if one.goes]
    gone: list[Leftover] = []
    with Passing(verbose=verbose) as passing:
        for number, one in enumerate(going, 1):
            passing.say(f"removing {number} of {len(going)}: {one.kind.value} {one.name}")
            gone += cleaner.remove((one,))
    return tuple(gone)


def page(found: Sequence[Leftover]) -> str:
    """Returns what was left as lines for people: what goes first, then what stays and why."""
    lines = []
    for title, goes in (("goes", True), ("stays", False)):
        for one in found:
            if one.goes is goes:
                size = f", {amount(one.size_bytes)}" if one.size_bytes else ""
                lines.append(one_line(f"{title} {one.kind.value} {one.name}{size}: {one.why}"))
    going = [one for one in found if one.goes]
    total = amount(sum(one.size_bytes for one in going))
    return "\n".join([*lines, f"{len(going)} of {len(found)} may go, {total}"])


@contextlib.contextmanager
def _of_runs(settings: Settings, tasks_dir: Path | None, choice: Choice) -> Iterator[Cleaner]:
    layout = layout_of(tasks_dir)
    record = read_record(layout)
    with contextlib.closing(repository_of(record, settings.environ)) as repo:
        yield Cleaner(layout, record, repo, settings, choice)


@contextlib.contextmanager
def _of_the_pool(settings: Settings, named: Sequence[str]) -> Iterator[PoolCleaner]:
    given = click.get_current_context().get_parameter_source
    for name in _OF_RUNS:
        if given(name) is ParameterSource.COMMANDLINE:
            option = f"--{name.replace('_', '-')}"
            raise usage(f"`{option}` says which runs, and `--pool` is about those of all runs")
    with contextlib.closing(Repo.discover(Path.cwd(), settings.environ)) as repo:
        yield PoolCleaner(repo, settings, named)


def _check_all_found(named: Sequence[str], found: Sequence[Leftover]) -> None:
    known = {one.name for one in found}
    if missing := [name for name in named if name not in known]:
        raise usage(
            f"the pool has no worktree `{missing[0]}`", "`parallel-orchestra doctor` shows all"
        )


def _asked() -> bool:
    return sys.stdin.isatty() and click.confirm("Remove what may go?", err=True)


def _seconds(age: str) -> float:
    found = _AGE.fullmatch(age)
    if found is None:
        raise usage(f"`{age}` is no age", "say it as in 12h, 7d or 2w")
    return float(int(found["number"]) * _SECONDS[found["unit"]])


def _as_json(found: Sequence[Leftover], gone: Sequence[Leftover]) -> str:
    items = [
        {
            "kind": one.kind.value,
            "name": one.name,
            "size_bytes": one.size_bytes,
            "goes": one.goes,
            "why": one.why,
            "removed": one in gone,
            "path": str(one.path or ""),
            "refs": [ref for ref, _ in one.refs],
        }
        for one in found
    ]
    return json.dumps({"items": items, "removed": len(gone)}, indent=2)
