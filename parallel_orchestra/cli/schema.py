"""`schema`: the JSON Schema of a plan, for editors and other programs."""

import click

from parallel_orchestra.errors import ExitCode
from parallel_orchestra.plan import SCHEMA_FILE


@click.command("schema", short_help="print the JSON Schema of a plan")
def command() -> int:
    """Print the JSON Schema of a plan, with which an editor completes and checks one."""
    click.echo(SCHEMA_FILE.read_text(encoding="utf-8"), nl=False)
    return ExitCode.DONE
