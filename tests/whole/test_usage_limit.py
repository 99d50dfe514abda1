"""A usage limit as a person meets it: who waits, what is said meanwhile, how a run ends that stops."""

import json
import re

import pytest

from support.scene import Scene
from support.waiting import wait_until

pytestmark = pytest.mark.slow

#: While a file is there, the agents of one account meet a limit; each call leaves a line.
AGENT = """
echo "$PO_TASK_ID $(date +%s.%N)" >> {calls}
if test -e {limited} && test -z "$MY_API_KEY"; then
    echo "You have hit your usage limit, try again in {wait}."
    exit 1
fi
"""
PLAN = """---
po_plan_version: "0.2"
name: limit
max_workers: 2
usage_limit: {policy}
backends:
  mine: {{command: [sh, {agent}], classify: {{usage_limit: usage limit}}}}
defaults: {{backend: mine, read_only: true, isolation: none, max_retries: 0}}
tasks:
  - {{id: a, prompt: p}}
  - {{id: b, prompt: p}}
  - {{id: c, prompt: p}}
  - {{id: d, prompt: p, depends_on: [c]}}
  - {{id: paid, prompt: p, env: {{MY_API_KEY: another}}, priority: -1}}
  - {{id: plain, backend: command, command: "true", priority: -1}}
---
"""


class Stage:
    def __init__(self, folder, wait, policy="{}"):
        self.calls = folder / "calls"
        agent = folder / "agent.sh"
        self.limited = folder / "limited"
        self.limited.touch()
        agent.write_text(AGENT.format(calls=self.calls, limited=self.limited, wait=wait))
        self.scene = Scene(folder / "scene").repository(1)
        self.scene.plan(PLAN.format(agent=agent, policy=policy))

    def end(self):
        """Ends the limit, and says so to the run."""
        self.limited.unlink()
        (record,) = (self.scene.project / "_tasks" / "limits").iterdir()
        record.unlink()

    def called(self):
        lines = self.calls.read_text().splitlines()
        return [(task, float(at)) for task, at in map(str.split, lines)]


def causes(result):
    return {task["id"]: task["cause"] and task["cause"]["kind"] for task in result["tasks"]}


def test_a_run_that_waits_says_so_and_goes_on_when_the_record_is_removed(tmp_path):
    stage = Stage(tmp_path, "5h")
    scene = stage.scene

    with scene.start("--yes") as run:
        wait_until(lambda: scene.tasks_in("done") == {"paid", "plain"}, 20)
        wait_until(lambda: "locked" not in scene.states().values(), 20)
        status = json.loads(scene.call("status", "--json").out)
        why = json.loads(scene.call("why", "c", "--json", check=0).out)
        told = scene.call("status").out
        dry = scene.run("--dry-run").out
        met = [task for task, _ in stage.called() if task != "paid"]
        stage.end()
        result = run.wait()

    assert causes(status) == {
        "a": "usage_limit",
        "b": "usage_limit",
        "c": "usage_limit",
        "d": "dependency",
        "paid": None,
        "plain": None,
    }
    (limit,) = status["usage_limits"]
    assert (limit["backend"], why["cause"]["until"]) == ("mine", limit["until"])
    line = re.compile(r"usage limit of `mine` until 20\d\d-\d\d-\d\d \d\d:\d\d:\d\d UTC")
    assert line.search(told)
    assert line.search(dry)
    assert line.search(why["reason"])
    assert result.exit_code == 0
    assert set(result.states().values()) == {"done"}
    calls = [task for task, _ in stage.called() if task != "paid"]
    # those that were at work when the first of them met it, and nobody after them
    assert 1 <= len(met) == len(set(met)) <= 2
    # the attempts that met the limit did not use up the one that a task without retries has
    assert sorted(calls[len(met) :]) == ["a", "b", "c", "d"]


def test_a_run_that_stops_does_the_rest_first_and_names_the_time_and_the_command(tmp_path):
    stage = Stage(tmp_path, "5h", "{max_wait: 1h}")
    scene = stage.scene

    stopped = scene.run("--yes", check=4)
    left = stopped.states()
    why = scene.call("why", "a", check=0).out
    scene.call("status", check=4)
    (tmp_path / "calls").unlink()
    again = scene.run("--yes", "--resume", check=4)
    called_again = stage.calls.exists()
    stage.end()
    scene.call("status", check=6)
    done = scene.run("--yes", "--resume", check=0)

    waiting = dict.fromkeys("abcd", "available")
    assert left == {**waiting, "paid": "done", "plain": "done"}
    assert "stopped: usage limit of `mine` until 20" in stopped.err
    assert "`usage_limit.max_wait`, 1 h 00 min" in stopped.out
    assert "--resume`" in stopped.out
    assert "a waiting: usage limit of `mine` until 20" in why
    assert "--resume" in why
    assert "stopped: usage limit of `mine` until 20" in again.err
    assert not called_again
    assert set(done.states().values()) == {"done"}


def test_processes_that_join_keep_to_the_limit_that_another_met(tmp_path):
    stage = Stage(tmp_path, "3s")
    scene = stage.scene

    with scene.start("--yes", "-j", "2") as run:
        wait_until(lambda: list((scene.project / "_tasks" / "limits").glob("*.json")), 20)
        stage.limited.unlink()
        with scene.start_command("worker", "--tasks-dir", str(scene.project / "_tasks")) as worker:
            ended = [worker.wait().exit_code, run.wait().exit_code]

    assert ended == [0, 0]
    calls = [call for call in stage.called() if call[0] != "paid"]
    # one that was at work already may have asked once more
    assert min(at for _, at in calls[2:]) > calls[0][1] + 3
    assert len(calls) in (5, 6)
