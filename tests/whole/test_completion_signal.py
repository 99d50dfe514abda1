"""Agents that say that they are done, or that they are not, in a real run."""

import pytest

from support.scene import Scene

pytestmark = pytest.mark.slow

PLAN = """---
po_plan_version: "0.2"
name: signals
defaults: {backend: command, max_retries: 0, completion_signal: true}
tasks:
  - {id: marked, command: "echo > a.txt; touch .claude-task-complete"}
  - {id: committed, command: "echo > b.txt; touch .claude-task-complete; git add -A; git commit -qm b"}
  - {id: told, command: 'echo > c.txt; echo "{\\"task_completed\\": true}"'}
  - {id: silent, command: "echo > d.txt"}
  - {id: honest, command: 'echo > e.txt; echo "{\\"task_completed\\": false, \\"error_message\\": \\"no key\\"}"'}
---
"""


def test_only_what_was_declared_done_is_merged_and_the_marker_is_no_work(tmp_path):
    scene = Scene(tmp_path).repository({"x.txt": "x\n"}).plan(PLAN)

    result = scene.run(check=1)

    assert scene.names() == {"x.txt", "a.txt", "b.txt", "c.txt"}
    assert scene.tasks_in("failed") == {"silent", "honest"}
    assert "says that it is not done: no key" in result.out
    assert "ended without saying that it is done" in result.out
