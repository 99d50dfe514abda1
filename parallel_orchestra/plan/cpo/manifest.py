"""`manifest.json`: the waves of a folder, their tasks, and what is installed before them."""

import json
from collections.abc import Mapping
from dataclasses import field
from typing import Any

from pydantic import BaseModel

from parallel_orchestra.errors import PlanError
from parallel_orchestra.frozen import frozen
from parallel_orchestra.plan.cpo import shapes, validation
from parallel_orchestra.plan.cpo.book import Book
from parallel_orchestra.plan.cpo.pins import Pins, name_of
from parallel_orchestra.plan.cpo.places import Places
from parallel_orchestra.plan.document import decode
from parallel_orchestra.plan.findings import Finding, Findings, KeyPath, brief, did_you_mean
from parallel_orchestra.plan.values import is_task_id
from parallel_orchestra.plan.wording import check_keys, validated
from parallel_orchestra.plan.yaml_tree import kind_of

_HINTS = {
    "Expecting property name enclosed in double quotes": "put the key in double quotes, and remove"
    " a comma before `}`",
    "Expecting value": "remove a comma before `]`, or write a value",
    "Expecting ',' delimiter": "put a comma between two entries",
    "Expecting ':' delimiter": "put a colon behind the key",
    "Extra data": "keep one object in the file",
    "Invalid control character at": "write a line's end in a text as `\\n`",
}
_EXAMPLES = {
    "tech_spec_id": 'add "tech_spec_id": "TS-0001"',
    "number": 'add "number": 1, 2 or 3, as the waves follow each other',
    "id": 'add "id": "task-001"',
}
_DEEP = "nested deeper than any manifest"


@frozen
class WaveTask:
    """A task as the manifest names it; `path` is its place there."""

    id: str
    agent: str
    prompt_file: str
    wave: int
    path: KeyPath


@frozen
class Wave:
    """A wave; `validation` is empty if nothing is checked after it."""

    number: int
    validation: str
    tasks: tuple[WaveTask, ...]
    path: KeyPath


@frozen
class Manifest:
    """What a manifest says, as far as it is in order."""

    findings: Findings
    tech_spec_id: str = ""
    name: str = ""
    technology: str = ""
    python_version: str = ""
    waves: tuple[Wave, ...] = ()
    pins: Pins = field(default_factory=Pins)
    tech_spec: str = ""

    @property
    def tasks(self) -> tuple[WaveTask, ...]:
        """All tasks, wave by wave."""
        return tuple(task for wave in self.waves for task in wave.tasks)


def read_manifest(data: bytes, shown: str, book: Book) -> Manifest | None:
    """Returns the manifest in these bytes, or None if they are no JSON object.

    What is wrong is noted in the book, under the name `shown`.
    """
    findings = book.open(shown)
    try:
        raw = _parsed(data, shown, findings, book)
    except PlanError as error:
        book.give_up(shown, error)
        return None
    _check_top_keys(raw, findings)
    given = _given(shapes.ManifestFields, raw, "the manifest", (), findings)
    waves = _waves(raw, findings)
    manifest = Manifest(findings, waves=waves, pins=_pins(raw, findings), **given)
    _check_metadata(raw.get("metadata"), manifest, findings)
    return manifest


def _parsed(data: bytes, shown: str, findings: Findings, book: Book) -> dict[str, Any]:
    text = decode(data, findings)
    try:
        raw = json.loads(text)
    except json.JSONDecodeError as error:
        hint = next((h for said, h in _HINTS.items() if error.msg.startswith(said)), "")
        what = f"not valid JSON: {error.msg[:1].lower()}{error.msg[1:]}"
        findings.stop(Finding(what, hint or "see json.org", mark=(error.lineno, error.colno)))
    except RecursionError:
        findings.stop(Finding(_DEEP, "a manifest has lists of waves and tasks", mark=(1, 1)))
    if not isinstance(raw, dict):
        what = f"a manifest must be an object, not {kind_of(raw)}"
        findings.stop(Finding(what, 'write { "tech_spec_id": ..., "waves": [...] }', mark=(1, 1)))
    places = Places(text)
    book.locate_with(shown, lambda _: places.marks)
    for path, mark in places.doubles:
        what = f"the key `{brief(str(path[-1]))}` stands twice in the same object"
        findings.problem(Finding(what, "remove one of them", path, mark=mark))
    return raw


def _check_top_keys(raw: Mapping[str, Any], findings: Findings) -> None:
    """Notes unknown keys: as an error if a known one was meant, else as a remark."""
    known = shapes.ManifestFields.model_fields.keys() | {"waves", "dependencies", "metadata"}
    for key in raw.keys() - known - shapes.OTHER_TOP_KEYS:
        guess = findings.guess(key, known)
        finding = Finding(f"unknown key `{brief(key)}`", did_you_mean(guess), (key,), key=True)
        if guess:
            findings.problem(finding)
        else:
            findings.warning(Finding(f"{finding.what} has no effect", "", (key,), key=True))


def _given(
    fields: type[BaseModel], raw: Mapping[str, Any], owner: str, path: KeyPath, findings: Findings
) -> dict[str, Any]:
    """Returns the values of an object that are in order; null is as if it were not there."""
    filled = {key: value for key, value in raw.items() if value is not None}
    return validated(fields, filled, owner, path, findings, _EXAMPLES)


def _waves(raw: Mapping[str, Any], findings: Findings) -> tuple[Wave, ...]:
    entries = _list(raw, "waves", "the manifest", (), findings)
    waves: list[Wave] = []
    for i, entry in enumerate(entries):
        path: KeyPath = ("waves", i)
        if not isinstance(entry, dict):
            what = f"`waves[{i}]` must be an object, not {kind_of(entry)}"
            findings.problem(Finding(what, 'write { "number": 1, "tasks": [...] }', path))
            continue
        owner = f"waves[{i}]"
        known = shapes.WaveFields.model_fields.keys() | {"tasks"}
        check_keys(entry, known, owner, path, findings, strict=True)
        given = _given(shapes.WaveFields, entry, owner, path, findings)
        number = given.get("number", i + 1)
        if number != i + 1 and "number" in given:
            what = f"`number` of {owner} must be {i + 1}, not {number}"
            hint = "waves are numbered 1, 2, 3 in their order"
            findings.problem(Finding(what, hint, (*path, "number")))
        check = given.get("validation", "")
        why = validation.why_broken(check)
        if why:
            what = f"`validation` of {owner} is not valid Python: {why}"
            findings.problem(Finding(what, "mend it, or write a command", (*path, "validation")))
        tasks = _tasks(entry, i + 1, path, findings)
        waves.append(Wave(i + 1, check, tasks, path))
    return tuple(waves)


def _tasks(
    wave: Mapping[str, Any], number: int, path: KeyPath, findings: Findings
) -> tuple[WaveTask, ...]:
    tasks = []
    for i, entry in enumerate(_list(wave, "tasks", f"waves[{number - 1}]", path, findings)):
        here: KeyPath = (*path, "tasks", i)
        if not isinstance(entry, dict):
            what = f"a task must be an object, not {kind_of(entry)}"
            findings.problem(Finding(what, 'write { "id": "task-001", "agent": "name" }', here))
            continue
        named = entry.get("id")
        owner = f"task `{named}`" if is_task_id(named) else "the task"
        known = shapes.WaveTaskFields.model_fields
        check_keys(entry, known, owner, here, findings, strict=True)
        given = _given(shapes.WaveTaskFields, entry, owner, here, findings)
        if "id" in given:
            agent, prompt = given.get("agent", ""), given.get("prompt_file", "")
            tasks.append(WaveTask(given["id"], agent, prompt, number, here))
    return tuple(tasks)


def _list(
    raw: Mapping[str, Any], key: str, owner: str, path: KeyPath, findings: Findings
) -> list[Any]:
    value = raw.get(key)
    if isinstance(value, list) and value:
        return value
    where = (*path, key) if key in raw else path
    if key not in raw:
        what = f"{owner} has no `{key}`"
    else:
        empty = isinstance(value, list)
        what = f"`{key}` of {owner} " + (
            "is empty" if empty else f"must be a list, not {kind_of(value)}"
        )
    findings.problem(Finding(what, f'write "{key}": [ ... ] with at least one entry', where))
    return []


def _pins(raw: Mapping[str, Any], findings: Findings) -> Pins:
    path: KeyPath = ("dependencies",)
    found = raw.get("dependencies") or {}
    if not _is_object(found, "dependencies", path, findings):
        return Pins()
    check_keys(found, {"python"}, "dependencies", path, findings, strict=True)
    python, path = found.get("python") or {}, (*path, "python")
    if not _is_object(python, "dependencies.python", path, findings):
        return Pins()
    owner = "dependencies.python"
    check_keys(python, shapes.PythonFields.model_fields, owner, path, findings, strict=True)
    given = _given(shapes.PythonFields, python, owner, path, findings)
    _check_packages_twice(python, path, findings)
    return Pins(**given)


def _check_packages_twice(python: Mapping[str, Any], path: KeyPath, findings: Findings) -> None:
    """Notes packages that are named twice, also in lists in which something else is wrong."""
    seen: dict[str, str] = {}
    for key, packages in python.items():
        if key not in shapes.PythonFields.model_fields or not isinstance(packages, list):
            continue
        for position, package in enumerate(packages):
            name = name_of(package) if isinstance(package, str) else ""
            if name in seen:
                what = f"the package `{name}` is in `{key}`, and in `{seen[name]}` already"
                findings.problem(Finding(what, "keep one of them", (*path, key, position)))
            if name:
                seen.setdefault(name, key)


def _is_object(value: object, name: str, path: KeyPath, findings: Findings) -> bool:
    if isinstance(value, dict):
        return True
    what = f"`{name}` must be an object, not {kind_of(value)}"
    findings.problem(Finding(what, 'write { "python": { "add": [ ... ] } }', path))
    return False


def _check_metadata(raw: object, manifest: Manifest, findings: Findings) -> None:
    """Notes where `metadata` says something else than the waves; nothing is decided by it."""
    if not isinstance(raw, dict):
        return
    given = _given(shapes.MetadataFields, raw, "metadata", ("metadata",), findings)
    counted = {
        "total_tasks": len(manifest.tasks),
        "max_parallel": max((len(wave.tasks) for wave in manifest.waves), default=0),
    }
    for key, number in counted.items():
        if given.get(key, number) != number:
            what = f"`{key}` says {given[key]}, but the waves have {number}"
            findings.warning(Finding(what, "it has no effect", ("metadata", key)))
    known = {task.id for task in manifest.tasks}
    for position, name in enumerate(given.get("critical_path", ())):
        if name not in known:
            what = f"the critical path names `{brief(name)}`, which no wave has"
            hint = did_you_mean(findings.guess(name, known), "it has no effect")
            findings.warning(Finding(what, hint, ("metadata", "critical_path", position)))
