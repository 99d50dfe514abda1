"""`demo`: builds the example project in a fresh git repository, to see it work."""

import os
import tempfile
from pathlib import Path

import click

from parallel_orchestra.cli.run import Options, carry_out
from parallel_orchestra.example import copy_example
from parallel_orchestra.git.call import Git, clean_environment


@click.command("demo", short_help="build a small example project, to see it work")
@click.argument("directory", type=click.Path(path_type=Path), required=False)
def command(directory: Path | None) -> int:
    """Build the example project in DIRECTORY (default: a new folder for temporary files).

    Needs no account and no network: its agents are small programs.
    """
    target = directory or Path(tempfile.mkdtemp(prefix="parallel-orchestra-demo-"))
    plan = copy_example(Path.cwd() / target, os.environ)
    folder = plan.parent
    click.echo(f"the example project is in {folder}\n", err=True)
    reports = (folder / "report.md", folder / "report.json")
    code = carry_out(Options(plan=plan, yes=True, report=reports))
    click.echo("\n$ git log --graph --oneline")
    log = Git(clean_environment(os.environ), folder).run("log", "--graph", "--oneline")
    click.echo(log.out, nl=False)
    return code
