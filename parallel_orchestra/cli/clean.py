"""`clean`: says what old runs left and how much it is, and removes what may go."""

import json
import re
import sys
from collections.abc import Sequence
from pathlib import Path

import click

from parallel_orchestra.api import default_settings
from parallel_orchestra.cli.failures import usage
from parallel_orchestra.cli.options import (
    absolute,
    json_option,
    layout_of,
    tasks_dir_option,
)
from parallel_orchestra.conductor.cleaning import Cleaner
from parallel_orchestra.conductor.leftovers import Choice, Leftover
from parallel_orchestra.conductor.picture import read_record, repository_of
from parallel_orchestra.errors import ExitCode
from parallel_orchestra.report.text import one_line

_AGE = re.compile(r"(?P<number>[0-9]{1,6})(?P<unit>[smhdw])")
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
_STEP = 1024


@click.command("clean", short_help="say what old runs left, and remove it")
@tasks_dir_option
@json_option
@click.option("-y", "--yes", is_flag=True, help="Remove it without asking.")
@click.option("--dry-run", is_flag=True, help="Only say what would go.")
@click.option(
    "--older-than", default="7d", show_default=True, metavar="AGE", help="As in 12h, 7d or 2w."
)
@click.option("--run", default="", metavar="ID", help="Only that archived run, whatever its age.")
@click.option("--salvage", is_flag=True, help="Also work of these runs that no branch or tag has.")
@click.option("--kept", multiple=True, metavar="BRANCH", help="Also that branch of kept work.")
@click.option(
    "--worktree-root", type=click.Path(path_type=Path), metavar="DIR", help="As for `run`."
)
def command(
    tasks_dir: Path | None,
    as_json: bool,
    yes: bool,
    dry_run: bool,
    older_than: str,
    run: str,
    salvage: bool,
    kept: tuple[str, ...],
    worktree_root: Path | None,
) -> int:
    """Say what old runs left in git, in the cache and in `_tasks/`, and remove what may go.

    Nothing goes of a run that is not finished, and no work that only we keep, unless named.
    Without `--yes` it asks; where nobody can be asked, it only says what would go.
    """
    choice = Choice(_seconds(older_than), run, salvage, kept)
    settings = default_settings()
    if worktree_root is not None:
        settings = default_settings(worktree_root=absolute(worktree_root))
    layout = layout_of(tasks_dir)
    record = read_record(layout)
    repo = repository_of(record, settings.environ)
    try:
        cleaner = Cleaner(layout, record, repo, settings)
        found = cleaner.look(choice)
        if not as_json:
            click.echo(page(found))
        going = any(one.goes for one in found)
        meant = going and not dry_run and (yes or (not as_json and _asked()))
        gone = cleaner.remove(found) if meant else ()
    finally:
        repo.close()
    if as_json:
        click.echo(_as_json(found, gone))
    elif meant:
        click.echo(f"removed {len(gone)}, {_amount(sum(one.size_bytes for one in gone))}")
    elif going:
        click.echo("nothing was removed: `--yes` removes it", err=True)
    return ExitCode.DONE


def page(found: Sequence[Leftover]) -> str:
    """Returns what was left as lines for people: what goes first, then what stays and why."""
    lines = []
    for title, goes in (("goes", True), ("stays", False)):
        for one in found:
            if one.goes is goes:
                size = f", {_amount(one.size_bytes)}" if one.size_bytes else ""
                lines.append(one_line(f"{title} {one.kind.value} {one.name}{size}: {one.why}"))
    going = [one for one in found if one.goes]
    total = _amount(sum(one.size_bytes for one in going))
    return "\n".join([*lines, f"{len(going)} of {len(found)} may go, {total}"])


def _asked() -> bool:
    return sys.stdin.isatty() and click.confirm("Remove what may go?", err=True)


def _seconds(age: str) -> float:
    found = _AGE.fullmatch(age)
    if found is None:
        raise usage(f"`{age}` is no age", "say it as in 12h, 7d or 2w")
    return float(int(found["number"]) * _SECONDS[found["unit"]])


def _amount(size: int) -> str:
    value, units = float(size), ["B", "KiB", "MiB", "GiB"]
    while value >= _STEP and len(units) > 1:
        value /= _STEP
        units.pop(0)
    return f"{size} B" if units[0] == "B" else f"{value:.1f} {units[0]}"


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
