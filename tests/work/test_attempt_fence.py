"""A claim's fence moves before the look whether the task is merged, so that none merges between."""

import os
import time
from types import SimpleNamespace

from parallel_orchestra.board import Clock
from parallel_orchestra.model import Task
from parallel_orchestra.states import TaskState
from parallel_orchestra.worker.attempt import Attempt
from parallel_orchestra.worker.ended import Finished
from support.merging import Stage
from support.repository import make_repository


def test_no_agent_starts_for_a_task_that_is_merged_while_it_is_claimed(tmp_path, monkeypatch):
    project = make_repository(tmp_path / "project", {"a.txt": "a\n"})
    sleeper, successor = Stage(project), Stage(project)
    old = sleeper.claim("task")
    candidate = sleeper.candidate(old, {"b.txt": "b\n"}, token=sleeper.queue.fence(old))
    # A person puts the task back just after the sleeper has looked for its lock.
    monkeypatch.setattr(sleeper.store, "holds", lambda claim: True)
    os.rename(old.path, sleeper.layout.state(TaskState.AVAILABLE) / "task.md")
    fence = successor.queue.fence

    def fence_too_late(claim):
        sleeper.queue.merge(candidate)
        return fence(claim)

    monkeypatch.setattr(successor.queue, "fence", fence_too_late)
    shop = SimpleNamespace(
        tasks={"task": Task("task")},
        store=successor.store,
        queue=successor.queue,
        board=SimpleNamespace(granted=lambda _: None),
        clock=Clock(time.time, time.monotonic),
    )

    # Without a place to work in and a supervisor, starting an agent would fail.
    finished = Attempt(shop, successor.claim("task"), None, None, 1, None).run()

    assert finished == Finished(commit=successor.tip)
    sleeper.close()
    successor.close()
