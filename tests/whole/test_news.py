"""Whole runs that tell others what happens, and are not held up by them."""

import json

import pytest

from support.scene import Scene

pytestmark = pytest.mark.slow

PLAN = """---
po_plan_version: "0.2"
name: shop
on_event: {}
defaults: {{backend: command}}
tasks:
  - {{id: good, command: "echo > a.txt"}}
  - {{id: bad, command: "false", max_retries: 0}}
---
"""


def test_a_command_hears_every_event_of_the_run_in_order(tmp_path):
    scene = Scene(tmp_path).repository().plan(PLAN.format("cat >> heard.jsonl"))

    scene.run("--yes", check=1)

    heard = [json.loads(line) for line in (scene.project / "heard.jsonl").read_text().splitlines()]
    kinds = [event["kind"] for event in heard]
    assert (kinds[0], kinds[-1]) == ("RunStarted", "RunEnded")
    assert {"Claimed", "Merged", "Completed", "Failed"} <= set(kinds)


def test_a_command_that_fails_costs_the_run_a_warning(tmp_path):
    wanted = "{run: exit 3, events: [Failed]}"
    scene = Scene(tmp_path).repository().plan(PLAN.format(wanted))

    result = scene.run("--yes", check=1)

    assert "warning: `on_event`: `exit 3` ended with exit code 3, at Failed\n" in result.err


def test_a_service_that_can_t_be_told_is_said_before_anything_starts(tmp_path):
    plan = PLAN.format("x").replace("on_event: x", "notify: [$NOBODY_SET_THIS]")
    scene = Scene(tmp_path).repository().plan(plan)

    result = scene.run("--yes", check=3)

    assert "variables that are not set: `NOBODY_SET_THIS`" in result.err
    assert not scene.tasks_dir.exists()
