"""What `qa` of the plan and of its tasks need: an agent that is there, and that keeps to budgets.

What is wrong with the plan's is said once, and of a task only what is its own.
"""

from collections.abc import Collection, Mapping
from typing import Any

from parallel_orchestra.frozen import frozen
from parallel_orchestra.model import DEFAULT_BACKEND, Budget, Qa, Template
from parallel_orchestra.plan.abilities import UNITS, abilities_of, who_knows
from parallel_orchestra.plan.budgets import limit_of, untold, way_out
from parallel_orchestra.plan.findings import Finding, Findings, KeyPath
from parallel_orchestra.plan.parts import check_backend

#: The fields for an agent that not every agent understands.
_AGENT_FIELDS = ("agent", "model", "max_turns")


@frozen
class Known:
    """What a `qa` is judged by: the agents that there are, and the plan's budget."""

    findings: Findings
    backends: Collection[str]
    templates: Mapping[str, Template]
    budget: Budget


def check_whole(qa: Qa | None, written: object, known: Known) -> None:
    """Notes what is wrong with the plan's `qa`, whichever task it is for.

    It is None if anything `written` in it is wrong by itself.
    """
    if qa is None:
        check_named(written, "`qa`", ("qa",), known)
        return
    if not qa.on:
        return
    _check_agent(qa, qa.backend, "`qa`", ("qa",), known)
    if qa.backend:
        limits = {unit: limit_of(known.budget, unit) for unit in UNITS}
        _check_limits(qa, qa.backend, "`qa`", ("qa",), limits, known)


def check_named(written: object, whose: str, at: KeyPath, known: Known) -> None:
    """Notes an agent that is not there in a `qa` in which something else is wrong, too."""
    backend = written.get("backend") if isinstance(written, dict) else None
    if isinstance(backend, str) and backend:
        check_backend(backend, whose, at, known.backends, known.findings)


def check_own(
    entry: Mapping[str, Any],
    task: Mapping[str, Any],
    whole: Qa | None,
    owner: str,
    path: KeyPath,
    known: Known,
) -> None:
    """Notes what is wrong with how a task's work is judged; `whole` is the plan's `qa`.

    `entry` is what was written of it, `task` its fields with the defaults.
    """
    own: Qa | None = task.get("qa")
    at = (*path, "qa") if own is not None else path
    if task.get("read_only"):
        if own is not None and own.on:
            what = f"{owner} is `read_only`, so there is no work of it to judge"
            hint = "remove `qa`; a task that `depends_on` it can look at its answer"
            known.findings.problem(Finding(what, hint, at))
        return
    qa = own.over(whole) if own is not None else whole
    if qa is None or not qa.on:
        return
    executor = task.get("backend", DEFAULT_BACKEND)
    whose = f"`qa` of {owner}"
    if executor == "command" and not qa.backend:
        what = f"{owner} is a program, and its `qa` names no agent that could judge its work"
        hint = "name one: `qa: {backend: claude}`, or write `qa: false` here"
        known.findings.problem(Finding(what, hint, at))
        return
    if own is not None:
        _check_agent(qa, qa.backend, whose, at, known, named=bool(own.backend))
    limits = {unit: task.get(unit) for unit in UNITS if own is not None or unit in entry}
    if own is not None:
        limits = {
            unit: limit_of(known.budget, unit) if mine is None else mine
            for unit, mine in limits.items()
        }
    if qa.backend and qa.backend != executor:
        _check_limits(qa, qa.backend, whose, at, limits, known)


def _check_agent(
    qa: Qa, backend: str, whose: str, at: KeyPath, known: Known, *, named: bool = True
) -> None:
    """Notes an agent that is not there, or that does not understand what is said to it.

    If it is not `named` here, it is not looked for again.
    """
    findings = known.findings
    if backend and named:
        check_backend(backend, whose, at, known.backends, findings)
    if backend == "command" and qa.command is None:
        what = f"{whose} has the backend `command`, but no `command`"
        findings.problem(Finding(what, "add `command: [program, argument]`", at))
    elif backend != "command" and qa.command is not None:
        what = f"{whose} has a `command`, but its backend is not `command`"
        hint = "add `backend: command`, or remove the command"
        findings.problem(Finding(what, hint, (*at, "command")))
    able = abilities_of(backend, known.templates) if backend else None
    for key in _AGENT_FIELDS if able is not None else ():
        if getattr(qa, key) and able is not None and key not in able.fields:
            what = f"{whose} has `{key}`, which its backend `{backend}` does not understand"
            others = " or ".join(f"`{name}`" for name in who_knows(key))
            findings.problem(Finding(what, f"remove the line; {others} understands it", at))


def _check_limits(
    qa: Qa, backend: str, whose: str, at: KeyPath, limits: Mapping[str, float | None], known: Known
) -> None:
    """Notes a budget that can't be kept, because who judges does not tell what it uses."""
    able = abilities_of(backend, known.templates)
    for unit, limit in limits.items() if able is not None else ():
        tells = able is not None and unit in able.tells
        uses_none = getattr(qa, unit) == 0
        if limit is None or (uses_none and not tells):
            continue
        if tells and limit == 0:
            what = f"its `{unit}` is 0, but {whose} asks a model"
            known.findings.problem(Finding(what, "write more, or `qa: false`", at))
        elif not tells:
            what = f"a budget of `{unit}` can't be kept: {untold(unit, whose, backend)}"
            known.findings.problem(Finding(what, way_out(unit, backend, known.templates), at))
