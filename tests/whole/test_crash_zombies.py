"""Workers that sleep, are declared dead by their lease alone, and wake up when it is too late."""

import os
import signal

import pytest

from support.deaths import riding_along
from support.figures import tell
from support.processes import state
from support.scene import Scene
from support.storm import Step, Storm, check_tidy
from support.tempest import SPANS, another_namespace, far_tool
from support.verdict import refused, transactions
from support.waiting import wait_until

pytestmark = [pytest.mark.slow, pytest.mark.storm]

#: The second time, the agent waits until it is told to go on.
SECOND = 'n=0; while test "$PO_ATTEMPT" = 2 -a ! -e "$FLAGS/go" -a $n -lt 600; do sleep 0.1; n=$((n+1)); done'


@pytest.fixture
def storm(tmp_path):
    (tmp_path / "flags").mkdir()
    return Storm(Scene(tmp_path).repository(3), (Step("a", does=SECOND, facts=("prompt: do it",)),))


def notes_of(storm):
    return storm.scene.project.parent / "transactions.txt"


def environment(storm, **wishes):
    flags = storm.scene.project.parent / "flags"
    noted = {"FLAGS": str(flags), "TRANSACTIONS": str(notes_of(storm)), "NAP": "0"}
    return {**noted, **riding_along(SPANS, **wishes)}


def wake(pid):
    """Wakes a process as often as it falls asleep, and returns whether it is gone."""
    if state(pid) == "T":
        os.kill(pid, signal.SIGCONT)
    return state(pid) in ("", "Z")


def begun(storm, task, attempt):
    return any(line[:3] == ["start", task, attempt] for line in storm.lines())


@pytest.mark.parametrize("woken", ["while another is at work", "after another has merged"])
def test_a_zombie_that_wakes_right_before_its_merge_is_refused_by_the_transaction(storm, woken):
    far = another_namespace()
    if far is None:
        pytest.skip("no pid namespaces of our own here: `unshare --pid` is not permitted")
    scene, go = storm.scene, storm.scene.project.parent / "flags" / "go"
    plan = str(scene.plan_path())
    sleepy = environment(storm, STOP_IN="_publish 1")

    with scene.start_command("run", plan, "--yes", env=sleepy, via=far) as zombie:
        wait_until(
            lambda: state(far_tool(zombie)) == "T",
            60,
            "the worker falls asleep",
        )
        pid = far_tool(zombie)
        words = ("worker", "--tasks-dir", str(scene.tasks_dir))
        with scene.start_command(*words, env=environment(storm)) as other:
            wait_until(lambda: begun(storm, "a", "2"), 25, "the task is begun again")
            if woken.startswith("after"):
                go.touch()
                other.wait()
            wait_until(lambda: wake(pid) or refused(transactions(notes_of(storm))), 60, "refused")
            go.touch()
            other.wait()
        wait_until(lambda: wake(pid), 60, "the zombie ends")
        zombie.wait()
    times = refused(transactions(notes_of(storm)))

    tell(f"zombies woken {woken}", refused=times)
    assert times == 1
    assert scene.merges("orchestra/storm") == {"a": 1}
    storm.finish()


def test_a_worker_that_slept_right_before_its_agent_begins_none_if_the_task_was_taken(storm):
    scene = storm.scene

    with storm.start(**environment(storm, STOP_IN="write_prompt 1")) as running:
        wait_until(lambda: state(running.pid) == "T", 60, "the worker falls asleep")
        lock = next((scene.tasks_dir / "locked").glob("*.md"))
        lock.rename(scene.tasks_dir / "done" / "a.md")
        wait_until(lambda: wake(running.pid), 60, "the worker ends")
        ended = running.wait()

    assert ended.exit_code == 0
    assert storm.lines() == []
    assert scene.states() == {"a": "done"}
    check_tidy(scene)
