"""What can go wrong, as records of what, where and how to mend it.

Knows nothing of terminals: words become colours and exit codes in `cli` only.
"""

from collections.abc import Iterable
from enum import IntEnum

from parallel_orchestra.frozen import frozen


class ExitCode(IntEnum):
    """How a command ends, for the shell. Several at once: see `worst`."""

    DONE = 0
    TASK_FAILED = 1
    USAGE = 2
    ENVIRONMENT = 3
    WAITS_FOR_PERSON = 4
    HELD_ELSEWHERE = 5
    UNFINISHED = 6
    INTERRUPTED = 130
    TERMINATED = 143


#: The gravest first: which exit code speaks when several are true.
_GRAVITY = (
    ExitCode.INTERRUPTED,
    ExitCode.TERMINATED,
    ExitCode.HELD_ELSEWHERE,
    ExitCode.USAGE,
    ExitCode.ENVIRONMENT,
    ExitCode.WAITS_FOR_PERSON,
    ExitCode.TASK_FAILED,
    ExitCode.UNFINISHED,
    ExitCode.DONE,
)


def worst(codes: Iterable[ExitCode]) -> ExitCode:
    """Returns the code that speaks for all of them; `DONE` for none."""
    return min(codes, key=_GRAVITY.index, default=ExitCode.DONE)


@frozen
class Problem:
    """One thing that is wrong: what, where (`file:line:column key.path`) and how to mend it."""

    what: str
    where: str = ""
    hint: str = ""


class OrchestraError(Exception):
    """An error for the user: one or more problems and the exit code they lead to."""

    exit_code = ExitCode.ENVIRONMENT

    def __init__(self, *problems: Problem) -> None:
        super().__init__("; ".join(problem.what for problem in problems))
        self.problems = problems


class PlanError(OrchestraError):
    """The plan is wrong; carries every mistake of the file at once, and `remarks` beside them."""

    exit_code = ExitCode.USAGE
    #: Sentences on what is only odd, each with its place in front.
    remarks: tuple[str, ...] = ()


class UsageError(OrchestraError):
    """The command was called in a way that can't be carried out."""

    exit_code = ExitCode.USAGE


class EnvironmentProblem(OrchestraError):
    """Something around us is missing or broken: disk, git, permissions, a program."""


class GitError(EnvironmentProblem):
    """A git command failed; `problems[0]` shows command, directory, exit code and last lines."""


class WaitsForPerson(OrchestraError):
    """The run can't go on without a decision of the user."""

    exit_code = ExitCode.WAITS_FOR_PERSON


class HeldElsewhere(OrchestraError):
    """Another run holds the directory; the problem names its process."""

    exit_code = ExitCode.HELD_ELSEWHERE
