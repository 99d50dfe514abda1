"""Plans for git's corners: tasks that are one line of shell each, and what must hold afterwards."""

import json
import subprocess
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path

import pytest

from support.effort import EFFORT, Effort
from support.repository import fsck_clean
from support.scene import Result, Scene

_RARE = (
    pytest.mark.storm,
    pytest.mark.skipif(EFFORT is Effort.SAMPLE, reason="rare: run with STORM=short"),
)

#: A line of shell: waits until every task named on it was begun, or lies in `done/`.
BEGUN = 'for one in {}; do until test -n "$(ls "$PO_TASKS_DIR/locked" | grep "^$one\\.")"; do sleep 0.02; done; done'
DONE = 'for one in {}; do until test -n "$(ls "$PO_TASKS_DIR/done" | grep "^$one\\.")"; do sleep 0.02; done; done'


def rare(test):
    """Marks a corner that few will meet: `STORM=short` and `make storm` look at it."""
    for mark in _RARE:
        test = mark(test)
    return test


def cases(names: Iterable[str], often: Collection[str]) -> list[object]:
    """Returns the names for `parametrize`, all but those of `often` as rare ones."""
    return [name if name in often else pytest.param(name, marks=_RARE, id=name) for name in names]


def plan_of(tasks: Mapping[str, str], *, top: str = "", chain: bool = False) -> str:
    """Returns a plan with one task per line of shell; `chain` lets each need the one before."""
    lines = ["---", 'po_plan_version: "0.2"', "name: corner", *top.splitlines()]
    lines += ["defaults: {backend: command, max_retries: 0}", "tasks:"]
    before = ""
    for task, line in tasks.items():
        lines.append(f"  - {{id: {task}, command: {json.dumps(line)}")
        lines[-1] += f", depends_on: [{before}]}}" if chain and before else "}"
        before = task
    return "\n".join([*lines, "---", ""])


def begun(*tasks: str) -> str:
    """Returns a line of shell that waits until these tasks are at work."""
    return BEGUN.format(" ".join(tasks))


def done(*tasks: str) -> str:
    """Returns a line of shell that waits until these tasks are done."""
    return DONE.format(" ".join(tasks))


def shell(folder: Path, lines: str) -> None:
    """Carries out lines of shell in a folder, as a person would; the first failure is an error."""
    subprocess.run(["sh", "-ec", lines], cwd=folder, check=True, capture_output=True)


def check_all_merged(result: Result, *tasks: str) -> None:
    """Checks that exactly these tasks are done, merged once and delivered, and nothing is left over.

    Raises:
        AssertionError: one of it is not so.
    """
    assert result.exit_code == 0, result
    assert result.states() == dict.fromkeys(tasks, "done")
    assert result.merges("main") == dict.fromkeys(tasks, 1)
    check_in_order(result)


def check_in_order(result: Result) -> None:
    """Checks that nothing runs, no worktree is left and git finds nothing wrong."""
    result.wait_for_silence()
    assert result.worktrees() == []
    assert fsck_clean(result.project)


def run(scene: Scene, tasks: Mapping[str, str], *options: str, top: str = "", **facts) -> Result:
    """Runs such a plan in the scene to its end."""
    return scene.plan(plan_of(tasks, top=top)).run("--yes", *options, **facts)
