"""Plans for git's corners: tasks that are one line of shell each, and what must hold afterwards."""

import json
import subprocess
from collections.abc import Mapping
from pathlib import Path

from support.repository import fsck_clean
from support.scene import Result, Scene

#: Lines of shell: an agent says that it is there, and waits for others, or for what they did. A lock
#: would tell less, as it is taken before it is known what its task builds upon; and not for long.
_HERE = ': > "$PO_TASKS_DIR/begun-$PO_TASK_ID"; for one in {}; do until '
_BEGUN = _HERE + 'test -e "$PO_TASKS_DIR/begun-$one"; do sleep 0.02; done; done'
_DONE = _HERE + 'test -n "$(ls "$PO_TASKS_DIR/done" | grep "^$one\\.")"; do sleep 0.02; done; done'


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
    """Returns a line of shell that waits for the agents of these tasks, which have such a line too."""
    return _BEGUN.format(" ".join(tasks))


def done(*tasks: str) -> str:
    """Returns a line of shell that waits until these tasks are done."""
    return _DONE.format(" ".join(tasks))


def shell(folder: Path, lines: str) -> str:
    """Carries out lines of shell in a folder, as a person would, and returns what they print.

    The first failure is an error.
    """
    done = subprocess.run(["sh", "-ec", lines], cwd=folder, check=True, capture_output=True)
    return done.stdout.decode()


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
