"""Runs that stop because tasks have failed: soon, at once, or not at all."""

import json

import pytest

from support.scene import Scene

pytestmark = pytest.mark.slow

#: `bad` fails once `long` is at work, which ends when it is told to; `late` comes after both.
PLAN = """---
po_plan_version: "0.2"
name: halted
max_workers: 2
halt: {halt}
defaults: {{backend: command, max_retries: 0}}
tasks:
  - {{id: long, command: "echo l > l.txt; touch $PO_TASKS_DIR/begun; {long}", estimate: L}}
  - {{id: bad, command: "until test -e $PO_TASKS_DIR/begun; do sleep 0.02; done; exit 1"}}
  - {{id: late, command: "echo x > x.txt", estimate: 1s}}
  - {{id: later, command: "echo y > y.txt", estimate: 1s}}
---
"""
#: Ends when `bad` has failed.
AFTER_BAD = "until ls $PO_TASKS_DIR/failed | grep -q bad; do sleep 0.02; done"


@pytest.fixture
def scene(tmp_path):
    return Scene(tmp_path).repository(1)


def test_soon_lets_running_tasks_end_and_starts_no_more(scene):
    scene.plan(PLAN.format(halt="soon", long=AFTER_BAD))

    result = scene.run(check=1)

    states = scene.states()
    assert (states["long"], states["bad"]) == ("done", "failed")
    assert (states["late"], states["later"]) == ("available", "available")
    assert "halted: 1 task failed, and the run was to halt `soon`" in result.err
    assert "l.txt" in scene.names()


def test_now_ends_running_agents_and_resuming_goes_on(scene):
    scene.plan(PLAN.format(halt="now", long="sleep 60"))

    scene.run(check=1, within=30)
    stopped = scene.states()
    scene.plan(PLAN.format(halt="now", long="true").replace("exit 1", "echo b > b.txt"))
    scene.run("--resume", check=0)

    assert stopped == {
        "long": "available",
        "bad": "failed",
        "late": "available",
        "later": "available",
    }
    scene.wait_for_silence()
    assert scene.merges() == {"long": 1, "bad": 1, "late": 1, "later": 1}


#: Halts at once when `good` is merged and `long` at work; `after` is the next to be looked at.
MERGED = """---
po_plan_version: "0.2"
name: halted
max_workers: 2
halt: now
verify: test ! -e never
after_merge: touch $PO_TASKS_DIR/after
checks: {tests: test -e g.txt}
defaults: {backend: command, max_retries: 0}
tasks:
  - {id: good, command: "echo g > g.txt"}
  - {id: long, depends_on: [good], command: "touch $PO_TASKS_DIR/begun; sleep 60"}
  - id: bad
    depends_on: [good]
    command: "until test -e $PO_TASKS_DIR/begun; do sleep 0.02; done; exit 1"
---
"""


def test_what_was_merged_before_a_halt_is_looked_at_and_delivered(scene):
    scene.plan(MERGED)

    result = scene.run(check=1, within=30)

    assert "halted: 1 task failed" in result.err
    assert scene.merges("main") == {"good": 1}
    assert (scene.tasks_dir / "after").exists()
    found = json.loads(scene.call("status", "--json").out)["integration_report"]
    results = {one["name"]: one["result"] for one in found["checks"]}
    assert (results["branch"], results["tests"]) == ("bad", "good")


def test_the_option_beats_the_plan(scene):
    scene.plan(PLAN.format(halt="now", long="true"))

    scene.run("--halt", "keep-going", check=1)

    assert scene.tasks_in("done") == {"long", "late", "later"}


def test_a_way_to_halt_that_is_none_is_a_usage_error(scene):
    scene.plan(PLAN.format(halt="now", long="true"))

    result = scene.run("--halt", "later", check=2)

    assert "`--halt` can't be `later`" in result.err
    assert not scene.tasks_dir.exists()
