"""`validate`: everything that is wrong with plans, for people, programs or GitHub."""

import time
from collections.abc import Sequence
from pathlib import Path

import click

from parallel_orchestra.api import load_plan
from parallel_orchestra.cli.failures import complain, usage
from parallel_orchestra.cli.options import json_option, verbose_option
from parallel_orchestra.cli.passing import Passing
from parallel_orchestra.cli.verdict import Verdict, as_github, as_json, as_sarif, good
from parallel_orchestra.errors import ExitCode, PlanError
from parallel_orchestra.plan import contents, is_folder

#: Seconds between two looks at the files while `--watch` waits for a change.
_LOOK_EVERY = 0.3

_FORMATS = {"json": as_json, "github": as_github, "sarif": as_sarif}


@click.command("validate", short_help="say everything that is wrong with a plan")
@click.argument(
    "plans", metavar="PLAN...", nargs=-1, required=True, type=click.Path(path_type=Path)
)
@click.option(
    "--format",
    "style",
    type=click.Choice(["text", *_FORMATS]),
    default="text",
    show_default=True,
    help="`github` annotates the lines of a pull request, `sarif` is for code scanning.",
)
@json_option
@click.option("--watch", is_flag=True, help="Say it again whenever a file changes, until Ctrl-C.")
@verbose_option
def command(plans: tuple[Path, ...], style: str, as_json: bool, watch: bool, verbose: bool) -> int:
    """Read each PLAN, say all that is wrong with it, and run nothing."""
    if as_json and style not in ("text", "json"):
        raise usage(f"`--json` and `--format {style}` exclude each other", "give one of them")
    style = "json" if as_json else style
    if watch and style != "text":
        raise usage("`--watch` is for people: it has no `--format`", "leave out one of them")
    if watch:
        _watch(plans)
    with Passing(verbose=verbose) as passing:
        verdicts = [
            judge(plan, [], passing, f" ({number} of {len(plans)})" if len(plans) > 1 else "")
            for number, plan in enumerate(plans, 1)
        ]
    if style == "text":
        _say(verdicts)
    elif shown := _FORMATS[style](verdicts):
        click.echo(shown)
    return ExitCode.USAGE if any(one.problems for one in verdicts) else ExitCode.DONE


def judge(path: Path, read: list[Path], passing: Passing | None = None, place: str = "") -> Verdict:
    """Returns what is wrong with a plan; the files that were read for it are added to `read`.

    `place` follows their names where it is said what is read.
    """
    passing = passing or Passing()

    def noted(file: Path) -> bytes:
        read.append(file)
        passing.say(f"reading {file}{place}")
        return contents(file)

    if is_folder(path):
        # A file that is added to them changes the folder, too.
        read += [path / name for name in ("tasks", "prompts", "contracts")]
    try:
        return Verdict(path, load_plan(path, noted))
    except PlanError as error:
        return Verdict(path, None, error.problems, error.remarks)


def _say(verdicts: Sequence[Verdict]) -> None:
    for one in verdicts:
        complain(*one.problems)
        for warning in one.warnings:
            click.echo(f"warning: {warning}", err=True)
        if one.plan is not None:
            click.echo(good(one))


def _watch(plans: Sequence[Path]) -> None:
    """Says what is wrong, and says it again after each change; ends by an interrupt only."""
    while True:
        read: list[Path] = []
        before = _signs(plans)
        verdicts = [judge(plan, read) for plan in plans]
        known = _signs(read)
        click.echo(f"--- {time.strftime('%H:%M:%S')}", err=True)
        _say(verdicts)
        # What changed while it was read is read again.
        while _signs(plans) == before and _signs(read) == known:
            time.sleep(_LOOK_EVERY)


def _signs(paths: Sequence[Path]) -> list[tuple[int, int, int] | None]:
    """Returns what tells a changed file from an unchanged one, None for one that is not there."""
    found: list[tuple[int, int, int] | None] = []
    for path in paths:
        try:
            status = path.stat()
        except OSError:
            found.append(None)
        else:
            found.append((status.st_mtime_ns, status.st_size, status.st_ino))
    return found
