"""What the entries of `merge` and `after_merge` need of each other, and of the plan around them."""

from collections.abc import Collection, Mapping
from typing import Any

from parallel_orchestra.model import DEFAULT_BACKEND, AfterMerge, Budget, Plan, Template
from parallel_orchestra.plan.abilities import ABILITIES, AGENT_FIELDS, UNITS, abilities_of
from parallel_orchestra.plan.budgets import limit_of, untold
from parallel_orchestra.plan.fields import AfterMergeFields, MergeFields
from parallel_orchestra.plan.findings import Finding, Findings
from parallel_orchestra.plan.parts import check_backend
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


def check_after_merge(
    data: Mapping[str, Any], backends: Collection[str], findings: Findings
) -> None:
    """Notes what `after_merge` can't mean, and keys of it that nobody knows."""
    after, at = data.get("after_merge"), ("after_merge",)
    if not isinstance(after, dict):
        return
    check_keys(after, AfterMergeFields.model_fields, "`after_merge`", at, findings, strict=True)
    if ("run" in after) == ("prompt" in after):
        what = "`after_merge` must have either commands to `run` or the `prompt` of an agent"
        findings.problem(Finding(what, "write `after_merge: {run: …}`", at))
    backend = after.get("backend")
    known = ABILITIES.get(str(backend or DEFAULT_BACKEND))
    for key in after.keys() & {"backend", "agent", "model"}:
        if "prompt" not in after:
            what = f"`after_merge.{key}` has no effect without a `prompt`"
            findings.warning(Finding(what, "", (*at, key), key=True))
        elif known is not None and key in AGENT_FIELDS and key not in known.fields:
            what = f"`after_merge` has `{key}`, which its backend does not understand"
            findings.problem(Finding(what, "remove the line", (*at, key), key=True))
    if backend == "command":
        what = "`after_merge` has no agent of the backend `command`"
        findings.problem(Finding(what, "write the command as `run`", (*at, "backend")))
    elif isinstance(backend, str):
        check_backend(backend, "`after_merge`", at, backends, findings)
    merge = data.get("merge")
    each = isinstance(merge, dict) and merge.get("deliver") == "each"
    if after.get("required") is True and each:
        what = "`after_merge.required` can hold nothing back: `merge.deliver` is `each`"
        findings.problem(Finding(what, "deliver at the `end`", (*at, "required"), key=True))


def check_after_budget(
    after: AfterMerge, budget: Budget, templates: Mapping[str, Template], findings: Findings
) -> None:
    """Notes a budget that can't be kept, because the agent after the merge does not tell its use."""
    known = abilities_of(after.backend, templates)
    for unit in UNITS if after.prompt and known is not None else ():
        if limit_of(budget, unit) is not None and known is not None and unit not in known.tells:
            why = untold(unit, "`after_merge`", after.backend)
            what = f"the plan's `budget.{unit}` can't be kept: {why}"
            hint = "give it another `backend`, or commands to `run`"
            findings.problem(Finding(what, hint, ("after_merge",)))


def check_merge(data: Mapping[str, Any], findings: Findings) -> None:
    """Notes keys of `merge` that nobody knows, and a baseline without what it is taken from."""
    merge = data.get("merge")
    if not isinstance(merge, dict):
        return
    check_keys(merge, MergeFields.model_fields, "`merge`", ("merge",), findings, strict=True)
    if merge.get("on_conflict") == "agent" and not _has_agents(data):
        what = "`merge.on_conflict: agent` has no effect: programs (`backend: command`) resolve nothing"
        findings.warning(Finding(what, "", ("merge", "on_conflict"), key=True))
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


def _has_agents(data: Mapping[str, Any]) -> bool:
    """Returns whether a task may have an agent, and not only a program."""
    defaults, tasks = data.get("defaults"), data.get("tasks")
    usual = defaults.get("backend") if isinstance(defaults, dict) else None
    entries = tasks if isinstance(tasks, list) else []
    return any(
        not isinstance(one, dict) or one.get("backend", usual) != "command" for one in entries
    )
