"""Whole runs through the gates of a task: their order, their logs, their time, their surroundings."""

import json

import pytest

from support.scene import Scene

pytestmark = pytest.mark.slow

PLAN = """---
po_plan_version: "0.2"
name: gates
max_workers: 3
defaults: {backend: command, max_retries: 0}
tasks:
  - id: late
    command: echo late > late.txt
    verify: [echo first, {run: "echo second; sleep 60", timeout: 1}, echo third]
  - id: missing
    command: echo a > a.txt
    expect: [there.txt, {command: "echo looked", contains: nothing}]
    verify: touch ran
  - id: seen
    command: echo "$CLAUDECODE$GIT_DIR" > seen.txt
    env: {OWN: mine}
    verify:
      - echo "outer=$CLAUDECODE$GIT_DIR own=$OWN task=$PO_TASK_ID"
      - echo two
---
"""


def test_each_gate_has_its_log_its_time_and_clean_surroundings(tmp_path):
    scene = Scene(tmp_path).repository(1).plan(PLAN)
    path = tmp_path / "report.json"

    outer = {"CLAUDECODE": "1", "GIT_DIR": "/nowhere"}
    result = scene.run("--yes", "--report", str(path), env=outer, check=1)
    tasks = {task["id"]: task for task in json.loads(path.read_text())["tasks"]}

    assert result.states() == {"late": "failed", "missing": "failed", "seen": "done"}
    (late,) = scene.attempts("late")
    assert (late / "verify.log").read_text() == "first\n"
    assert (late / "verify-2.log").read_text() == "second\n"
    assert not (late / "verify-3.log").exists()
    assert tasks["late"]["attempts"][0]["told_in"].endswith("/verify-2.log")
    assert tasks["late"]["reason"].startswith("`echo second; sleep 60` timeout")
    (missing,) = scene.attempts("missing")
    assert tasks["missing"]["reason"].startswith("expected evidence is missing: there is no `there")
    assert (missing / "expect.log").read_text() == "looked\n"
    (seen,) = scene.attempts("seen")
    assert (seen / "verify.log").read_text() == "outer= own=mine task=seen\n"
    assert result.files()["seen.txt"] == "\n"
    told = scene.call("logs", "late", check=0).out
    assert told.endswith("==> verify-2.log <==\nsecond\n")
    assert result.processes() == []
