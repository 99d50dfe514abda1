"""The integration report as values: what came together on the branch, held against the plan.

And as JSON values, for the file that keeps it and for the reports. Pure.
"""

from collections.abc import Mapping
from dataclasses import asdict
from enum import Enum
from typing import Any

from parallel_orchestra.frozen import frozen

#: The checks, in the order of every report; `cpo` folders have one more, `spec`.
BRANCH, CONTRACTS, SPEC, BOUNDARIES = "branch", "contracts", "spec", "boundaries"
TESTS, TYPES, LINT = "tests", "types", "lint"

#: Seconds: an instant (epoch) that is later is none of ours.
_LATEST = 2.0**36


class Mark(Enum):
    """What came of a check; `UNKNOWN` if nobody made it, or nobody can say yet."""

    GOOD = "good"
    ODD = "warning"
    BAD = "bad"
    UNKNOWN = "unknown"


@frozen
class Check:
    """One line of the table. `log` is relative to `_tasks/`; `seconds` of what was run, else None."""

    name: str
    mark: Mark
    details: str
    log: str = ""
    seconds: float | None = None


@frozen
class Contract:
    """A file that tasks agreed on: kept or broken, at `where` (`path:line`), by `task`, in words."""

    path: str
    mark: Mark
    words: str
    task: str = ""
    where: str = ""


@frozen
class Violation:
    """A file that a task changed and should not have; `grave` if its boundary forbids it.

    `file` is empty if the change was kept out and git can't say any more what it was: then the
    issue names it. `mended` if the task was done without it.
    """

    task: str
    file: str
    issue: str
    grave: bool
    mended: bool = False


@frozen
class IntegrationReport:
    """What was found at `commit` at an instant (epoch), and what is to be done about it.

    `must` is what breaks a check or a contract, `should` what is worth a look; a sentence each.
    """

    at: float
    commit: str
    merged: int
    total: int
    checks: tuple[Check, ...]
    contracts: tuple[Contract, ...] = ()
    violations: tuple[Violation, ...] = ()
    must: tuple[str, ...] = ()
    should: tuple[str, ...] = ()

    @property
    def clean(self) -> bool:
        """Whether nothing must be fixed."""
        return not self.must


def facts_of(found: IntegrationReport) -> dict[str, Any]:
    """Returns it as JSON values."""
    facts = asdict(found)
    for one in (*facts["checks"], *facts["contracts"]):
        one["mark"] = one["mark"].value
    return facts


def integration_from(facts: Mapping[str, Any]) -> IntegrationReport:
    """Returns what `facts_of` made these values of.

    Raises:
        ValueError: they are not of our making: somebody else may write where they lie.
    """
    try:
        return IntegrationReport(
            at=_number(facts["at"]),
            commit=str(facts["commit"]),
            merged=int(facts["merged"]),
            total=int(facts["total"]),
            checks=tuple(map(_check, facts["checks"])),
            contracts=tuple(map(_contract, facts["contracts"])),
            violations=tuple(map(_violation, facts["violations"])),
            must=tuple(map(str, facts["must"])),
            should=tuple(map(str, facts["should"])),
        )
    except (KeyError, TypeError, AttributeError, OverflowError) as error:
        raise ValueError(f"not an integration report: {error}") from error


def _check(facts: Mapping[str, Any]) -> Check:
    name, details, log = _words(facts, "name", "details", "log")
    seconds = None if facts["seconds"] is None else _number(facts["seconds"])
    return Check(name, Mark(facts["mark"]), details, log, seconds)


def _contract(facts: Mapping[str, Any]) -> Contract:
    path, words, task, where = _words(facts, "path", "words", "task", "where")
    return Contract(path, Mark(facts["mark"]), words, task, where)


def _violation(facts: Mapping[str, Any]) -> Violation:
    task, file, issue = _words(facts, "task", "file", "issue")
    return Violation(task, file, issue, bool(facts["grave"]), bool(facts["mended"]))


def _words(facts: Mapping[str, Any], *names: str) -> tuple[str, ...]:
    return tuple(str(facts[name]) for name in names)


def _number(value: Any) -> float:
    number = float(value)
    if not 0 <= number < _LATEST:
        raise ValueError(f"not an integration report: {number} is no time")
    return number
