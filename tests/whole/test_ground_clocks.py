"""Clocks that jump, and hosts whose clocks differ: who is alive is never judged by one."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time

import pytest

from support.effort import by_effort, rare
from support.faults import HASTE, LEASE, SHORT_LEASES, bad_ground
from support.scene import Scene
from support.storm import Step, Storm
from support.waiting import wait_until

pytestmark = [pytest.mark.slow, pytest.mark.storm]

DAY = 86_400.0

STEPS = (Step("a"), Step("b"), Step("c", ("a",)))
#: A host of its own, as far as pids and clocks go: up for eleven days longer.
OTHER_HOST = (
    *("unshare", "--pid", "--fork", "--mount-proc", "--kill-child"),
    *("--time", "--monotonic", "950000", "--boottime", "950000"),
)


@pytest.fixture
def storm(tmp_path):
    return Storm(Scene(tmp_path).repository(2), STEPS, options=("--yes", "--resume", "-j", "2"))


def starts(storm, task):
    return [line for line in storm.lines() if line[:2] == ["start", task]]


@pytest.mark.parametrize("by", by_effort([-DAY], [DAY, -DAY], [DAY, -DAY]))
def test_a_clock_that_jumps_a_day_while_agents_work_costs_nobody_a_task(storm, by):
    jumps = bad_ground(jump={"after": 0.8, "by": by}, hasten=SHORT_LEASES)

    result = storm.scene.run(*storm.options, env={"NAP": "1.5", **jumps})

    assert result.exit_code == 0, result
    assert all(len(starts(storm, step.id)) == 1 for step in STEPS)
    assert "took -" not in result.out
    storm.check()


@rare
def test_a_clock_that_was_set_back_a_day_makes_no_task_wait_for_a_day(tmp_path):
    storm = Storm(Scene(tmp_path).repository(2), STEPS[:1], options=("--yes", "--resume"))
    once = tmp_path / "once"
    storm.agent.write_text(
        f'#!/bin/sh\nsleep 0.2\nmkdir "{once}" 2>/dev/null && exit 1\n{storm.agent.read_text()[10:]}'
    )
    # The failure's backoff begins before the jump and ends after it.
    slow = {**HASTE, "retry": {"_FIRST_DELAY": 3.0}}
    jumps = bad_ground(jump={"after": 1.5, "by": -DAY}, hasten=slow)

    result = storm.scene.run(*storm.options, env={"NAP": "0", **jumps})

    assert result.exit_code == 0, result


@rare
def test_a_backoff_of_a_host_whose_clock_is_a_day_ahead_is_no_longer_than_it_was_meant(tmp_path):
    storm = Storm(Scene(tmp_path).repository(2), STEPS[:1], options=("--yes", "--resume"))
    storm.agent.write_text("#!/bin/sh\nexit 1\n")
    ahead = bad_ground(jump={"after": 0.0, "by": DAY}, hasten={"retry": {"_FIRST_DELAY": 3.0}})
    with storm.start(**ahead) as running:
        wait_until(lambda: "again" in running.err(), 20)
        running.kill_tree(whole_group=True)
    storm.__post_init__()

    (written,) = storm.scene.tasks_dir.glob("attempts/a/*/result.json")
    assert json.loads(written.read_text())["not_before"] > 0
    storm.finish()


def other_host(storm, clock, **env):
    """Starts a worker on another host that shares the directory; its clock is off by so much."""
    if (
        shutil.which("unshare") is None
        or subprocess.run([*OTHER_HOST, "true"], check=False, capture_output=True).returncode
    ):
        pytest.skip("no namespaces of pids and clocks here: it takes root and Linux 5.6")
    ground = bad_ground(jump={"after": 0.0, "by": clock}, hasten=SHORT_LEASES)
    tool = (sys.executable, "-m", "parallel_orchestra", "worker")
    return subprocess.Popen(
        [*OTHER_HOST, *tool, "--tasks-dir", storm.scene.tasks_dir, "-j", "1"],
        cwd=storm.scene.project,
        env=storm.scene.environment({**env, **ground}),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


def run_here(storm, **env):
    ground = bad_ground(hasten=SHORT_LEASES)
    return storm.scene.start("--yes", "--resume", "-j", "1", env={**env, **ground})


def held(storm):
    """Lets the agents work until a file is there, and returns that file."""
    go = storm.agent.with_name("go")
    wait = f'while ! test -e "{go}"; do sleep 0.1; done'
    storm.agent.write_text(storm.agent.read_text().replace('sleep "${NAP:-0.05}"', wait))
    return go


def let_leases_pass(count):
    end = time.monotonic() + count * LEASE
    wait_until(lambda: time.monotonic() > end, 60)


@rare
@pytest.mark.parametrize("clock", [DAY, -DAY], ids=["ahead", "behind"])
def test_two_hosts_whose_clocks_differ_by_a_day_steal_nothing_from_each_other(storm, clock):
    go = held(storm)
    with run_here(storm) as running:
        wait_until(lambda: len(storm.lines()) == 1, 30)
        there = other_host(storm, clock)
        wait_until(lambda: len(storm.lines()) == 2, 30)
        let_leases_pass(3)
        go.touch()
        result = running.wait()
        there.wait(30)

    assert result.exit_code == 0, result
    assert all(len(starts(storm, step.id)) == 1 for step in STEPS)
    owners = {path.name.split(".")[-2] for path in storm.scene.tasks_dir.glob("done/*.md")}
    assert len(owners) == 2
    storm.check()


@rare
@pytest.mark.parametrize("clock", [DAY, -DAY], ids=["ahead", "behind"])
def test_a_task_of_a_host_that_died_is_taken_after_a_lease(storm, clock):
    go = held(storm)
    with run_here(storm) as running:
        wait_until(lambda: len(storm.lines()) == 1, 30)
        there = other_host(storm, clock)
        wait_until(lambda: len(storm.lines()) == 2, 30)
        os.killpg(there.pid, signal.SIGKILL)
        there.wait(30)
        go.touch()
        result = running.wait()

    assert result.exit_code == 0, result
    assert sorted(len(starts(storm, step.id)) for step in STEPS) == [1, 1, 2]
    assert "no sign of life" in result.err
    storm.check()
