"""What a task's agent was told, or will be told next; changes nothing."""

import os
import time
from collections.abc import Mapping
from difflib import get_close_matches
from pathlib import Path

from parallel_orchestra import files
from parallel_orchestra.conductor.picture import (
    NOBODY,
    ledger_at,
    read_record,
    repository_of,
    spent_of,
)
from parallel_orchestra.errors import PlanError, Problem, UsageError
from parallel_orchestra.frozen import frozen
from parallel_orchestra.model import Plan, Task
from parallel_orchestra.plan import plan_from_json
from parallel_orchestra.plan.abilities import abilities_of
from parallel_orchestra.spending import NOTHING_SPENT, Grant, grant
from parallel_orchestra.states import TaskState
from parallel_orchestra.store import Layout, TaskStore
from parallel_orchestra.worker.onward import NOTHING, Onward, due
from parallel_orchestra.worker.prompt import Source, Spoiled, prompt_of


@frozen
class Told:
    """The prompt of one attempt; `given` if the attempt has begun and got exactly this.

    `session` is the one in which a next attempt should go on; empty if it begins a fresh one.
    """

    task: str
    attempt: int
    given: bool
    prompt: bytes
    session: str = ""


def told(
    task: str,
    attempt: int | None,
    plan: Plan | None,
    layout: Layout | None,
    environ: Mapping[str, str],
) -> Told:
    """Returns the prompt of an attempt at a task; None: the one at work, else the next one.

    `plan` None means that of the run in `layout`. Without a `layout` nothing has run yet, and what
    came of dependencies is not known.

    Raises:
        UsageError: there is no such task, or that attempt had no prompt.
        EnvironmentProblem: there is no run.
        PlanError: the plan's template can't be used.
    """
    record = read_record(layout) if layout is not None else None
    if plan is None:
        assert record is not None  # noqa: S101  # one of them is given
        plan = plan_from_json(record.plan)
    tasks = {one.id: one for one in plan.tasks}
    if task not in tasks:
        raise _no_task(task, plan)
    if layout is None or record is None:
        granted = _granted(plan, tasks[task], None)
        return _made(Source(plan, tasks, granted=granted), task, attempt or 1)
    begun, at_work = _attempts(layout, task)
    number = attempt or (begun if at_work else begun + 1)
    if number <= begun:
        return Told(task, number, given=True, prompt=_given(layout, task, number))
    repo = repository_of(record, environ)
    try:
        ledger = ledger_at(repo, record, repo.refs.read(record.integration) or "")
        granted = _granted(plan, tasks[task], layout)
        source = Source(plan, tasks, layout, repo.objects, ledger.merges.get, granted)
        definition = record.fingerprints.get(task, "")
        return _made(source, task, number, due(layout, plan, tasks[task], number, definition))
    finally:
        repo.close()


def _granted(plan: Plan, task: Task, layout: Layout | None) -> Grant | None:
    """Returns what an attempt could use that began now; None if it could not begin."""
    spent = spent_of(plan, layout, time.time()) if layout is not None else NOTHING_SPENT
    known = abilities_of(task.backend, plan.backends)
    found = grant(task, plan.budget, spent, known.keeps if known is not None else ())
    return found if isinstance(found, Grant) else None


def _made(source: Source, task: str, number: int, onward: Onward = NOTHING) -> Told:
    try:
        text = prompt_of(source, source.tasks[task], number, onward)
    except Spoiled as spoiled:
        what = f"`prompt_template` can't be used: {spoiled}"
        raise PlanError(Problem(what, str(source.plan.source), "mend the template")) from spoiled
    prompt = text.encode("utf-8", "replace")
    return Told(task, number, given=False, prompt=prompt, session=onward.session)


def _attempts(layout: Layout, task: str) -> tuple[int, bool]:
    """Returns how many attempts at a task have begun, and whether one is at work."""
    entry = TaskStore(layout, NOBODY).settled_listing([task]).entries.get(task)
    if entry is None:
        return 0, False
    return entry.name.attempts, entry.state is TaskState.LOCKED


def _given(layout: Layout, task: str, number: int) -> bytes:
    """Returns the prompt that an attempt got; the latest, if a lost claim left several.

    Raises:
        UsageError: it got none.
    """
    folder = layout.attempts / task
    names = [name for name in files.names(folder) if name.startswith(f"{number}.")]
    found = [folder / name / "prompt.md" for name in names]
    found = [path for path in found if path.is_file()]
    if not found:
        what = f"attempt {number} at task `{task}` has no prompt"
        hint = "it has only just begun, or the task is a program without a `prompt`"
        raise UsageError(Problem(what, str(folder), hint))
    latest: Path = max(found, key=os.path.getmtime)
    return latest.read_bytes()


def _no_task(task: str, plan: Plan) -> UsageError:
    close = get_close_matches(task, [one.id for one in plan.tasks], n=1)
    hint = f"did you mean `{close[0]}`?" if close else "name a task by its `id`"
    return UsageError(Problem(f"the plan has no task `{task}`", str(plan.source), hint))
