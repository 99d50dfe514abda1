"""What waits for what, as a person sees it before, during and after a run."""

import json

import pytest

from parallel_orchestra.schedule import Hold
from support.pages import ROOT
from support.scene import Scene
from support.waiting import wait_until

pytestmark = pytest.mark.slow

PLAN = """---
po_plan_version: "0.2"
name: causes
max_workers: 8
defaults: {backend: command, read_only: true, isolation: none}
concurrency_limits: {db: 1}
tasks:
  - {id: short, command: "true"}
  - {id: long, command: "sleep 1", concurrency_group: db}
  - {id: next, command: "true", concurrency_group: db}
  - {id: last, command: "true", depends_on: [long, next]}
---
"""


@pytest.fixture
def scene(tmp_path):
    return Scene(tmp_path).repository(1).plan(PLAN)


def test_a_dry_run_says_what_starts_and_after_a_first_run_how_long_it_takes(scene):
    before = scene.run("--dry-run", check=0).out
    scene.run("--yes", "--report", "r.json", check=0)
    after = json.loads(scene.run("--dry-run", "--json", check=0).out)

    assert "expected: unknown" in before
    assert "more workers than that are of no use" in before
    causes = {task["id"]: task["cause"] and task["cause"]["kind"] for task in after["tasks"]}
    assert causes == {"short": None, "long": None, "next": "group", "last": "dependency"}
    outlook = after["outlook"]
    assert (outlook["tasks_of_known_duration"], outlook["width"], outlook["workers"]) == (4, 2, 8)
    assert outlook["critical_path"] == ["long", "last"]
    assert 1 <= outlook["critical_path_sec"] <= outlook["expected_sec"]
    assert after["warnings"] == ["8 workers, but at most 2 tasks can run at once"]


def test_json_is_for_the_dry_run_only(scene):
    refused = scene.run("--json", check=2)

    assert "`--json` is for `--dry-run`" in refused.err


def test_a_running_plan_names_the_cause_of_each_task_that_waits(tmp_path):
    gate = tmp_path / "open"
    waits = f"until test -e {gate}; do sleep 0.02; done"
    scene = Scene(tmp_path).repository(1).plan(PLAN.replace("sleep 1", waits))

    with scene.start("--yes") as run:
        wait_until(lambda: scene.states().get("long") == "locked", 20)
        wait_until(lambda: scene.states().get("short") == "done", 20)
        status = json.loads(scene.call("status", "--json").out)
        why = json.loads(scene.call("why", "next", "--json", check=0).out)
        gate.touch()
        run.wait()

    kinds = {task["id"]: task["cause"] and task["cause"]["kind"] for task in status["tasks"]}
    assert kinds == {"short": None, "long": None, "next": "group", "last": "dependency"}
    assert status["outlook"]["critical_path"][-1] == "last"
    assert (why["cause"]["kind"], why["cause"]["tasks"]) == ("group", ["long"])


def test_the_reference_lists_every_kind_of_cause():
    page = (ROOT / "docs" / "reference" / "report.md").read_text(encoding="utf-8")
    section = page.partition("## Causes")[2].partition("\n## ")[0]

    listed = {line.split("`")[1] for line in section.splitlines() if line.startswith("| `")}

    assert listed - {"kind"} == {hold.value for hold in Hold}
