"""A plan as JSON values and back, exactly, and a task's fingerprint.

What `run.json` holds. A field that has its default is left out, so a new field changes nobody's
fingerprint. Needs neither YAML nor pydantic: a worker that joins a run starts at once.
"""

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import MISSING, asdict, astuple, fields
from enum import Enum
from itertools import compress
from operator import attrgetter, is_not
from pathlib import Path
from types import MappingProxyType
from typing import Any, TypeVar

from parallel_orchestra.errors import EnvironmentProblem, Problem
from parallel_orchestra.graph import Graph
from parallel_orchestra.model import (
    AfterMerge,
    Boundaries,
    Budget,
    Checks,
    Deliver,
    Evidence,
    Halt,
    Hook,
    Isolation,
    LimitMode,
    MergeRules,
    OnConflict,
    Plan,
    Qa,
    Setup,
    Strategy,
    Task,
    Template,
    Timed,
    UsageLimit,
    Webhooks,
)

_Read = TypeVar("_Read")
_NAMES = tuple(field.name for field in fields(Task))
_DEFAULTS = tuple(
    field.default if field.default_factory is MISSING else field.default_factory()
    for field in fields(Task)
)
_VALUES: Callable[[Task], tuple[Any, ...]] = attrgetter(*_NAMES)

#: What a field's value is made of; a few may be nothing, or of two kinds.
_FORMS: dict[str, Any] = {
    **{name: type(default) for name, default in zip(_NAMES, _DEFAULTS, strict=True)},
    "id": str,
    "timeout": float | int,
    "idle_timeout": float | int,
    "estimate": float | int | None,
    "wave": int | None,
    "max_turns": int | None,
    "max_cost_usd": float | int | None,
    "max_tokens": int | None,
    "max_duration": float | int | None,
    "env": Mapping,
    "command": tuple | str | None,
    "qa": Qa | None,
}

#: What a task may use.
_BUDGET = frozenset(one.name for one in fields(Budget))

# `json.dumps` makes an encoder anew for every text that is not written as by default.
_ENCODER = json.JSONEncoder(sort_keys=True, separators=(",", ":"))

_PLAN_PATHS = ("source", "cwd")


def canonical(task: Task) -> dict[str, Any]:
    """Returns the task as JSON values: its fields that differ from their defaults."""
    values = _VALUES(task)
    # Of forty fields a few are said, and a run has tens of thousands of tasks: what is the very
    # default is passed over without a step of Python.
    others = compress(zip(_NAMES, values, _DEFAULTS, strict=True), map(is_not, values, _DEFAULTS))
    return {name: _plain(value) for name, value, default in others if value != default}


def task_from(record: Mapping[str, Any]) -> Task:
    """Returns the task that `canonical` made this record of.

    Raises:
        ValueError: the record is not one of ours.
    """
    try:
        task = Task(**{name: _field(name, value) for name, value in record.items()})
    except (TypeError, AttributeError) as error:
        raise ValueError(f"not a task's record: {error}") from error
    for name in record:
        if not isinstance(getattr(task, name), _FORMS[name]):
            raise ValueError(f"not a task's record: `{name}` is of another kind")  # noqa: TRY004
    return task


def fingerprint(task: Task) -> str:
    """Returns 64 hex digits that change exactly if the task's definition does.

    What it may use is no part of that: who raises a budget has not changed what is done.
    """
    return _print(canonical(task))


def fingerprints(record: Mapping[str, Any]) -> dict[str, str]:
    """Returns each task's fingerprint by its id, of what `plan_to_json` made of a plan."""
    return {task["id"]: _print(task) for task in record["tasks"]}


def plan_to_json(plan: Plan) -> dict[str, Any]:
    """Returns the plan as JSON values."""
    return {
        "version": plan.version,
        "name": plan.name,
        "source": str(plan.source),
        "cwd": str(plan.cwd),
        "tasks": [canonical(task) for task in plan.tasks],
        "defaults": canonical(plan.defaults),
        "base": plan.base,
        "max_workers": plan.max_workers,
        "verify": _plain(plan.verify),
        "concurrency_limits": dict(plan.concurrency_limits),
        "halt": str(plan.halt),
        "usage_limit": plan.usage_limit.facts(),
        "context": plan.context,
        "prompt_template": plan.prompt_template,
        "programs": list(plan.programs),
        "backends": {name: _plain(astuple(one)) for name, one in plan.backends.items()},
        "fewest": plan.fewest,
        "keep_worktrees": plan.keep_worktrees,
        "setup": _plain(plan.setup),
        "boundaries": plan.boundaries.value if plan.boundaries else None,
        "merge": _merge_facts(plan.merge),
        "qa": _plain(plan.qa),
        "budget": asdict(plan.budget),
        "checks": {name: _plain(one) for name, one in asdict(plan.checks).items()},
        "webhooks": asdict(plan.webhooks),
        "on_event": _plain(astuple(plan.on_event)) if plan.on_event else None,
        "notify": list(plan.notify),
        "after_merge": {name: _plain(one) for name, one in plan.after_merge.facts().items()},
        "warnings": list(plan.warnings),
    }


def plan_from_json(record: Mapping[str, Any]) -> Plan:
    """Returns the plan that `plan_to_json` made this record of.

    Raises:
        EnvironmentProblem: the record is not one of ours; somebody changed `run.json`.
    """
    return _believed(_plan_from, record)


def merge_from_json(record: Mapping[str, Any]) -> MergeRules:
    """Returns how the plan of such a record has work merged; nothing else of it is looked at.

    Raises:
        EnvironmentProblem: as `plan_from_json`.
    """
    return _believed(lambda whole: _merge_rules(whole.get("merge", {})), record)


def _believed(read: Callable[[Mapping[str, Any]], _Read], record: Mapping[str, Any]) -> _Read:
    try:
        return read(record)
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise EnvironmentProblem(
            Problem(
                f"the run's record holds no plan of ours: {error}",
                "run.json",
                "put the file back as it was, or begin a new run with `--fresh`",
            )
        ) from error


def _plan_from(record: Mapping[str, Any]) -> Plan:
    values = dict(record)
    values.update({name: Path(values[name]) for name in _PLAN_PATHS})
    values["tasks"] = tuple(task_from(task) for task in values["tasks"])
    if len(Graph.of(values["tasks"]).order) != len(values["tasks"]):
        raise ValueError("a task is in it twice")
    values["defaults"] = task_from(values.get("defaults", {"id": ""}))
    values["verify"] = _checks(values["verify"])
    values["warnings"] = tuple(values["warnings"])
    values["concurrency_limits"] = MappingProxyType(dict(values["concurrency_limits"]))
    values["programs"] = tuple(values.get("programs", ()))
    values["backends"] = {
        name: Template(*_tuples(one)) for name, one in values.get("backends", {}).items()
    }
    values["halt"] = Halt.of(values.get("halt", str(Halt())))
    limit = values.get("usage_limit", UsageLimit().facts())
    values["usage_limit"] = UsageLimit(LimitMode(limit["mode"]), float(limit["max_wait"]))
    values["setup"] = _setup(values.get("setup", {}))
    bounds = values.get("boundaries")
    values["boundaries"] = Boundaries(bounds) if bounds is not None else None
    values["merge"] = _merge_rules(values.get("merge", {}))
    checks = values.get("checks", {})
    values["checks"] = Checks(**{name: _tuples(one) for name, one in checks.items()})
    values["qa"] = _qa(values.get("qa"))
    values["budget"] = _budget(values.get("budget", {}))
    after = values.get("after_merge", {})
    values["after_merge"] = AfterMerge(**{name: _tuples(fact) for name, fact in after.items()})
    values["webhooks"] = Webhooks(**values["webhooks"])
    hook = values.get("on_event")
    values["on_event"] = Hook(*_tuples(hook)) if hook else None
    values["notify"] = tuple(values.get("notify", ()))
    return Plan(**values)


def _print(record: Mapping[str, Any]) -> str:
    facts = {name: value for name, value in record.items() if name not in _BUDGET}
    return hashlib.sha256(_ENCODER.encode(facts).encode()).hexdigest()


def _merge_facts(rules: MergeRules) -> dict[str, Any]:
    given = ((one.name, getattr(rules, one.name), one.default) for one in fields(rules))
    return {name: _plain(value) for name, value, usual in given if value != usual}


def _merge_rules(record: Mapping[str, Any]) -> MergeRules:
    facts = {name: _tuples(fact) for name, fact in record.items()}
    if "deliver" in facts:
        facts["deliver"] = Deliver(facts["deliver"])
    if "strategy" in facts:
        facts["strategy"] = Strategy(facts["strategy"])
    if "on_conflict" in facts:
        facts["on_conflict"] = OnConflict(facts["on_conflict"])
    return MergeRules(**facts)


def _plain(value: Any) -> Any:
    if isinstance(value, str):
        return value  # as most are
    if isinstance(value, Setup | Qa):
        return {name: _plain(fact) for name, fact in value.facts().items()}
    if isinstance(value, Evidence | Timed):
        return value.facts()
    if isinstance(value, tuple):
        return [_plain(each) for each in value]
    if isinstance(value, Mapping):
        return dict(sorted(value.items()))
    return value.value if isinstance(value, Enum) else value


def _field(name: str, value: Any) -> Any:
    if name == "setup":
        return _setup(value)
    if name == "verify":
        return _checks(value)
    if name == "qa":
        return _qa(value)
    if name == "expect":
        return tuple(Evidence(**{key: _tuples(fact) for key, fact in one.items()}) for one in value)
    if isinstance(value, list):
        return _tuples(value)
    if isinstance(value, dict):
        return MappingProxyType(value)
    return Isolation(value) if name == "isolation" else value


def _budget(record: Mapping[str, Any]) -> Budget:
    if not all(value is None or type(value) in (int, float) for value in record.values()):
        raise ValueError("not a budget")
    return Budget(**record)


def _setup(record: Mapping[str, Any]) -> Setup:
    return Setup(**{name: _tuples(fact) for name, fact in record.items()})


def _checks(commands: Any) -> Any:
    if not isinstance(commands, list):
        return commands
    return tuple(
        Timed(_tuples(one["run"]), float(one["timeout"])) if isinstance(one, dict) else _tuples(one)
        for one in commands
    )


def _qa(record: Mapping[str, Any] | None) -> Qa | None:
    return None if record is None else Qa(**{name: _tuples(fact) for name, fact in record.items()})


def _tuples(value: Any) -> Any:
    return tuple(_tuples(each) for each in value) if isinstance(value, list) else value
