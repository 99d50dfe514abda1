"""`graph`: a plan's tasks and what waits for what, as a picture."""

from pathlib import Path

import click

from parallel_orchestra.api import load_plan
from parallel_orchestra.cli.failures import usage
from parallel_orchestra.cli.options import json_option
from parallel_orchestra.errors import ExitCode
from parallel_orchestra.report.drawing import DRAWINGS


@click.command("graph", short_help="draw what waits for what in a plan")
@click.argument("plan", type=click.Path(path_type=Path))
@click.option(
    "--format",
    "style",
    type=click.Choice(list(DRAWINGS)),
    help="`mermaid` for Markdown on GitHub and GitLab, `dot` for Graphviz (default: tree).",
)
@json_option
def command(plan: Path, style: str | None, as_json: bool) -> int:
    """Draw the tasks of PLAN with what waits for what; the critical path stands out."""
    if as_json and style not in (None, "json"):
        raise usage(f"`--json` and `--format {style}` exclude each other", "give one of them")
    style = "json" if as_json else style or "tree"
    click.echo(DRAWINGS[style](load_plan(plan)), nl=False)
    return ExitCode.DONE
