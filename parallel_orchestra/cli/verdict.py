"""What `validate` found in one plan, for people, programs, GitHub and code scanners. Pure."""

import json
import re
from collections.abc import Iterator, Sequence
from pathlib import PurePath
from typing import Any

from parallel_orchestra import __version__
from parallel_orchestra.cli.failures import words_of
from parallel_orchestra.errors import Problem
from parallel_orchestra.frozen import frozen
from parallel_orchestra.graph import Graph, caps, choose_mode, rivals, width
from parallel_orchestra.model import Plan
from parallel_orchestra.report.actions import command

_WHERE = re.compile(r"(?P<file>.*?):(?P<line>\d+)(?::(?P<column>\d+))?(?: (?P<key>.*))?", re.DOTALL)
_SARIF = (
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
)


@frozen
class Verdict:
    """One plan's: `plan` is None if it has problems; `said` are the warnings beside them."""

    path: PurePath
    plan: Plan | None
    problems: tuple[Problem, ...] = ()
    said: tuple[str, ...] = ()

    @property
    def warnings(self) -> tuple[str, ...]:
        """What is only odd, in sentences."""
        return self.plan.warnings if self.plan else self.said

    @property
    def remarks(self) -> tuple[Problem, ...]:
        """The warnings, each with its place taken out of the sentence."""
        return tuple(_placed(str(self.path), text) for text in self.warnings)


@frozen
class Spot:
    """A place in a plan's file, or in one that it names, with the key that it belongs to."""

    file: str
    line: int
    column: int | None = None
    key: str = ""


def good(verdict: Verdict) -> str:
    """Returns one line on a plan that is in order."""
    plan = verdict.plan
    assert plan is not None  # noqa: S101  # the caller has asked
    graph = Graph.of(plan.tasks)
    contenders = rivals(plan.tasks, graph)
    most = width(graph, contenders, caps(plan.tasks, plan.concurrency_limits))
    mode, reason = choose_mode(graph, contenders, most, enough=plan.fewest_beside)
    number = len(plan.tasks)
    tasks = "1 task" if number == 1 else f"{number} tasks"
    return f"{verdict.path}: good, {tasks}; {mode.value}: {reason}"


def as_json(verdicts: Sequence[Verdict]) -> str:
    """Returns what was found as JSON: an object for one plan, a list for several."""
    found = [
        {
            "plan": str(one.path),
            "valid": one.plan is not None,
            "tasks": [task.id for task in one.plan.tasks] if one.plan else [],
            "warnings": list(one.warnings),
            "problems": [
                {"what": each.what, "where": each.where, "hint": each.hint, "words": words_of(each)}
                for each in one.problems
            ],
        }
        for one in verdicts
    ]
    return json.dumps(found if len(found) > 1 else found[0], indent=2)


def as_github(verdicts: Sequence[Verdict]) -> str:
    """Returns workflow commands of GitHub Actions, which annotate a pull request's lines."""
    lines = []
    for level, path, problem in _each(verdicts):
        spot = spot_of(problem)
        facts = {"file": spot.file if spot is not None else str(path)}
        if spot is not None:
            facts["line"] = str(spot.line)
        if spot is not None and spot.column:
            facts["col"] = str(spot.column)
        lines.append(command(level, facts, _sentence(problem, spot)))
    return "\n".join(lines)


def as_sarif(verdicts: Sequence[Verdict]) -> str:
    """Returns what was found in SARIF 2.1.0, which code scanners and editors read."""
    results = [
        {
            "ruleId": "plan",
            "level": level,
            "message": {"text": _sentence(problem, spot_of(problem))},
            "locations": [{"physicalLocation": _location(path, spot_of(problem))}],
        }
        for level, path, problem in _each(verdicts)
    ]
    driver = {
        "name": "parallel-orchestra",
        "version": __version__,
        "rules": [{"id": "plan", "shortDescription": {"text": "A plan must be in order."}}],
    }
    run = {"tool": {"driver": driver}, "columnKind": "unicodeCodePoints", "results": results}
    return json.dumps({"$schema": _SARIF, "version": "2.1.0", "runs": [run]}, indent=2)


def spot_of(problem: Problem) -> Spot | None:
    """Returns the place that a problem names; None if it is the whole file."""
    match = _WHERE.fullmatch(problem.where)
    if match is None:
        return None
    column = int(match["column"]) if match["column"] else None
    return Spot(match["file"], int(match["line"]), column, match["key"] or "")


def _each(verdicts: Sequence[Verdict]) -> Iterator[tuple[str, PurePath, Problem]]:
    for one in verdicts:
        yield from (("error", one.path, problem) for problem in one.problems)
        yield from (("warning", one.path, remark) for remark in one.remarks)


def _placed(path: str, warning: str) -> Problem:
    form = rf"(?P<where>{re.escape(path)}:\d+:\d+(?: .*?)?): (?P<what>.*)"
    match = re.fullmatch(form, warning, re.DOTALL)
    return Problem(warning) if match is None else Problem(match["what"], match["where"])


def _sentence(problem: Problem, spot: Spot | None) -> str:
    words = problem.what + (f" ({problem.hint})" if problem.hint else "")
    return f"{spot.key}: {words}" if spot is not None and spot.key else words


def _location(path: PurePath, spot: Spot | None) -> dict[str, Any]:
    # A relative path is one in the repository for whoever uploads the file.
    path = PurePath(spot.file) if spot is not None else path
    uri = path.as_uri() if path.is_absolute() else _uri(path)
    found: dict[str, Any] = {"artifactLocation": {"uri": uri}}
    if spot is not None:
        found["region"] = {"startLine": spot.line}
        if spot.column:
            found["region"]["startColumn"] = spot.column
    return found


def _uri(path: PurePath) -> str:
    from urllib.parse import quote  # noqa: PLC0415  # only for this format

    return quote(path.as_posix())
