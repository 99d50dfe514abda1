"""What a check-up finds: how bad, what, where, and the command that mends it."""

from collections.abc import Sequence
from enum import Enum

from parallel_orchestra.errors import ExitCode, Problem, worst
from parallel_orchestra.frozen import frozen
from parallel_orchestra.isolation import PoolSlot


class Level(Enum):
    """How bad a finding is: a problem keeps a run from going well, a warning may."""

    OK = "ok"
    NOTE = "note"
    WARNING = "warning"
    PROBLEM = "problem"


@frozen
class Finding:
    """One thing that was looked at: `command` mends it, empty where there is nothing to mend.

    `waits` says of a problem that it is a person's to decide. `slot` is the worktree that it is
    about.
    """

    level: Level
    what: str
    where: str = ""
    command: str = ""
    waits: bool = False
    slot: PoolSlot | None = None


def problems_as_findings(problems: Sequence[Problem], *, waits: bool = False) -> list[Finding]:
    """Returns problems as findings; each hint is the mending."""
    return [Finding(Level.PROBLEM, one.what, one.where, one.hint, waits=waits) for one in problems]


def verdict(findings: Sequence[Finding]) -> ExitCode:
    """Returns what a check-up means for the shell: done if nothing is a problem."""
    return worst(
        ExitCode.WAITS_FOR_PERSON if one.waits else ExitCode.ENVIRONMENT
        for one in findings
        if one.level is Level.PROBLEM
    )
