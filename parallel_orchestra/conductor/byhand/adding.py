"""Adds a task to a run, whether somebody is at work on it or not."""

import os
import time
from pathlib import Path

from parallel_orchestra import files
from parallel_orchestra.agents import BACKENDS
from parallel_orchestra.conductor.adopting import adopt
from parallel_orchestra.conductor.byhand.whose import person
from parallel_orchestra.conductor.picture import read_record
from parallel_orchestra.conductor.present import alive, run_lock
from parallel_orchestra.errors import PlanError, Problem, UsageError
from parallel_orchestra.frozen import frozen
from parallel_orchestra.model import Task
from parallel_orchestra.plan import contents, joining_id, plan_from_json, read_joining
from parallel_orchestra.states import TaskState
from parallel_orchestra.store import Layout, TaskName, TaskStore, WorkerKind

#: Seconds that a conductor at work is given to take a task in, and between two looks.
_PATIENCE = 30.0
_BETWEEN_LOOKS = 0.1


@frozen
class Added:
    """A task that was added: `by` is who took it into the run, `conductor` or `command`.

    Empty if it lies in `available/`, and the conductor that is at work has not taken it in yet.
    """

    task: str
    title: str
    depends_on: tuple[str, ...]
    by: str


def add_task(layout: Layout, path: Path, data: bytes | None = None) -> Added:
    """Adds the task in a file, or in `data`, to the run, and returns what was added.

    Raises:
        PlanError: with everything that is wrong with the file; nothing was changed.
        UsageError: a file of that name lies in `available/` already.
        EnvironmentProblem: there is no run.
    """
    record = read_record(layout)
    layout.check()
    shown = "standard input" if data is not None else str(path)
    content = _read(path) if data is None else data
    name = joining_id(content, path.name.removesuffix(".md") if data is None else "", shown)
    plan = plan_from_json(record.plan)
    task = read_joining(content, name, plan, shown=shown, read=contents, backends=tuple(BACKENDS))
    target = layout.state(TaskState.AVAILABLE) / TaskName(task.id).file
    via = layout.tmp / f"{task.id}.{os.getpid()}.added"
    if not files.create(target, content, via=via):
        what = (
            f"a file of task `{task.id}` lies in `available/` already, and has not joined the run"
        )
        raise UsageError(Problem(what, str(target), "see what is wrong with it, or move it away"))
    files.sync_directory(target.parent)
    return Added(task.id, task.title, task.depends_on, _taken_in(layout, task))


def _taken_in(layout: Layout, task: Task) -> str:
    """Waits until the conductor has taken the task in, or takes it in where there is none."""
    deadline = time.monotonic() + _PATIENCE
    while time.monotonic() < deadline:
        if task.id in read_record(layout).fingerprints:
            return WorkerKind.CONDUCTOR.value
        if not alive(layout, WorkerKind.CONDUCTOR):
            with run_lock(layout) as mine:
                record = read_record(layout)
                if mine and task.id not in record.fingerprints:
                    me = person(record.run, layout)
                    store = TaskStore(layout, me.owner)
                    adopt(layout, record, store, [TaskName(task.id)])
                    store.close()
                    return "command"
        time.sleep(_BETWEEN_LOOKS)
    return ""


def _read(path: Path) -> bytes:
    try:
        return contents(path)
    except OSError as error:
        reason = error.strerror or str(error)
        what = f"can't read the task: {reason[:1].lower()}{reason[1:]}"
        hint = "give the path of a file like those in `_tasks/available/`, or `-`"
        raise PlanError(Problem(what, str(path), hint)) from error
