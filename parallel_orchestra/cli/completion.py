"""`completion`: what lets a shell complete command lines, task ids included."""

import click
from click.shell_completion import get_completion_class

from parallel_orchestra.cli.catalogue import COMPLETING, PROGRAM
from parallel_orchestra.errors import ExitCode


@click.command(
    "completion",
    short_help="print what completes command lines in your shell",
    epilog="For good: bash and zsh take the example's line in `~/.bashrc` or `~/.zshrc`; fish takes "
    "`parallel-orchestra completion fish > ~/.config/fish/completions/parallel-orchestra.fish`.",
)
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def command(shell: str) -> int:
    """Print the script by which SHELL completes commands, options and the tasks of the run here."""
    kind = get_completion_class(shell)
    assert kind is not None  # noqa: S101  # click has all three
    from parallel_orchestra.cli.group import program  # noqa: PLC0415  # which loads this very module

    click.echo(kind(program(), {}, PROGRAM, COMPLETING).source(), nl=False)
    return ExitCode.DONE
