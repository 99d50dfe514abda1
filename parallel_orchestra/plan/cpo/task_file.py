"""One file of `tasks/`: its front matter, its scope, and what the agent is told to do."""

import re
from pathlib import Path
from typing import Any

from parallel_orchestra.errors import PlanError
from parallel_orchestra.frozen import frozen
from parallel_orchestra.plan.cpo.book import Book
from parallel_orchestra.plan.cpo.scope import Scope, read_scope
from parallel_orchestra.plan.cpo.shapes import LISTS, TaskFileFields
from parallel_orchestra.plan.document import Document, decode, find_marks, read_document
from parallel_orchestra.plan.findings import Finding, Findings, Mark
from parallel_orchestra.plan.wording import check_keys, validated

_EXAMPLES = {
    "id": "add `id: task-001`",
    "component": "add `component: name`, the part of the system that it builds",
    "wave": "add `wave: 1`, the number that the manifest has it in",
    "deps": "add `deps: [task-001]`, or `deps: []` for none",
    "agent": "add `agent: name`, who does it",
    "skills": "add `skills: [plugin:skill]`, or `skills: []` for none",
    "contracts": "add `contracts: [contracts/types.py]`, or `contracts: []` for none",
}
_FENCE = re.compile(r"^ {0,3}(`{3,}|~{3,})")
_TITLE = re.compile(r"^# +(?:task-[\w-]+\s*[:.-]\s*)?(?P<title>.*?)\s*#*$", re.IGNORECASE)
_SECTION = re.compile(r"^## +(?P<name>.*?)\s*#*$")


@frozen
class TaskFile:
    """A task as its file describes it, as far as that can be read; `shown` names the file.

    `deps` and `blocks` are as they were written. Sections are texts without their headings, empty
    if there is none.
    """

    shown: str
    stem: str
    id: str
    findings: Findings
    given: dict[str, Any]
    title: str
    scope: Scope
    requirements: str
    checklist: str

    @property
    def wave(self) -> int:
        """The number of its wave; 0 if it says none that can be read."""
        return int(self.given.get("wave", 0))

    def names(self, key: str) -> tuple[str, ...]:
        """Returns one of its lists: `deps`, `blocks`, `skills` or `contracts`."""
        found: tuple[str, ...] = self.given.get(key, ())
        return found


@frozen
class _Section:
    text: str
    line: int


def read_task_file(data: bytes, path: Path, shown: str, book: Book) -> TaskFile | None:
    """Returns the task in these bytes, or None if its front matter can't be read.

    What is wrong is noted in the book, under the name `shown`.
    """
    findings = book.open(shown)
    try:
        text = decode(data, findings)
        document = read_document(text, path, findings)
    except PlanError as error:
        book.give_up(shown, error)
        return None
    book.locate_with(shown, lambda wanted: find_marks(text, path, wanted))
    given = _front_matter(document, findings)
    task_id = str(given.get("id", ""))
    owner = f"task `{task_id}`" if task_id else "the task"
    title, sections = _sections(document)
    return TaskFile(
        shown=shown,
        stem=path.stem,
        id=task_id,
        findings=findings,
        given=given,
        title=title,
        scope=_scope(sections, owner, document, findings),
        requirements=_text(sections, "Requirements"),
        checklist=_text(sections, "Checklist"),
    )


def _front_matter(document: Document, findings: Findings) -> dict[str, Any]:
    data = document.data
    owner = f"task `{data['id']}`" if isinstance(data.get("id"), str) else "the task file"
    check_keys(data, TaskFileFields.model_fields, owner, (), findings, strict=True)
    whole = {key: [] if value is None and key in LISTS else value for key, value in data.items()}
    return validated(TaskFileFields, whole, owner, (), findings, _EXAMPLES)


def _sections(document: Document) -> tuple[str, dict[str, _Section]]:
    """Returns the title and the sections of level 2, by name; the first of a name counts."""
    title, fence = "", ""
    found: dict[str, _Section] = {}
    name, start, lines = "", 0, document.body.splitlines()
    for index, line in enumerate([*lines, "## "]):
        opening = _FENCE.match(line)
        if opening and (not fence or opening[1].startswith(fence)):
            fence = "" if fence else opening[1]
        if fence and index < len(lines):
            continue
        heading = _SECTION.match(line) or (index == len(lines))
        if heading:
            if name:
                text = "\n".join(lines[start:index])
                found.setdefault(name.casefold(), _Section(text, document.body_line + start))
            name, start = ("" if heading is True else heading["name"]), index + 1
        elif not title and (first := _TITLE.match(line)):
            title = first["title"]
    return title, found


def _scope(
    sections: dict[str, _Section], owner: str, document: Document, findings: Findings
) -> Scope:
    section = sections.get("scope")
    first: Mark = (document.body_line, 1)
    if section is None:
        what = f"{owner} has no section `## Scope`"
        hint = "add it, with lines `CREATE:`, `MODIFY:` and `BOUNDARY:`"
        findings.problem(Finding(what, hint, mark=first))
        return Scope()
    scope = read_scope(section.text, section.line, owner, findings)
    mark: Mark = (section.line - 1, 1)
    if "BOUNDARY" not in scope.said:
        what = f"the scope of {owner} has no `BOUNDARY`"
        hint = "add `BOUNDARY:` with what the task must not touch, or `BOUNDARY: none`"
        findings.problem(Finding(what, hint, mark=mark))
    if not scope.said & {"CREATE", "MODIFY"}:
        what = f"the scope of {owner} has neither `CREATE` nor `MODIFY`"
        hint = "it may change no file; add what it writes"
        findings.warning(Finding(what, hint, mark=mark))
    return scope


def _text(sections: dict[str, _Section], name: str) -> str:
    section = sections.get(name.casefold())
    return section.text.strip("\n").rstrip() if section is not None else ""
