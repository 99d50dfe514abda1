"""The whole way from bytes to a Plan: text, front matter, version, fields, tasks, links.

A good plan is read once. Only if there is something to say is the text read again, this time
with an eye on lines and columns.
"""

import os
import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

from pydantic import BaseModel

from parallel_orchestra.frozen import frozen
from parallel_orchestra.model import (
    NO_AFTER_MERGE,
    NO_BUDGET,
    NO_CHECKS,
    NO_SETUP,
    Halt,
    MergeRules,
    Plan,
    Task,
    UsageLimit,
    Webhooks,
)
from parallel_orchestra.plan import fields, manifest
from parallel_orchestra.plan.auto_context import AutoContext, read_auto_context
from parallel_orchestra.plan.borders import Disk, check_files
from parallel_orchestra.plan.document import Document, decode, find_marks, read_document
from parallel_orchestra.plan.findings import Finding, Findings, brief, did_you_mean
from parallel_orchestra.plan.judging import check_whole
from parallel_orchestra.plan.links import check_links
from parallel_orchestra.plan.merging import (
    check_after_budget,
    check_after_merge,
    check_merge,
    remark_on_authors,
)
from parallel_orchestra.plan.parts import check_backend, check_parts, check_path_variable
from parallel_orchestra.plan.sections import Sections, find_sections
from parallel_orchestra.plan.sketches import sketches
from parallel_orchestra.plan.tasks import (
    Surroundings,
    read_manifest_tasks,
    read_tasks,
)
from parallel_orchestra.plan.templating import (
    MESSAGE,
    Judge,
    Template,
    judge_template,
    read_template,
    remark_on_template,
)
from parallel_orchestra.plan.values import is_task_id
from parallel_orchestra.plan.wording import check_keys, validated
from parallel_orchestra.plan.yaml_tree import kind_of
from parallel_orchestra.prompt import known_names, message_names, message_trials, trials_of

_LIKE_AN_ID = re.compile(r"[a-z0-9]+(?:[-_][a-z0-9]+)+")
#: What many a format calls its version.
_MISNAMED = "version"
_OUTER_KEYS = frozenset({"po_plan_version", "tasks", "defaults"})


@frozen
class _Dialect:
    """What a version of the format says. `strict`: unknown keys and doubled names are errors."""

    version: str
    strict: bool
    top: type[BaseModel]
    defaults: type[BaseModel]
    tasks: Callable[[list[Any], Surroundings], list[Task]]
    nullable: frozenset[str]


_DIALECTS = {
    "0.2": _Dialect("0.2", True, fields.TopFields, fields.SharedFields, read_tasks, frozenset()),
    "0.1": _Dialect(
        "0.1",
        False,
        manifest.ManifestTop,
        manifest.ManifestDefaults,
        read_manifest_tasks,
        manifest.NULLABLE_KEYS,
    ),
}


@frozen
class Origin:
    """Where a plan comes from: its absolute path, the name the user gave, how the disk is asked.

    `judge` says what is wrong with a template.
    """

    source: Path
    shown: str
    read: Callable[[Path], bytes]
    is_directory: Callable[[Path], bool]
    backends: Collection[str]
    judge: Judge
    disk: Disk | None = None


def read_plan(data: bytes, origin: Origin) -> Plan:
    """Returns the plan in these bytes.

    Raises:
        PlanError: with everything that is wrong.
    """
    findings = Findings(origin.shown)
    text = decode(data, findings)
    document = read_document(text, origin.source, findings)
    if document.data.get("po_plan_version") == "0.1" and document.tree.tail is not None:
        # its prompts stay as they are, byte for byte
        again = Findings(origin.shown)
        document = read_document(text, origin.source, again, last_break=False)
    plan = _read(document, origin, findings)
    if not findings.any and plan is not None:
        return plan
    marks = find_marks(text, origin.source, findings.paths())
    if findings.wrong or plan is None:
        findings.raise_all(marks)
    return replace(plan, warnings=(*findings.sentences(marks), *plan.warnings))


def _read(document: Document, origin: Origin, findings: Findings) -> Plan | None:
    data = document.data
    dialect = _dialect(data, findings)
    known = _OUTER_KEYS | dialect.top.model_fields.keys()
    if "po_plan_version" not in data:
        known |= {_MISNAMED}
    others = fields.ELSEWHERE_THAN_TOP
    check_keys(data, known, "", (), findings, strict=dialect.strict, elsewhere=others)
    for key in data.keys() & {"on_complete", "on_failure"} if not dialect.strict else ():
        if isinstance(data[key], dict):
            known_here = fields.Webhook.model_fields
            check_keys(data[key], known_here, f"`{key}`", (key,), findings, strict=False)
    check_parts(data, "", (), findings, strict=dialect.strict)
    if dialect.strict:
        check_merge(data, findings)
        backends = _backends(origin, data)
        check_after_merge(data, backends, findings)
    top = validated(dialect.top, _without_nothing(data, dialect), "", (), findings)
    raw = _task_entries(data, findings)
    around = _surroundings(document, dialect, top, origin, findings)
    auto = read_auto_context(around.cwd, origin.read) if dialect.strict else AutoContext()
    around = replace(around, defaults={**auto.task_defaults, **around.defaults})
    tasks = dialect.tasks(raw, around)
    _check_body(document, around.sections, raw, findings)
    check_links(raw, findings, strict=dialect.strict)
    check_after_budget(
        top.get("after_merge", NO_AFTER_MERGE),
        top.get("budget", NO_BUDGET),
        around.templates,
        findings,
    )
    template, message = _templates(data, top, around.folder, origin, findings)
    # what is checked out is what the tasks start from, unless the plan names another branch
    disk = origin.disk if dialect.strict and "base" not in top else None
    if findings.wrong:
        judge_template(template, (), known_names(), origin.judge, findings)
        judge_template(message, (), message_names(), origin.judge, findings)
        entries = raw if dialect.strict and not findings.full else ()
        check_files(sketches(entries), around.cwd, disk, findings)
        return None
    _check_unused(top.get("concurrency_limits", {}), tasks, findings)
    plan = _plan(dialect.version, top, tasks, around, origin)
    plan = replace(auto.applied(plan), prompt_template=template.text)
    plan = replace(plan, merge=replace(plan.merge, message=message.text))
    judge_template(template, trials_of(plan), known_names(), origin.judge, findings)
    judge_template(message, message_trials(plan), message_names(), origin.judge, findings)
    remark_on_authors(plan, findings)
    remark_on_template(template, plan.context, findings)
    check_files(tasks, around.cwd, disk, findings)
    return plan


def _templates(
    data: Mapping[str, Any],
    top: Mapping[str, Any],
    folder: Path,
    origin: Origin,
    findings: Findings,
) -> tuple[Template, Template]:
    """Returns the templates of prompts and of merges."""
    # As it was written, also where something else in `merge` is wrong.
    said = top["merge"].message if "merge" in top else _within(data, "merge", "message")
    message = said if isinstance(said, str) else ""
    return (
        read_template(top.get("prompt_template", ""), folder, origin.shown, origin.read, findings),
        read_template(message, folder, origin.shown, origin.read, findings, MESSAGE),
    )


def _dialect(data: Mapping[str, Any], findings: Findings) -> _Dialect:
    version = data.get("po_plan_version")
    at = ("po_plan_version",)
    if "po_plan_version" not in data:
        what = "the plan has no `po_plan_version`"
        if _MISNAMED in data:
            hint = f'write `po_plan_version: "0.2"` in place of `{_MISNAMED}`'
            findings.problem(Finding(what, hint, (_MISNAMED,), key=True))
        else:
            findings.problem(Finding(what, 'add `po_plan_version: "0.2"`'))
        return _DIALECTS["0.2"]
    if isinstance(version, float) and str(version) in _DIALECTS:
        what = f"`po_plan_version` must be text, not {kind_of(version)}"
        findings.problem(Finding(what, f'put it in quotes: "{version}"', at))
        return _DIALECTS[str(version)]
    if not isinstance(version, str) or version not in _DIALECTS:
        word = brief(version) if isinstance(version, str) else kind_of(version)
        what = f'`po_plan_version` must be "0.1" or "0.2", not {word}'
        findings.problem(Finding(what, 'write `po_plan_version: "0.2"`', at))
        return _DIALECTS["0.2"]
    return _DIALECTS[version]


def _without_nothing(data: Mapping[str, Any], dialect: _Dialect) -> dict[str, Any]:
    return {k: v for k, v in data.items() if v is not None or k not in dialect.nullable}


def _task_entries(data: Mapping[str, Any], findings: Findings) -> list[Any]:
    raw = data.get("tasks")
    if isinstance(raw, list) and raw:
        return raw
    hint = "write `tasks:`, then `  - id: a-name` and so on"
    if raw is None and "tasks" not in data:
        findings.problem(Finding("the plan has no `tasks`", hint))
    else:
        what = "`tasks` is empty" if not raw else f"`tasks` must be a list, not {kind_of(raw)}"
        findings.problem(Finding(what, hint, ("tasks",)))
    return []


def _surroundings(
    document: Document,
    dialect: _Dialect,
    top: Mapping[str, Any],
    origin: Origin,
    findings: Findings,
) -> Surroundings:
    folder = origin.source.parent
    cwd = top.get("cwd", ".")
    project = Path(os.path.normpath(folder / cwd))
    if not origin.is_directory(project):
        what = f"`cwd` is not a directory: {project}"
        findings.problem(Finding(what, "it counts from the plan's folder", ("cwd",)))
    limits = _without_nothing(document.data, dialect).get("concurrency_limits", {})
    defaults, broken = _defaults(document.data, dialect, findings)
    around = Surroundings(
        findings=findings,
        folder=folder,
        cwd=project,
        read=origin.read,
        defaults=defaults,
        broken_defaults=broken,
        # the names that were written: a limit may be wrong and yet name its group
        groups=limits if isinstance(limits, dict) else None,
        backends=_backends(origin, document.data),
        sections=_sections(document, dialect),
        templates=top.get("backends", {}),
        budget=top.get("budget", NO_BUDGET),
        qa=top.get("qa"),
    )
    check_whole(around.qa, document.data.get("qa"), around.known)
    if "backend" in around.defaults:
        check_backend(
            around.defaults["backend"], "defaults", ("defaults",), around.backends, findings
        )
    return around


def _within(data: Mapping[str, Any], outer: str, inner: str) -> object:
    """Returns an entry of a mapping in the plan as it was written; None if there is none."""
    found = data.get(outer)
    return found.get(inner) if isinstance(found, dict) else None


def _backends(origin: Origin, data: Mapping[str, Any]) -> tuple[str, ...]:
    """Returns all backends by name, also those that the plan describes in a wrong way."""
    written = data.get("backends")
    named = written if isinstance(written, dict) else ()
    others = (name for name in named if isinstance(name, str))
    return tuple(dict.fromkeys((*origin.backends, *others)))


def _sections(document: Document, dialect: _Dialect) -> Sections:
    raw = document.data.get("tasks")
    if not dialect.strict or not document.body or not isinstance(raw, list):
        return Sections({}, ())
    ids = (entry.get("id") for entry in raw if isinstance(entry, dict))
    known = {task_id for task_id in ids if is_task_id(task_id)}
    return find_sections(document.body, document.body_line, known)


def _check_body(document: Document, sections: Sections, raw: list[Any], findings: Findings) -> None:
    """Notes tasks below the front matter, and headings that look as if a task had that id."""
    if sections.stray and not document.cut:
        at = f"on line {sections.stray}"
        what = f"the front matter seems to end too early: a task stands behind it, {at}"
        hint = "remove this `---`; in a block text, indent it like the text around it"
        findings.problem(Finding(what, hint, mark=(document.body_line - 1, 1)))
    ids = [entry["id"] for entry in raw if isinstance(entry, dict) and is_task_id(entry.get("id"))]
    for title, line in sections.others:
        guess = findings.guess(title, ids)
        # `## Notes` is a heading; who writes `## add-docs` thinks of a task
        if guess or _LIKE_AN_ID.fullmatch(title):
            what = f"the section `{title}` is the prompt of no task"
            hint = did_you_mean(guess, "add a task with this `id`, or give it another heading")
            findings.warning(Finding(what, hint, mark=(line, 1)))


def _defaults(
    data: Mapping[str, Any], dialect: _Dialect, findings: Findings
) -> tuple[Mapping[str, Any], frozenset[str]]:
    """Returns the defaults that are in order, and the names of those that are not."""
    raw = _without_nothing(data, dialect).get("defaults", {})
    if not isinstance(raw, dict):
        what = f"`defaults` must be a mapping, not {kind_of(raw)}"
        findings.problem(Finding(what, "write `defaults: {max_retries: 2}`", ("defaults",)))
        return {}, frozenset(dialect.defaults.model_fields)
    known = dialect.defaults.model_fields
    check_keys(
        raw,
        known,
        "defaults",
        ("defaults",),
        findings,
        strict=dialect.strict,
        elsewhere=fields.ELSEWHERE_THAN_DEFAULTS,
    )
    given = validated(dialect.defaults, raw, "defaults", ("defaults",), findings)
    if dialect.strict:
        check_path_variable(raw, "defaults", ("defaults",), findings)
    return given, frozenset(raw.keys() - given.keys())


def _check_unused(limits: Mapping[str, int], tasks: list[Task], findings: Findings) -> None:
    used = {task.concurrency_group for task in tasks}
    for group in limits:
        if group not in used:
            what = f"no task is in the group `{brief(group)}`"
            hint = did_you_mean("", "its limit has no effect")
            findings.warning(Finding(what, hint, ("concurrency_limits", group), key=True))


def _plan(
    version: str,
    top: Mapping[str, Any],
    tasks: list[Task],
    around: Surroundings,
    origin: Origin,
) -> Plan:
    hooks = {key: top[key].webhook_url for key in ("on_complete", "on_failure") if key in top}
    return Plan(
        version=version,
        name=top.get("name") or origin.source.stem,
        source=origin.source,
        cwd=around.cwd,
        tasks=tuple(tasks),
        defaults=Task(**{"id": "", **around.defaults}),
        base=top.get("base", ""),
        max_workers=top.get("max_workers"),
        verify=top.get("verify", ()),
        concurrency_limits=MappingProxyType(top.get("concurrency_limits", {})),
        halt=top.get("halt", Halt()),
        usage_limit=top.get("usage_limit", UsageLimit()),
        context=top.get("context", ""),
        programs=top.get("programs", ()),
        backends=top.get("backends", {}),
        setup=replace(top.get("setup", NO_SETUP), include=version != "0.1"),
        boundaries=top.get("boundaries"),
        qa=top.get("qa"),
        merge=top.get("merge", MergeRules()),
        budget=top.get("budget", NO_BUDGET),
        checks=top.get("checks", NO_CHECKS),
        after_merge=top.get("after_merge", NO_AFTER_MERGE),
        webhooks=Webhooks(**hooks),
        on_event=top.get("on_event"),
        notify=top.get("notify", ()),
    )
