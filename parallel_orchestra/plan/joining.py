"""One task in a file of its own, as it joins a run: front matter like an entry of `tasks`, and the prompt.

It may depend on every task that the run has, and nothing that the run has waits for it.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import fields as fields_of
from pathlib import Path, PurePath
from typing import Any

from parallel_orchestra.model import Plan, Task
from parallel_orchestra.plan import fields
from parallel_orchestra.plan.document import Document, decode, find_marks, read_document
from parallel_orchestra.plan.findings import Finding, Findings, brief, did_you_mean
from parallel_orchestra.plan.sections import Section, Sections
from parallel_orchestra.plan.tasks import Surroundings, read_alone
from parallel_orchestra.plan.values import is_task_id

#: What a task file of ours says beside the task's fields.
_OURS = frozenset({"run", "generation", "fingerprint"})


def read_joining(
    data: bytes,
    name: str,
    plan: Plan,
    *,
    shown: str,
    read: Callable[[Path], bytes],
    backends: Collection[str],
) -> Task:
    """Returns the task in a file's bytes, with the defaults of the plan that it joins.

    `name` is its id, unless the file says another; then that must be meant: see `id_in`. `shown`
    is the file's name for messages.

    Raises:
        PlanError: with everything that is wrong.
    """
    findings = Findings(shown)
    text = decode(data, findings)
    document = read_document(text, PurePath("task.md"), findings)
    entry = {key: value for key, value in document.data.items() if key not in _OURS}
    task_id = entry.setdefault("id", name)
    if task_id != name and is_task_id(task_id):
        what = f"the file is of task `{brief(name)}`, but its `id` is `{task_id}`"
        findings.problem(Finding(what, f"name it `{task_id}.md`, or remove the line", ("id",)))
    around = Surroundings(
        findings=findings,
        folder=plan.source.parent,
        cwd=plan.cwd,
        read=read,
        defaults=_defaults(plan),
        broken_defaults=(),
        groups=plan.concurrency_limits,
        backends=(*backends, *plan.backends),
        templates=plan.backends,
        budget=plan.budget,
        qa=plan.qa,
        sections=_body(document, task_id),
    )
    task = read_alone(entry, f"task `{brief(str(task_id))}`", around)
    _check_place(entry, plan, findings)
    if findings.wrong or task is None:
        findings.raise_all(find_marks(text, PurePath("task.md"), findings.paths()))
    return task


def id_in(data: bytes, otherwise: str, shown: str) -> str:
    """Returns the id that a task's file says it has, or else that of its name.

    `shown` is the file's name for messages.

    Raises:
        PlanError: the file can't be read as one.
    """
    findings = Findings(shown)
    document = read_document(decode(data, findings), PurePath("task.md"), findings)
    found = document.data.get("id", otherwise)
    return found if isinstance(found, str) else otherwise


def _defaults(plan: Plan) -> dict[str, Any]:
    plain = Task(id="")
    values = {one.name: getattr(plan.defaults, one.name) for one in fields_of(Task)}
    return {
        name: value
        for name, value in values.items()
        if name in fields.SharedFields.model_fields and value != getattr(plain, name)
    }


def _body(document: Document, task_id: object) -> Sections:
    text = document.body.strip("\n")
    if not text.strip() or not isinstance(task_id, str):
        return Sections({}, ())
    return Sections({task_id: [Section(text, document.body_line)]}, ())


def _check_place(entry: Mapping[str, Any], plan: Plan, findings: Findings) -> None:
    """Notes an id that the run has, and needs that it does not have."""
    known = {task.id for task in plan.tasks}
    task_id = entry["id"]
    folded = {name.casefold(): name for name in known}
    if isinstance(task_id, str) and task_id.casefold() in folded:
        there = folded[task_id.casefold()]
        what = f"the run has a task `{there}` already"
        findings.problem(Finding(what, "choose another id and file name", ("id",)))
    if "wave" in entry:
        what = f"task `{brief(str(task_id))}` can't join a wave"
        findings.problem(Finding(what, "name what it needs in `depends_on`", ("wave",), key=True))
    needed = entry.get("depends_on")
    for place, other in enumerate(needed if isinstance(needed, list) else ()):
        path = ("depends_on", place)
        if not isinstance(other, str):
            continue  # its type is noted where the fields are read
        if other == task_id:
            what = f"task `{other}` depends on itself"
            findings.problem(Finding(what, "remove this entry", path))
        elif other not in known:
            what = f"task `{brief(str(task_id))}` depends on `{brief(other)}`, which the run lacks"
            hint = did_you_mean(findings.guess(other, known), "name a task by its `id`")
            findings.problem(Finding(what, hint, path))
