"""A command of a plan: words for the system, or a line for the shell."""

from typing import Any

from parallel_orchestra.frozen import frozen

#: A command is an argument list, or one line for `sh -c`.
Command = tuple[str, ...] | str


@frozen
class Timed:
    """A command that may take so many seconds, whatever else holds where it stands."""

    run: Command
    timeout: float

    def facts(self) -> dict[str, Any]:
        """Returns it as JSON has it."""
        run = self.run if isinstance(self.run, str) else list(self.run)
        return {"run": run, "timeout": self.timeout}


def bare(command: Command | Timed) -> Command:
    """Returns a command without its limit."""
    return command.run if isinstance(command, Timed) else command


def argv_of(command: Command | Timed) -> tuple[str, ...]:
    """Returns a command as an argument list; a line goes to `sh -c`."""
    run = bare(command)
    return ("sh", "-c", run) if isinstance(run, str) else run


def as_typed(command: Command | Timed) -> str:
    """Returns a command as a person would type it."""
    run = bare(command)
    return run if isinstance(run, str) else " ".join(run)


def timeout_of(command: Command | Timed) -> float | None:
    """Returns the seconds that a command may take by its own word, None if it has none."""
    return command.timeout if isinstance(command, Timed) else None
