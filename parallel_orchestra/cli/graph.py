"""`graph`: a plan's tasks and what waits for what, as a picture."""

from pathlib import Path

import click

from parallel_orchestra.api import load_plan
from parallel_orchestra.errors import ExitCode
from parallel_orchestra.report.drawing import DRAWINGS


@click.command("graph", short_help="draw what waits for what in a plan")
@click.argument("plan", type=click.Path(path_type=Path))
@click.option(
    "--format",
    "style",
    type=click.Choice(list(DRAWINGS)),
    default="tree",
    show_default=True,
    help="`mermaid` for Markdown on GitHub and GitLab, `dot` for Graphviz.",
)
def command(plan: Path, style: str) -> int:
    """Draw the tasks of PLAN with what waits for what; the critical path stands out."""
    click.echo(DRAWINGS[style](load_plan(plan)), nl=False)
    return ExitCode.DONE
