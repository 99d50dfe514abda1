"""What the next attempt goes on from, in whole runs: its session, its files, or neither."""

import json
from pathlib import Path

import pytest

from support.scene import Scene

pytestmark = pytest.mark.slow

STAND_IN = str(Path(__file__).parents[1] / "support" / "stand_in_claude.py")
#: What the verification prints, the agent that is told of it does.
GATE = "grep -q open gate.txt || { echo WRITE gate.txt open; exit 1; }"
PLAN = f"""---
po_plan_version: "0.2"
name: garden
max_workers: 2
tasks:
  - id: gate
    verify: "{GATE}"
    prompt: |
      WRITE gate.txt closed
      PRINT I was told all of it
---
"""


@pytest.fixture
def scene(tmp_path):
    (tmp_path / "home").mkdir()
    made = Scene(tmp_path, env={"HOME": str(tmp_path / "home")})
    return made.repository({"README.md": "A garden\n"})


def run(scene, *args, check=0):
    return scene.run("--yes", "--claude-exe", STAND_IN, *args, check=check)


def report(scene):
    return json.loads(scene.call("status", "--json").out)


def attempts(scene, task="gate"):
    return next(one["attempts"] for one in report(scene)["tasks"] if one["id"] == task)


def prompt(scene, attempt, task="gate"):
    return scene.call("show-prompt", task, "--attempt", str(attempt), check=0).out


def test_a_failed_verification_is_repaired_in_the_same_session(scene):
    scene.plan(PLAN)

    result = run(scene)

    first, second = attempts(scene)
    assert (first["failure"], first["way"]) == ("verify", "")
    assert (second["failure"], second["way"]) == ("", "session")
    assert first["session"] == second["session"] != ""
    assert (first["cost_usd"], second["cost_usd"]) == (0.01, pytest.approx(0.01))
    assert result.files()["gate.txt"] == "open"
    told = prompt(scene, 2)
    assert "WRITE gate.txt closed" not in told
    assert "Attempt 1 at this task failed (verify" in told
    assert "WRITE gate.txt open" in told
    assert "You go on in the same session." in told
    assert told.endswith("and why.\n")
    assert len(told) < len(prompt(scene, 1))


def test_a_session_that_is_gone_costs_no_attempt(scene):
    scene.plan(PLAN.replace("PRINT I was told", "FORGET\n      PRINT I was told"))

    result = run(scene)

    second = attempts(scene)[1]
    assert (second["failure"], second["way"]) == ("", "tree")
    assert second["session"] not in ("", attempts(scene)[0]["session"])
    assert result.files()["gate.txt"] == "open"
    assert "WRITE gate.txt closed" in prompt(scene, 2)
    assert "What it had written lies in your files" in prompt(scene, 2)
    warnings = report(scene)["tasks"][0]["warnings"]
    assert any("goes on in a fresh session: its agent has no session" in one for one in warnings)


def test_after_a_failure_without_a_reason_the_files_are_there_but_not_the_session(scene):
    scene.plan(
        """---
po_plan_version: "0.2"
name: garden
tasks:
  - id: gate
    prompt: |
      APPEND gate.txt once more
      FAIL_BEFORE 2 no luck today
---
"""
    )

    result = run(scene)

    second = attempts(scene)[1]
    assert second["way"] == "tree"
    told = prompt(scene, 2)
    assert "note    failed after 1 turn" in told
    assert '{"type"' not in told
    assert result.files()["gate.txt"] == "once more\nonce more\n"


CONFLICT = """---
po_plan_version: "0.2"
name: garden
max_workers: 1
tasks:
  - id: gate
    priority: 2
    verify: "{gate}"
    prompt: |
      WRITE gate.txt closed
      WRITE mine.txt mine
      {more}
  - id: other
    priority: 1
    prompt: WRITE {file} of the other
---
"""


def test_another_process_puts_the_work_onto_what_was_merged_meanwhile(scene):
    scene.plan(CONFLICT.format(gate="test -e key.txt", more="PRINT ok", file="other.txt"))
    run(scene, "--only", "gate", check=1)
    run(scene, "--resume", "--only", "other")
    scene.call("retry", "gate", "--feedback", "WRITE key.txt a key", check=0)

    result = run(scene, "--resume")

    third = attempts(scene)[-1]
    assert third["failure"] == ""
    assert third["way"] in ("session", "tree")
    assert result.files()["mine.txt"] == "mine"
    assert result.files()["other.txt"] == "of the other"
    assert "of other tasks meanwhile" in prompt(scene, 3)


def test_work_that_contradicts_what_was_merged_is_told_of_by_its_ref(scene):
    scene.plan(CONFLICT.format(gate="test -e key.txt", more="PRINT ok", file="gate.txt"))
    run(scene, "--only", "gate", check=1)
    run(scene, "--resume", "--only", "other")
    scene.call("retry", "gate", "--feedback", "WRITE key.txt a key", check=0)

    result = run(scene, "--resume")

    third = attempts(scene)[-1]
    assert (third["failure"], third["way"]) == ("", "fresh")
    told = prompt(scene, 3)
    assert "it contradicts what was merged of other tasks meanwhile, in `gate.txt`" in told
    assert "refs/orchestra/" in told
    assert result.files()["gate.txt"] == "closed"
