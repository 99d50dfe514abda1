"""Several processes at one run: one conducts, others join, some die."""

import contextlib
import os
import shutil
import signal
import subprocess
from collections import Counter

import pytest

from support.effort import by_effort
from support.scene import Scene
from support.storm import Step, Storm, check_tidy, kill
from support.waiting import wait_until

pytestmark = pytest.mark.slow

#: Agents of a process with HOLD in its environment wait until that file is gone.
HELD = 'while test -e "$HOLD"; do sleep 0.05; done'
FREE = tuple(Step(f"t{n:02}", does=HELD) for n in range(12))


def starts(storm):
    return Counter(line[1] for line in storm.lines() if line[0] == "start")


def join(storm, *args, **env):
    return storm.scene.start_command(
        "worker", "--tasks-dir", str(storm.scene.tasks_dir), *args, env=env
    )


@pytest.mark.storm
def test_of_many_runs_started_at_once_one_goes_on_and_all_others_name_it(tmp_path):
    storm = Storm(Scene(tmp_path).repository(3), FREE[:3], options=("--yes", "--resume"))

    runs = [storm.start(NAP="600") for _ in range(by_effort(4, 10, 10))]
    wait_until(lambda: sum(run.child.poll() is None for run in runs) == 1, 40)
    (winner,) = (run for run in runs if run.child.poll() is None)
    wait_until(lambda: len(starts(storm)) == 3, 60)
    winner.send(signal.SIGTERM)
    last = winner.wait()

    others = [run.wait() for run in runs if run is not winner]
    assert last.exit_code == 143
    assert {result.exit_code for result in others} == {5}
    assert all(f"process {winner.pid} on " in result.err for result in others)
    assert set(starts(storm).values()) == {1}
    storm.finish()


def test_workers_that_join_share_the_tasks_and_none_runs_twice(tmp_path):
    storm = Storm(Scene(tmp_path).repository(3), FREE, options=("--yes", "-j", "2"))
    hold = tmp_path / "hold"
    hold.touch()

    # All wait for all, so that each gets something.
    with storm.start(HOLD=str(hold), NAP="0") as conductor:
        wait_until(lambda: starts(storm), 60)
        with (
            join(storm, "-j", "2", HOLD=str(hold), NAP="0") as one,
            join(storm, HOLD=str(hold), NAP="0") as two,
        ):
            wait_until(lambda: len(starts(storm)) == 5, 60)
            hold.unlink()
            codes = [running.wait().exit_code for running in (one, two, conductor)]

    assert codes == [0, 0, 0]
    assert set(starts(storm).values()) == {1}
    owners = {path.name.split(".")[1] for task in FREE for path in storm.scene.attempts(task.id)}
    assert len(owners) == 3
    storm.check()


@pytest.mark.parametrize("how", ["alone", "everything of it"])
def test_the_tasks_of_a_worker_that_dies_are_taken_over_within_seconds(tmp_path, how):
    storm = Storm(Scene(tmp_path).repository(3), FREE[:4], options=("--yes", "-j", "1"))

    locked, hold = storm.scene.tasks_dir / "locked", tmp_path / "hold"
    hold.touch()

    with storm.start(HOLD=str(hold), NAP="0") as conductor:
        wait_until(lambda: starts(storm), 60)
        with join(storm, "-j", "2", NAP="600") as worker:
            wait_until(lambda: len(list(locked.glob(f"*-{worker.pid}-*.md"))) == 2, 60)
            wait_until(lambda: len(starts(storm)) == 3, 60)
            # The worker first: if only what it started died, it would give its tasks back.
            below = _below(worker.pid) if how != "alone" else ()
            kill(worker, "alone")
            for pid in below:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
        hold.unlink()
        result = conductor.wait(within=20)

    assert result.exit_code == 0, result
    assert sorted(starts(storm).values()) == [1, 1, 2, 2]
    storm.check()


def test_a_worker_goes_on_when_the_conductor_dies_and_the_next_run_delivers(tmp_path):
    storm = Storm(Scene(tmp_path).repository(3), FREE[:5], options=("--yes", "-j", "1", "--resume"))

    with storm.start(NAP="600") as conductor:
        wait_until(lambda: starts(storm), 60)
        with join(storm, NAP="0.1") as worker:
            wait_until(lambda: len(starts(storm)) >= 3, 60)
            kill(conductor, "alone")
            helped = worker.wait(within=20)

    assert helped.exit_code == 0, helped
    assert set(storm.scene.states().values()) == {"done"}
    assert "t00.txt" not in storm.scene.names()
    storm.remember()
    storm.finish()


@pytest.mark.parametrize("way", ["--fresh", "--resume"])
def test_the_tasks_are_not_changed_under_a_worker_that_goes_on_without_its_conductor(tmp_path, way):
    storm = Storm(Scene(tmp_path).repository(3), FREE[:3], options=("--yes", "-j", "1"))

    with storm.start(NAP="600") as conductor:
        wait_until(lambda: starts(storm), 60)
        with join(storm, NAP="600") as worker:
            wait_until(lambda: len(starts(storm)) == 2, 60)
            kill(conductor, "alone")
            before = storm.scene.states()
            changed = Storm(storm.scene, FREE[3:5])
            refused = changed.scene.run("--yes", way)
            after = storm.scene.states()
            worker.send(signal.SIGTERM)
            worker.wait(within=20)

    assert refused.exit_code == 5, refused
    assert f"process {worker.pid} on " in refused.err
    assert after == before
    changed.scene.run("--yes", way, env={"NAP": "0"}, check=0)
    assert storm.scene.states() == {"t03": "done", "t04": "done"}


def test_limits_hold_across_processes(tmp_path):
    busy = "mkdir $PO_TASKS_DIR/busy || exit 7; sleep 0.1; rmdir $PO_TASKS_DIR/busy"
    tasks = "".join(
        f'  - {{id: g{n}, concurrency_group: one, command: "{busy}; echo > g{n}.txt"}}\n'
        for n in range(8)
    )
    scene = Scene(tmp_path).repository(3).plan(
        '---\npo_plan_version: "0.2"\nname: groups\nconcurrency_limits: {one: 1}\n'
        f"defaults: {{backend: command, max_retries: 0}}\ntasks:\n{tasks}---\n"
    )  # fmt: skip

    with scene.start("--yes") as conductor:
        wait_until(lambda: scene.tasks_dir.exists() and scene.tasks_in("done"), 60)
        with scene.start_command(
            "worker", "--tasks-dir", str(scene.tasks_dir), "-j", "3"
        ) as worker:
            codes = worker.wait().exit_code, conductor.wait().exit_code

    assert codes == (0, 0)
    assert scene.merges() == {f"g{n}": 1 for n in range(8)}
    check_tidy(scene)


def test_two_plans_of_one_name_in_one_repository_do_not_disturb_each_other(tmp_path):
    storms = []
    for name in ("one", "two"):
        steps = tuple(Step(f"{name}{n}") for n in range(6))
        storms.append(Storm(Scene(tmp_path), steps, plan_name=f"{name}.md"))
    storms[0].scene.repository(3)

    runs = [
        storm.scene.start(
            "--yes", "--tasks-dir", str(tmp_path / storm.plan_name[:3]), plan=storm.plan_name,
            env={"NAP": "0.2"},
        )
        for storm in storms
    ]  # fmt: skip
    results = [run.wait() for run in runs]

    assert [result.exit_code for result in results] == [0, 0], results
    scene = storms[0].scene
    assert scene.merges() | scene.merges("HEAD^2") == {
        f"{n}{k}": 1 for n in ("one", "two") for k in range(6)
    }
    assert {f"{n}{k}.txt" for n in ("one", "two") for k in range(6)} <= scene.names()
    check_tidy(scene)


def test_a_second_plan_of_one_name_gets_a_branch_of_its_own_while_the_first_is_unfinished(tmp_path):
    first = Storm(Scene(tmp_path).repository(3), FREE[:3])
    second = Storm(first.scene, (Step("x"), Step("y"), Step("z")), plan_name="second.md")
    elsewhere = ("--tasks-dir", str(tmp_path / "elsewhere"))

    with first.start(NAP="600") as running:
        wait_until(lambda: len(starts(first)) == 3, 60)
        second.scene.run("--yes", *elsewhere, plan="second.md", env={"NAP": "0"}, check=0)
        kill(running, "alone")

    assert first.scene.merges("orchestra/storm-2") == {"x": 1, "y": 1, "z": 1}
    assert first.scene.merges("orchestra/storm") == {}
    first.scene.run(*first.options, check=0)
    assert {"t00.txt", "t01.txt", "t02.txt", "x.txt", "y.txt", "z.txt"} <= first.scene.names()
    check_tidy(first.scene)


def test_the_branch_of_a_run_whose_directory_is_gone_is_used_again(tmp_path):
    storm = Storm(Scene(tmp_path).repository(3), FREE[:3])
    storm.scene.run("--yes", env={"NAP": "0"}, check=0)
    shutil.rmtree(storm.scene.tasks_dir)
    again = Storm(storm.scene, (Step("x"), Step("y"), Step("z")))

    again.scene.run("--yes", env={"NAP": "0"}, check=0)

    branches = storm.scene.git("for-each-ref", "--format=%(refname:short)", "refs/heads/orchestra")
    assert branches == "orchestra/storm\n"
    check_tidy(storm.scene)


def test_a_stopped_conductor_is_alive_and_nobody_takes_its_tasks(tmp_path):
    storm = Storm(Scene(tmp_path).repository(3), FREE[:4], options=("--yes", "-j", "1"))

    hold = tmp_path / "hold"
    hold.touch()

    with storm.start(HOLD=str(hold), NAP="0") as conductor:
        wait_until(lambda: starts(storm), 60)
        conductor.send(signal.SIGSTOP)
        held = storm.scene.tasks_in("locked")
        with join(storm, NAP="0") as worker:
            wait_until(lambda: len(storm.scene.tasks_in("done")) == 3, 60)
            hold.unlink()
            conductor.send(signal.SIGCONT)
            codes = worker.wait().exit_code, conductor.wait().exit_code

    assert len(held) == 1
    assert codes == (0, 0)
    assert set(starts(storm).values()) == {1}
    storm.check()


def _below(pid):
    """Returns the pids of all that a process started, the deepest first."""
    children = subprocess.run(
        ["ps", "-o", "pid=", "--ppid", str(pid)], capture_output=True, text=True, check=False
    ).stdout.split()
    return [one for child in map(int, children) for one in (*_below(child), child)]
