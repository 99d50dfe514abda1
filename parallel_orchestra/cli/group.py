"""The click group: loads the one command that was called, and no other."""

from collections.abc import Sequence
from importlib import import_module

import click
from click.shell_completion import CompletionItem

from parallel_orchestra import __version__
from parallel_orchestra.cli.catalogue import COMMANDS, PROGRAM, example, overview
from parallel_orchestra.cli.failures import exit_code_of
from parallel_orchestra.cli.loading import interrupts_end_the_process
from parallel_orchestra.errors import ExitCode
from parallel_orchestra.garbage import loading


class LazyGroup(click.Group):
    """Commands by the table of `catalogue`."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002  # click asks so
        """Returns the names in the order of the help page."""
        return [entry.name for entry in COMMANDS]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """Returns a command, its module loaded now; None if there is none of that name."""
        for entry in COMMANDS:
            if entry.name == cmd_name:
                module, _, attribute = entry.place.partition(":")
                with interrupts_end_the_process(), loading():
                    command = getattr(import_module(f"{__package__}.{module}"), attribute)
                assert isinstance(command, click.Command)  # noqa: S101  # the table is ours
                return _with_example(command, entry.name)
        return None

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Returns the command that the first word names, and the rest; a slip gets a guess."""
        known = any(entry.name == word for word in args[:1] for entry in COMMANDS)
        if args and not known and not args[0].startswith("-"):
            from parallel_orchestra.cli.topics import unknown_command  # noqa: PLC0415  # slips only

            raise unknown_command(args[0])
        return super().resolve_command(ctx, args)

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """Returns the commands that begin so; none of them is loaded for it."""
        if incomplete.startswith("-"):
            return super().shell_complete(ctx, incomplete)
        return [
            CompletionItem(entry.name, help=entry.summary)
            for entry in COMMANDS
            if entry.name.startswith(incomplete)
        ]

    def get_help(self, ctx: click.Context) -> str:  # noqa: ARG002
        """Returns the help page that `main` prints without click."""
        return overview().rstrip("\n")


def _with_example(command: click.Command, name: str) -> click.Command:
    """Returns the command, whose help ends with an example."""
    told = f"Example: `{example(name)}`"
    if example(name) and told not in (command.epilog or ""):
        command.epilog = "\n\n".join(filter(None, (command.epilog, told)))
    return command


_group = LazyGroup(
    name=PROGRAM, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100}
)
click.version_option(__version__, prog_name=PROGRAM, message="%(prog)s %(version)s")(_group)


def program() -> click.Group:
    """Returns the whole command line as click sees it."""
    return _group


def call(words: Sequence[str]) -> int:
    """Carries out a command line and returns its exit code; every error becomes words here."""
    try:
        code = _group.main(list(words), prog_name=PROGRAM, standalone_mode=False)
    except BaseException as error:  # noqa: BLE001  # the last one who can turn it into words
        return exit_code_of(error)
    return int(code) if isinstance(code, int) else ExitCode.DONE
