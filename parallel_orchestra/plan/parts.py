"""What the plan, its defaults and its tasks all may have: checks of the parts they share."""

from collections.abc import Collection, Mapping
from typing import Any

from parallel_orchestra.plan import fields
from parallel_orchestra.plan.findings import Finding, Findings, KeyPath, brief, did_you_mean
from parallel_orchestra.plan.wording import check_keys

_HOOK = frozenset(fields.Webhook.model_fields)
#: The keys of each part that a task, the defaults and the plan may have.
_OF_ALL = {
    "setup": fields.SetupFields.keys(),
    "qa": frozenset(fields.QaFields.model_fields),
}
#: And of those that the plan alone may have.
_OF_PLAN = {
    **_OF_ALL,
    "checks": frozenset(fields.ChecksFields.model_fields),
    "budget": frozenset(fields.BudgetFields.model_fields),
    "usage_limit": frozenset(fields.UsageLimitFields.model_fields),
    "on_complete": _HOOK,
    "on_failure": _HOOK,
}


def check_parts(
    raw: Mapping[str, Any], owner: str, path: KeyPath, findings: Findings, *, strict: bool
) -> None:
    """Notes the keys of a part, such as `setup` or the plan's `budget`, that nobody knows."""
    for name, known in (_OF_ALL if owner else _OF_PLAN).items() if strict else ():
        part = raw.get(name)
        if isinstance(part, dict):
            whose = f"`{name}` of {owner}" if owner else f"`{name}`"
            check_keys(part, known, whose, (*path, name), findings, strict=True)


def check_path_variable(
    raw: Mapping[str, Any], owner: str, path: KeyPath, findings: Findings
) -> None:
    """Notes a `PATH` in `env` that waits for a shell which there is not."""
    env = raw.get("env")
    search = env.get("PATH") if isinstance(env, dict) else None
    if isinstance(search, str) and "$" in search:
        hint = "nothing is expanded here: write them out, or set it in a command"
        what = f"`env.PATH` of {owner} must name directories"
        findings.problem(Finding(what, hint, (*path, "env", "PATH")))


def check_backend(
    backend: str, owner: str, path: KeyPath, known: Collection[str], findings: Findings
) -> None:
    """Notes a backend that is not there."""
    if backend not in known:
        *others, last = (f"`{name}`" for name in sorted(known))
        names = f"{', '.join(others)} or {last}" if others else last
        what = f"`backend` of {owner} must be {names}, not `{brief(backend)}`"
        hint = did_you_mean(findings.guess(backend, known), f"write {names}")
        findings.problem(Finding(what, hint, (*path, "backend")))
