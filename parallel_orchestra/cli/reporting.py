"""`report`: tells a run in any format, at any time; changes nothing of it."""

from collections.abc import Iterable
from pathlib import Path

import click

from parallel_orchestra.cli.failures import usage, words_of
from parallel_orchestra.cli.options import json_option, tasks_dir_of, tasks_dir_option
from parallel_orchestra.cli.outputs import check_reports, write_reports
from parallel_orchestra.cli.status import read
from parallel_orchestra.errors import ExitCode
from parallel_orchestra.report import NAMED
from parallel_orchestra.store import Layout


@click.command("report", short_help="tell how a run went, as a page or for programs")
@click.argument("plan", type=click.Path(path_type=Path), required=False)
@click.option(
    "--format",
    "form",
    type=click.Choice(list(NAMED)),
    help="The format (default: what the ending of FILE says, else markdown).",
)
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    multiple=True,
    metavar="FILE",
    help="Write it there instead of printing it. Repeatable.",
)
@tasks_dir_option
@json_option
def command(
    plan: Path | None,
    form: str | None,
    output: tuple[Path, ...],
    tasks_dir: Path | None,
    as_json: bool,
) -> int:
    """Tell how a run went, or how it stands, at any time: beside it and long after it.

    With PLAN, a plan or a `cpo` folder, it is the run of that plan, wherever you are.
    """
    if as_json and form not in (None, "json"):
        raise usage(f"`--json` and `--format {form}` exclude each other", "give one of them")
    form = "json" if as_json else form
    check_reports(output, form)
    report = read(Layout(tasks_dir_of(plan, tasks_dir, Path.cwd())))
    if not output:
        click.echo(NAMED[form or "markdown"].render(report), nl=False)
        return ExitCode.DONE
    written = write_reports(report, output, form)
    _tell(written.paths)
    for problem in written.problems:
        click.echo(words_of(problem), err=True, nl=False)
    return ExitCode.ENVIRONMENT if written.problems else ExitCode.DONE


def _tell(paths: Iterable[Path]) -> None:
    for path in paths:
        click.echo(f"report: {path}")
