"""What the entries of `merge` need of each other, and of the plan around them."""

from collections.abc import Mapping
from typing import Any

from parallel_orchestra.model import Plan
from parallel_orchestra.plan.abilities import abilities_of
from parallel_orchestra.plan.fields import MergeFields
from parallel_orchestra.plan.findings import Finding, Findings
from parallel_orchestra.plan.wording import check_keys

_SOURCES = ("junit", "failing")
_HINT = (
    "name the JUnit XML that `verify` writes (`junit: report.xml`), or a command that prints "
    "the name of each failure on a line of its own (`failing: …`)"
)


def remark_on_authors(plan: Plan, findings: Findings) -> None:
    """Notes agents that have no line for `co_author: true`."""
    if plan.merge.co_author is not True:
        return
    names = {task.backend for task in plan.tasks if not task.read_only}
    for name in sorted(names):
        known = abilities_of(name, plan.backends)
        if known is not None and not known.author:
            what = f"`merge.co_author: true` names nobody for tasks of the backend `{name}`"
            hint = "write `Name <address>` if somebody is to be named"
            findings.warning(Finding(what, hint, ("merge", "co_author"), key=True))


def check_merge(data: Mapping[str, Any], findings: Findings, *, strict: bool) -> None:
    """Notes keys of `merge` that nobody knows, and a baseline without what it is taken from."""
    merge = data.get("merge")
    if not strict or not isinstance(merge, dict):
        return
    check_keys(merge, MergeFields.model_fields, "`merge`", ("merge",), findings, strict=True)
    at = ("merge", "baseline")
    if merge.get("baseline") is True:
        if not merge.keys() & set(_SOURCES):
            what = "`merge.baseline` can't tell new failures from old ones"
            findings.problem(Finding(what, _HINT, at))
        if not data.get("verify"):
            what = "`merge.baseline` compares nothing: the plan has no `verify`"
            findings.problem(Finding(what, "add the command that checks the project", at))
        return
    for source in _SOURCES:
        if source in merge:
            what = f"`merge.{source}` has no effect without `baseline: true`"
            findings.warning(Finding(what, "", ("merge", source), key=True))
