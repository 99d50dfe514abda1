"""Where a task of a run lies, and who a person is to it.

Apart from `desk`, so that who only looks loads nothing that works on tasks.
"""

import os
from collections.abc import Sequence
from dataclasses import replace
from difflib import get_close_matches

from parallel_orchestra.board import WALL_CLOCK, Clock
from parallel_orchestra.conductor.myself import myself
from parallel_orchestra.errors import EnvironmentProblem, Problem, UsageError
from parallel_orchestra.store import Entry, Layout, RunRecord, TaskStore, WorkerKind, WorkerRecord
from parallel_orchestra.store.liveness import MANUAL_LEASE


def person(run: str, layout: Layout, clock: Clock = WALL_CLOCK) -> WorkerRecord:
    """Returns a record for a claim by hand, under a fresh owner's name; it is written nowhere."""
    return replace(
        myself(run, WorkerKind.MANUAL, layout),
        lease=MANUAL_LEASE,
        epoch=clock.now(),
        clock=clock.monotonic(),
    )


def entry_of(layout: Layout, record: RunRecord, store: TaskStore, task: str) -> Entry:
    """Returns where a task lies.

    Raises:
        UsageError: the run has no such task.
        EnvironmentProblem: its file is missing.
    """
    ids = [one.get("id") for one in record.plan.get("tasks", ())]
    if task not in ids:
        raise no_such_task(layout, task, [one for one in ids if isinstance(one, str)])
    entry = store.settled_listing([task]).entries.get(task)
    if entry is None:
        raise EnvironmentProblem(
            Problem(
                f"the file of task `{task}` is in none of the four directories",
                str(layout.root),
                "`parallel-orchestra run PLAN --resume` publishes it again",
            )
        )
    return entry


def path_of(layout: Layout, entry: Entry) -> str:
    """Returns the path of a task's file."""
    return os.path.join(layout.state(entry.state), entry.file)


def no_such_task(layout: Layout, task: str, known: Sequence[str]) -> UsageError:
    """Returns the error for a task that the run does not have."""
    close = get_close_matches(task, known, n=1)
    hint = f"did you mean `{close[0]}`?" if close else "`parallel-orchestra status` shows the run"
    return UsageError(Problem(f"the run has no task `{task}`", str(layout.run_file), hint))
