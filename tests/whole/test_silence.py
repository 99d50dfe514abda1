"""An agent that shows no sign of life, as people see it."""

import json
import sys
import time
from pathlib import Path

import pytest

from parallel_orchestra.conductor.acts import Glance
from parallel_orchestra.plan import plan_from_json
from parallel_orchestra.report.silence import doing
from parallel_orchestra.store import Layout
from parallel_orchestra.store.life import LIFE
from support.scene import Scene
from support.waiting import wait_until

pytestmark = pytest.mark.slow

PLAN = """---
po_plan_version: "0.2"
name: silence
defaults: {backend: command, max_retries: 0}
tasks:
  - {id: mute, idle_timeout: 1, command: "trap '' INT TERM; sleep 600; sleep 600"}
---
"""


@pytest.mark.skipif(sys.platform != "linux", reason="needs /proc")
def test_a_silent_agent_is_told_of_while_it_is_there_and_ended_as_stalled(tmp_path):
    scene = Scene(tmp_path).repository(2).plan(PLAN)

    with scene.start("--yes") as running:
        wait_until(lambda: list(scene.tasks_dir.glob(f"attempts/mute/1.*/{LIFE}")), what="told")
        result = running.wait()

    assert result.exit_code == 1
    assert "failed mute: stalled: showed no sign of life for 1 s" in result.out
    assert not list(scene.tasks_dir.glob(f"attempts/mute/1.*/{LIFE}"))


def test_status_why_and_locks_say_of_a_silent_agent_that_it_is_silent(tmp_path):
    scene = Scene(tmp_path).repository(2).plan(PLAN.replace("trap ", "exit 1; trap "))
    scene.run("--yes", check=1)
    scene.call("retry", "mute", check=0)
    taken = json.loads(scene.call("claim", "--json", check=0).out)
    folder = scene.tasks_dir / "attempts" / "mute" / f"{taken['attempt']}.{taken['owner']}"
    folder.mkdir(parents=True, exist_ok=True)
    Path(folder / LIFE).write_text(f'{{"state": "quiet", "since": {time.time() - 3600:.0f}}}\n')

    told = [scene.call(*words).out for words in (("status",), ("why", "mute"), ("locks",))]
    facts = json.loads(scene.call("locks", "--json").out)
    plan = plan_from_json(scene.run_record()["plan"])
    (seen,) = Glance(Layout(scene.tasks_dir), plan).look()

    assert ["its agent is quiet: no sign of life for 1 h 00 min" in said for said in told] == [
        True,
        True,
        True,
    ]
    assert facts[0]["silence"]["state"] == "quiet"
    # and the live picture, although it has printed nothing
    assert doing(seen.act, seen.silence, time.time()) == "quiet for 1 h 00 min"
