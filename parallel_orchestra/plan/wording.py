"""pydantic's complaints, and keys that nobody knows, in words for the writer of a plan."""

import re
from collections.abc import Collection, Iterator, Mapping
from types import MappingProxyType
from typing import Any

import yaml
from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from parallel_orchestra.plan.findings import (
    Finding,
    Findings,
    KeyPath,
    brief,
    did_you_mean,
    dotted,
)
from parallel_orchestra.plan.values import shown
from parallel_orchestra.plan.yaml_tree import WrongKey

_MUST = {
    "string_type": "be text",
    "bool_type": "be true or false",
    "int_type": "be a whole number",
    "int_from_float": "be a whole number",
    "list_type": "be a list",
    "dict_type": "be a mapping of names to values",
    "model_type": "be a mapping of names to values",
    "greater_than_equal": "be at least {ge}",
    "less_than_equal": "be at most {le}",
    "literal_error": "be {expected}",
}

_REMEDIES = {
    "string_type": "put it in quotes",
    "bool_type": "write true or false, without quotes",
    "int_type": "write a number, without quotes",
    "int_from_float": "write a number without a fraction",
    "list_type": "write a list: [first, second]",
    "greater_than_equal": "write {ge} or more",
    "less_than_equal": "write {le} or less",
}

_EXAMPLES = {
    "id": "add `id: a-name`",
    "name": "add `name: what this plan does`",
    "cwd": "add `cwd: .`, the project's folder counted from the plan's",
    "agent": 'add `agent: name`, or `agent: ""` for none',
    "read_only": "add `read_only: false`, or `true` if the task changes nothing",
    "webhook_url": "add `webhook_url: https://...`",
}

#: How fields are written that are mappings of their own, if something else stands there.
_MAPPINGS = {
    "budget": "write `budget: {max_cost_usd: 5}`",
    "checks": "write `checks: {tests: pytest -q}`",
    "merge": "write `merge: {strategy: squash}`",
    "on_complete": "write `on_complete: {webhook_url: https://...}`",
    "on_failure": "write `on_failure: {webhook_url: https://...}`",
    "setup": "write `setup: {run: npm ci}`",
}

#: What other tools call these fields; too far from ours to be guessed by their letters.
_OTHER_NAMES = {
    "after": "depends_on",
    "attempts": "max_retries",
    "cmd": "command",
    "dependencies": "depends_on",
    "deps": "depends_on",
    "files": "writes",
    "idle_timeout_sec": "idle_timeout",
    "needs": "depends_on",
    "parallelism": "max_workers",
    "requires": "depends_on",
    "run": "command",
    "script": "command",
    "timeout_sec": "timeout",
    "workers": "max_workers",
}


def validated(
    fields: type[BaseModel],
    raw: Mapping[str, Any],
    owner: str,
    path: KeyPath,
    findings: Findings,
    examples: Mapping[str, str] = MappingProxyType({}),
) -> dict[str, Any]:
    """Returns the values that were given, converted; what is wrong is noted and left out.

    `owner` is whose fields these are, as in "of task `build`"; "" for the plan. `examples` say
    how a missing field is written, where it is not written as in a plan.
    """
    try:
        made = fields.model_validate(raw)
    except ValidationError as error:
        for details in error.errors(include_url=False):
            for finding in _refusals(details, owner, path):
                findings.problem(finding)
            if details["type"] != "refused":
                findings.problem(_finding(details, owner, path, findings, examples))
        return _salvaged(fields, raw)
    return {name: getattr(made, name) for name in made.model_fields_set}


def check_keys(
    raw: Mapping[str, Any],
    known: Collection[str],
    owner: str,
    path: KeyPath,
    findings: Findings,
    *,
    strict: bool,
    elsewhere: Mapping[str, str] = MappingProxyType({}),
) -> None:
    """Notes every key that is not known: as an error, or if not strict as a remark.

    `elsewhere` says of keys that are known in other places whose they are.
    """
    for key in raw:
        if findings.full:
            return
        if key in known or isinstance(key, WrongKey):
            continue
        other = _OTHER_NAMES.get(key, "")
        guess = other if other in known else findings.guess(key, known)
        place = f" in {owner}" if owner else ""
        what = f"unknown key `{brief(key)}`{place}"
        if strict:
            hint = _where_known(key, guess, known, elsewhere, findings)
            findings.problem(Finding(what, hint, (*path, key), key=True))
        else:
            what += " has no effect"
            findings.warning(Finding(what, did_you_mean(guess), (*path, key), key=True))


def _where_known(
    key: str,
    guess: str,
    known: Collection[str],
    elsewhere: Mapping[str, str],
    findings: Findings,
) -> str:
    """Returns the hint for a key that is not known here, but perhaps in another place."""
    if key not in elsewhere and guess:
        return did_you_mean(guess)
    other = key if key in elsewhere else _OTHER_NAMES.get(key, "")
    other = other if other in elsewhere else findings.guess(key, elsewhere)
    if not other:
        return f"known keys: {', '.join(sorted(known))}"
    meant = "it" if other == key else f"did you mean `{other}`? It"
    return f"{meant} is a key of {elsewhere[other]}: write it there"


def _salvaged(fields: type[BaseModel], raw: Mapping[str, Any]) -> dict[str, Any]:
    """Returns the values that are good by themselves, by which the rest can be judged."""
    made = fields.model_construct()
    sound: dict[str, Any] = {}
    for key in fields.model_fields.keys() & raw.keys():
        try:
            setattr(made, key, raw[key])  # `Fields` validates assignments
        except ValidationError:
            continue
        sound[key] = getattr(made, key)
    return sound


def _finding(
    details: ErrorDetails,
    owner: str,
    path: KeyPath,
    findings: Findings,
    examples: Mapping[str, str],
) -> Finding:
    loc = _steps(details)
    context = details.get("ctx", {})
    if details["type"] == "missing":
        key = str(loc[-1])
        holder = dotted(loc[:-1])
        whose = f"`{holder}`" if holder else owner or "the plan"
        hint = examples.get(key) or _EXAMPLES.get(key, "")
        return Finding(f"{whose} has no `{key}`", hint, (*path, *loc[:-1]))
    expected = str(context.get("expected", "")).replace("'", "`")
    must = _MUST.get(details["type"], "be valid").format(**{**context, "expected": expected})
    what = _sentence(loc, owner, must, details["input"])
    return Finding(what, _hint(details, expected, findings), (*path, *loc))


def _refusals(details: ErrorDetails, owner: str, path: KeyPath) -> Iterator[Finding]:
    """Yields all for which our own rules refused a value: see `values.refused`."""
    loc = _steps(details)
    for said in details.get("ctx", {}).get("said", ()):
        value = details["input"]
        for step in said["at"]:
            value = value[step]
        place = (*loc, *said["at"])
        what = _sentence(place, owner, said["must"], value)
        yield Finding(what, said["hint"], (*path, *place))


def _steps(details: ErrorDetails) -> KeyPath:
    return tuple(step for step in details["loc"] if step != "[key]")


def _sentence(loc: KeyPath, owner: str, must: str, value: object) -> str:
    subject = f"`{dotted(loc)}`" + (f" of {owner}" if owner else "")
    what = f"{subject} must {must}" if must else f"{subject} can't be used"
    return f"{what}, not {shown(value)}" if must.startswith("be ") else what


def _hint(details: ErrorDetails, expected: str, findings: Findings) -> str:
    kind, value = details["type"], details["input"]
    if value is None:
        return "give it a value or remove the line"
    if kind == "string_type" and isinstance(value, list | dict):
        return "put text that begins with `[` or `{` in quotes"
    if kind in ("dict_type", "model_type") and (loc := _steps(details)):
        return _MAPPINGS.get(str(loc[-1]), "write a mapping: {name: value}")
    if kind == "list_type" and isinstance(value, str):
        return f"write a list: [{_entries(brief(value))}]"
    if kind == "int_type" and isinstance(value, float):
        return _REMEDIES["int_from_float"]
    if kind == "literal_error":
        names = re.findall("`([^`]*)`", expected)
        guess = findings.guess(value, names) if isinstance(value, str) else ""
        return did_you_mean(guess, f"write {expected}")
    return _REMEDIES.get(kind, "").format(**details.get("ctx", {}))


def _entries(text: str) -> str:
    """Returns text as it stands in a list in YAML: in quotes if it would be something else there."""
    try:
        read = yaml.safe_load(f"[{text}]")
    except (yaml.YAMLError, ValueError):  # a date that there is not
        read = []
    if read and all(isinstance(entry, str) for entry in read):
        return text
    return "'{}'".format(text.replace("'", "''"))
