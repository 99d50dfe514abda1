"""A command of a plan: words for the system, or a line for the shell."""

#: A command is an argument list, or one line for `sh -c`.
Command = tuple[str, ...] | str


def argv_of(command: Command) -> tuple[str, ...]:
    """Returns a command as an argument list; a line goes to `sh -c`."""
    return ("sh", "-c", command) if isinstance(command, str) else command


def as_typed(command: Command) -> str:
    """Returns a command as a person would type it."""
    return command if isinstance(command, str) else " ".join(command)
