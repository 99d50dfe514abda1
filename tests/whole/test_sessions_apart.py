"""What an attempt goes on from when something came between it and the last one, in whole runs."""

import json
from pathlib import Path

import pytest

from support.scene import Scene
from support.waiting import wait_until

pytestmark = pytest.mark.slow

STAND_IN = str(Path(__file__).parents[1] / "support" / "stand_in_claude.py")
#: The first attempt writes a line and meets a usage limit, for a minute as far as anybody knows; a
#: session that goes on writes its line once more, so that it takes both to have two.
PLAN = """---
po_plan_version: "0.2"
name: garden
max_workers: 1
tasks:
  - id: dig
    priority: 2
    verify: "test $(wc -l < beds.txt) = 2"
    prompt: |
      APPEND beds.txt a bed
      FAIL_BEFORE 2 You've hit your limit
  - id: other
    priority: 1
    backend: command
    command: "pwd -P > where.txt"
---
"""


@pytest.fixture
def scene(tmp_path):
    (tmp_path / "home").mkdir()
    made = Scene(tmp_path, env={"HOME": str(tmp_path / "home")})
    return made.repository({"README.md": "A garden\n"}).plan(PLAN)


def limits(scene):
    return list((scene.tasks_dir / "limits").glob("*.json"))


def stands(scene, dig, other):
    return scene.states() == {"dig": dig, "other": other} and limits(scene)


def attempts(scene):
    tasks = json.loads(scene.call("status", "--json").out)["tasks"]
    return next(one["attempts"] for one in tasks if one["id"] == "dig")


def test_a_session_goes_on_in_its_slot_that_another_task_had_meanwhile(scene):
    with scene.start("--yes", "--claude-exe", STAND_IN) as run:
        wait_until(lambda: stands(scene, "available", "done"), within=30)
        for record in limits(scene):
            record.unlink()
        result = run.wait()

    first, second = attempts(scene)
    assert result.exit_code == 0, result
    assert (first["failure"], second["failure"], second["way"]) == ("usage_limit", "", "session")
    assert first["session"] == second["session"] != ""
    assert result.files()["where.txt"].strip() == first["directory"] == second["directory"]
    assert result.files()["beds.txt"] == "a bed\na bed\n"


def test_after_a_kill_between_two_attempts_the_next_process_goes_on_with_the_work(scene):
    with scene.start("--yes", "--claude-exe", STAND_IN) as run:
        wait_until(lambda: stands(scene, "available", "done"), within=30)
        # A move is told once it is on the disk.
        wait_until(lambda: attempts(scene)[0]["failure"], within=30)
        run.kill_tree(whole_group=True)
    (before,) = attempts(scene)
    for record in limits(scene):
        record.unlink()

    result = scene.run("--yes", "--resume", "--claude-exe", STAND_IN, check=0)

    first, second = attempts(scene)
    assert first["failure"] == before["failure"] == "usage_limit"
    assert (second["failure"], second["way"]) == ("", "session")
    assert first["session"] == second["session"] != ""
    assert result.files()["beds.txt"] == "a bed\na bed\n"
    assert result.merges() == {"dig": 1, "other": 1}
