"""Whole runs that somebody stops, disturbs or shares: signals, a second run, a second worker."""

import signal

import pytest

from support.repository import fsck_clean
from support.scene import Scene
from support.waiting import wait_until

pytestmark = pytest.mark.slow

#: Tasks that last until the file `go` appears in `_tasks/`.
PLAN = """---
po_plan_version: "0.2"
name: demo
max_workers: 2
defaults: {backend: command, max_retries: 0}
tasks:
%s---
"""
WAIT = "touch $PO_TASKS_DIR/up-$PO_TASK_ID; while ! [ -e $PO_TASKS_DIR/go ]; do sleep 0.05; done; "
TASKS = ("a", "b", "c", "d")


@pytest.fixture
def scene(tmp_path):
    return Scene(tmp_path).repository(3).plan(plan())


def plan(after=""):
    tasks = (f'  - {{id: {t}, command: "{WAIT}{after}echo > {t}.txt"}}\n' for t in TASKS)
    return PLAN % "".join(tasks)


def wait_for_agents(scene, count=2):
    wait_until(lambda: len(list(scene.tasks_dir.glob("up-*"))) >= count, within=20)


def go(scene):
    (scene.tasks_dir / "go").touch()


def all_merged_once(scene):
    scene.wait_for_silence()
    assert fsck_clean(scene.project)
    assert scene.worktrees() == []
    return scene.merges() == dict.fromkeys(TASKS, 1)


def test_the_first_ctrl_c_lets_running_tasks_finish_and_resume_goes_on(scene):
    # longer than the tenth of a second that the main loop takes to see the signal
    scene.plan(plan("sleep 0.5; "))

    with scene.start() as running:
        wait_for_agents(scene)
        running.interrupt()
        wait_until(lambda: "no new ones start" in running.err())
        go(scene)
        result = running.wait()

    assert result.exit_code == 130
    assert len(scene.tasks_in("done")) == 2
    assert len(scene.tasks_in("available")) == 2
    assert scene.call("status").exit_code == 6

    scene.run("--resume", check=0)
    assert all_merged_once(scene)


def test_the_second_ctrl_c_ends_the_agents_at_once(scene):
    with scene.start() as running:
        wait_for_agents(scene)
        running.interrupt()
        wait_until(lambda: "no new ones start" in running.err())
        running.interrupt()
        result = running.wait(within=20)

    assert result.exit_code == 130
    assert "stopping at once" in result.err
    assert set(scene.states().values()) == {"available"}
    scene.wait_for_silence()

    go(scene)
    scene.run("--resume", check=0)
    assert all_merged_once(scene)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_polite_kill_leaves_nothing_running(scene, number):
    with scene.start() as running:
        wait_for_agents(scene)
        running.send(number)
        result = running.wait(within=20)

    assert result.exit_code == 143
    assert set(scene.states().values()) == {"available"}
    scene.wait_for_silence()
    assert scene.worktrees() == []


@pytest.mark.parametrize("whole_group", [False, True], ids=["alone", "with its group"])
def test_a_hard_kill_loses_nothing_and_merges_nothing_twice(scene, whole_group):
    with scene.start() as running:
        wait_for_agents(scene)
        running.kill_tree(whole_group=whole_group)

    scene.wait_for_silence()
    assert scene.call("status").exit_code == 6

    go(scene)
    scene.run("--resume", check=0)
    assert all_merged_once(scene)


def test_a_second_run_is_refused_and_names_the_first(scene):
    with scene.start() as running:
        wait_for_agents(scene)
        refused = scene.run(check=5)
        go(scene)
        result = running.wait()

    assert f"process {running.pid} on " in refused.err
    assert result.exit_code == 0, result
    assert all_merged_once(scene)


def test_a_second_worker_joins_and_no_task_runs_twice(scene):
    with scene.start() as running:
        wait_for_agents(scene)
        with scene.start_command("worker", "-j", "2") as other:
            wait_for_agents(scene, 4)
            go(scene)
            helped = other.wait()
        result = running.wait()

    assert (helped.exit_code, result.exit_code) == (0, 0), f"{helped}{result}"
    assert all_merged_once(scene)
    assert [len(scene.attempts(task)) for task in TASKS] == [1, 1, 1, 1]


def test_status_and_logs_follow_a_run_while_it_goes_on(scene):
    with scene.start() as running:
        wait_for_agents(scene)
        status = scene.call("status")
        locks = scene.call("locks", "--json", check=0)
        with scene.start_command("logs", "a", "-f") as follower:
            go(scene)
            followed = follower.wait()
        running.wait()

    assert status.exit_code == 6
    assert status.out.startswith("0 completed / 4 total (2 in progress, 0 failed)\nrunning ")
    assert locks.out.count('"state": "alive"') == 2
    assert locks.out.count(f'"pid": {running.pid}') == 2
    assert followed.exit_code == 0


def test_a_task_taken_by_force_is_not_merged_by_the_one_who_lost_it(scene):
    with scene.start() as running:
        wait_for_agents(scene)
        refused = scene.call("unlock", "a", check=2)
        scene.call("unlock", "a", "--force", check=0)
        go(scene)
        result = running.wait()

    assert "which is alive: " in refused.err
    assert result.exit_code == 0, result
    assert all_merged_once(scene)
