"""What a check that fails says of what fails, and whether that is more than before.

Pure. For plans whose base is red already (`merge: {baseline: true}`): there only new failures
count. Whatever can't be told counts as new.
"""

from typing import Any
from xml.parsers import expat

from parallel_orchestra.frozen import frozen
from parallel_orchestra.merge_queue.outcome import Rejected

#: How many new failures are named.
_NAMED = 20
_PLACES = ("testsuites", "testsuite", "testcase")


@frozen
class Checked:
    """How a check went: `rejected` None if it is green.

    Else `failures` are the names of what fails, its red commands among them; `unknown` says why
    they can't be told, if so.
    """

    rejected: Rejected | None = None
    failures: frozenset[str] = frozenset()
    unknown: str = ""


def judged(checked: Checked, base: Checked) -> Rejected | None:
    """Returns None if a commit fails in nothing that its base does not fail in."""
    rejected = checked.rejected
    if rejected is None or rejected.cancelled or base.rejected is None:
        return rejected
    if base.rejected.cancelled:
        return base.rejected
    if base.unknown:
        return _because(rejected, f"what fails on the base can't be told: {base.unknown}")
    if checked.unknown:
        return _because(rejected, f"what fails can't be told: {checked.unknown}")
    fresh = sorted(checked.failures - base.failures)
    if not fresh:
        return None
    more = [f"and {len(fresh) - _NAMED} more"] if len(fresh) > _NAMED else []
    return _because(rejected, "\n".join(["new failures:", *fresh[:_NAMED], *more]))


def named_by_lines(data: bytes) -> frozenset[str]:
    """Returns the lines that a command printed, each the name of something that fails."""
    lines = (line.strip() for line in data.decode("utf-8", "replace").splitlines())
    return frozenset(line for line in lines if line)


def named_by_junit(data: bytes) -> frozenset[str]:
    """Returns the names of the test cases that failed or broke, by a JUnit XML file.

    Raises:
        ValueError: it is no such file, or has a document type, which these files need not have.
    """
    reader = _Junit()
    try:
        reader.parser.Parse(data, True)
    except (expat.ExpatError, LookupError) as error:
        # An encoding that nobody knows is looked up among Python's.
        raise ValueError(f"it is not XML: {error}") from error
    if not reader.suites:
        raise ValueError("it has no `testsuite`")
    return frozenset(reader.names)


class _Junit:
    """Reads one file: the names of cases with a `failure` or an `error` in them."""

    def __init__(self) -> None:
        self.names: set[str] = set()
        self.suites = 0
        self._around: list[dict[str, Any]] = []
        self.parser = expat.ParserCreate()
        self.parser.StartElementHandler = self._begin
        self.parser.EndElementHandler = self._end
        self.parser.StartDoctypeDeclHandler = self._refuse

    def _begin(self, tag: str, facts: dict[str, Any]) -> None:
        if tag in _PLACES:
            self._around.append(facts)
            self.suites += tag != "testcase"
        elif tag in ("failure", "error") and self._around:
            around = self._around[-1]
            place, name = around.get("classname", ""), around.get("name", "")
            self.names.add(f"{place}::{name}" if place else name or "a test without a name")

    def _end(self, tag: str) -> None:
        if tag in _PLACES:
            self._around.pop()

    def _refuse(self, *_: object) -> None:
        raise ValueError("it has a document type")


def _because(rejected: Rejected, words: str) -> Rejected:
    return Rejected(f"{words}\n\n{rejected.output}")
