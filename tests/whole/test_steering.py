"""People steer a run while it goes on, from another terminal, before it and after a crash."""

import json

import pytest

from support.repository import git
from support.scene import Scene
from support.waiting import wait_until

pytestmark = pytest.mark.slow

#: Tasks that last until the file `go` appears in `_tasks/`.
PLAN = """---
po_plan_version: "0.2"
name: demo
max_workers: 2
defaults: {backend: command, max_retries: 1}
tasks:
  - {id: a, command: "COMMAND"}
  - {id: b, command: "COMMAND"}
  - {id: c, command: "COMMAND", depends_on: [a]}
---
"""
WAIT = (
    "touch $PO_TASKS_DIR/up-$PO_TASK_ID; echo half > half-$PO_TASK_ID; "
    "while ! [ -e $PO_TASKS_DIR/go ]; do sleep 0.05; done; echo > $PO_TASK_ID.txt"
)


@pytest.fixture
def scene(tmp_path):
    return Scene(tmp_path).repository(3).plan(PLAN.replace("COMMAND", WAIT))


def wait_for_agents(scene, *tasks):
    wait_until(lambda: all((scene.tasks_dir / f"up-{task}").exists() for task in tasks), within=20)


def go(scene):
    (scene.tasks_dir / "go").touch()


def outcomes(scene):
    report = json.loads(scene.call("status", "--json").out)
    return {task["id"]: task["outcome"] for task in report["tasks"]}


def test_a_paused_run_finishes_what_runs_and_starts_nothing_until_it_may(scene):
    with scene.start("--yes") as running:
        wait_for_agents(scene, "a", "b")
        said = scene.call("pause", "--reason", "lunch", check=0).out
        again = scene.call("pause", "--json", check=0).out
        go(scene)
        wait_until(lambda: len(scene.tasks_in("done")) == 2, within=20)
        status = scene.call("status", check=6).out
        why = scene.call("why", "c", check=0).out
        claim = scene.call("claim", "--json", check=6).out
        helper = scene.start_command("worker")
        wait_until(lambda: "paused by" in helper.err(), within=20)
        wait_until(lambda: "paused by" in running.err(), within=20)
        scene.call("resume-run", check=0)
        result, helped = running.wait(), helper.wait()

    assert f"process {running.pid}" in said
    assert json.loads(again)["changed"] is False
    assert "; nothing starts until `parallel-orchestra resume-run`" in status.splitlines()[1]
    assert ": lunch" in status.splitlines()[1]
    assert why.startswith("c waiting: the run is paused by ")
    assert "the run is paused by " in json.loads(claim)["reason"]
    assert (result.exit_code, helped.exit_code) == (0, 0), f"{result}{helped}"
    assert "not paused any more" in result.err
    assert "not paused any more" in helped.err


def test_a_pause_outlives_a_crash_and_holds_for_the_run_that_goes_on(scene):
    with scene.start("--yes") as running:
        wait_for_agents(scene, "a", "b")
        scene.call("pause", check=0)
        running.kill_tree(whole_group=False)
    scene.wait_for_silence()
    go(scene)

    with scene.start("--resume") as second:
        wait_until(lambda: "paused by" in second.err(), within=20)
        wait_until(lambda: len(scene.tasks_in("available")) == 3, within=20)
        status = scene.call("status", check=6).out
        scene.call("resume-run", check=0)
        result = second.wait()

    assert status.startswith("0 completed / 3 total (0 in progress, 0 failed)\npaused by ")
    assert result.exit_code == 0, result


def test_commands_for_a_run_that_nobody_is_at_work_on_say_so(scene):
    none = scene.call("pause", check=3).err
    go_scene = scene.plan(PLAN.replace("COMMAND", "false"))
    go_scene.run("--yes", check=1)

    stop = scene.call("stop", check=0).out
    paused = scene.call("pause", check=0)
    on = scene.call("resume-run", check=0)
    again = scene.call("resume-run", check=0).out

    assert "there is no run here" in none or "no `_tasks` directory" in none
    assert stop == "nobody is at work: there is nothing to stop\n"
    assert list((scene.tasks_dir / "steering").iterdir()) == []
    assert "nobody is at work; who resumes the run waits for `resume-run`" in paused.err
    assert "`parallel-orchestra run PLAN --resume` goes on with it" in on.err
    assert again == "the run was not paused\n"


def test_a_stop_drains_all_processes_and_resume_goes_on(scene):
    with scene.start("--yes", "-j", "1") as running:
        wait_for_agents(scene, "a")
        with scene.start_command("worker") as helper:
            wait_for_agents(scene, "b")
            said = json.loads(scene.call("stop", "--json", check=0).out)
            wait_until(lambda: "stopping, as asked by" in running.err())
            wait_until(lambda: "stopping, as asked by" in helper.err())
            go(scene)
            result, helped = running.wait(), helper.wait()

    assert len(said["processes"]) == 2
    assert (result.exit_code, helped.exit_code) == (6, 6), f"{result}{helped}"
    assert (scene.tasks_in("done"), scene.tasks_in("available")) == ({"a", "b"}, {"c"})
    scene.run("--resume", check=0)
    assert list((scene.tasks_dir / "steering").iterdir()) == []


def test_a_stop_at_once_gives_the_tasks_back(scene):
    with scene.start("--yes") as running:
        wait_for_agents(scene, "a", "b")
        scene.call("stop", "--now", check=0)
        result = running.wait(within=20)

    assert result.exit_code == 6, result
    assert set(scene.states().values()) == {"available"}
    scene.wait_for_silence()
    go(scene)
    scene.run("--resume", check=0)


def test_a_cancelled_task_ends_keeps_its_work_and_stays_cancelled_until_it_is_retried(scene):
    with scene.start("--yes") as running:
        wait_for_agents(scene, "a", "b")
        end = json.loads(scene.call("cancel", "a", "-r", "not now", "--json", check=0).out)
        go(scene)
        result = running.wait()

    assert result.exit_code == 1, result
    assert outcomes(scene) == {"a": "failed", "b": "succeeded", "c": "skipped"}
    assert git(scene.project, "show", f"{end['ref']}:half-a") == "half\n"
    assert "cancelled: cancelled by " in scene.call("why", "a", check=0).out
    resumed = scene.run("--resume", check=1)
    assert "task `a` was cancelled and stays so" in resumed.err
    assert scene.tasks_in("failed") == {"a"}
    scene.call("retry", "a", check=0)
    scene.run("--resume", check=0)
    assert len(scene.attempts("a")) == 2


def test_a_waiting_task_is_cancelled_while_the_run_goes_on_and_after_it_died(scene):
    with scene.start("--yes", "-j", "1") as running:
        wait_for_agents(scene, "a")
        scene.call("cancel", "b", check=0)
        running.kill_tree(whole_group=True)
    scene.wait_for_silence()

    dead = scene.call("cancel", "a", check=0)
    late = scene.call("cancel", "a", check=2)

    assert scene.tasks_in("failed") == {"a", "b"}
    assert "task `a` is cancelled" in dead.out
    assert "there is nothing to cancel" in late.err
    assert outcomes(scene) == {"a": "failed", "b": "failed", "c": "skipped"}


def test_a_wish_to_cancel_that_a_crash_left_is_carried_out_by_the_next_run(scene):
    scene.plan(PLAN.replace("COMMAND", "false"))
    scene.run("--yes", check=1)
    scene.call("retry", "a", "b", check=0)
    (scene.tasks_dir / "steering" / "cancel.a").touch()

    result = scene.run("--resume", check=1)

    assert "cancelled: cancelled by somebody" in result.err
    assert [len(scene.attempts(task)) for task in "ab"] == [2, 3]
    assert list((scene.tasks_dir / "steering").iterdir()) == []


def test_a_task_in_a_persons_hands_is_not_cancelled(scene):
    scene.plan(PLAN.replace("COMMAND", "exit 126"))
    scene.run("--yes", check=1)
    scene.call("retry", "a", check=0)
    scene.call("claim", "a", check=0)

    refused = scene.call("cancel", "a", check=2)

    assert "is in the hands of a person" in refused.err
    assert scene.states()["a"] == "locked"
    assert list((scene.tasks_dir / "steering").iterdir()) == []
