"""`report`: tells a run in any format, at any time; changes nothing of it."""

import os
from pathlib import Path

import click

from parallel_orchestra.cli.failures import complain, usage
from parallel_orchestra.cli.options import json_option, tasks_dir_of, tasks_dir_option
from parallel_orchestra.cli.outputs import (
    Written,
    check_reports,
    rendered,
    write_reports,
    write_texts,
)
from parallel_orchestra.cli.standing import read
from parallel_orchestra.conductor.exhibits import with_exhibits
from parallel_orchestra.errors import ExitCode
from parallel_orchestra.report import by_template
from parallel_orchestra.report.registry import NAMED
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
@click.option(
    "--template",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Tell it by this Jinja template, which may extend ours.",
)
@tasks_dir_option
@json_option
def command(
    plan: Path | None,
    form: str | None,
    output: tuple[Path, ...],
    template: Path | None,
    tasks_dir: Path | None,
    as_json: bool,
) -> int:
    """Tell how a run went, or how it stands, at any time: beside it and long after it.

    With PLAN, a plan or a `cpo` folder, it is the run of that plan, wherever you are.
    """
    if as_json and form not in (None, "json"):
        raise usage(f"`--json` and `--format {form}` exclude each other", "give one of them")
    form = "json" if as_json else form
    if template is not None and form is not None:
        raise usage("a template is a format of its own", "leave out `--format` and `--json`")
    check_reports(output, "markdown" if template is not None else form)
    report = read(Layout(tasks_dir_of(plan, tasks_dir, Path.cwd())))
    if template is not None:
        text = by_template.render(template, with_exhibits(report, os.environ))
        return _by_template(text, output)
    if not output:
        click.echo(rendered(report, NAMED[form or "markdown"]), nl=False)
        return ExitCode.DONE
    return _told(write_reports(report, output, form))


def _by_template(text: str, output: tuple[Path, ...]) -> int:
    if output:
        return _told(write_texts(output, lambda _: text))
    click.echo(text, nl=False)
    return ExitCode.DONE


def _told(written: Written) -> int:
    for path in written.paths:
        click.echo(f"report: {path}")
    for problem in written.problems:
        complain(problem)
    return ExitCode.ENVIRONMENT if written.problems else ExitCode.DONE
