"""A person, an agent or a script does the whole loop by hand, beside runs and after crashes."""

import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from parallel_orchestra.conductor.byhand.claiming import claim_task
from parallel_orchestra.config import Settings
from parallel_orchestra.errors import EnvironmentProblem
from parallel_orchestra.merge_queue import Candidate, MergeQueue
from parallel_orchestra.store import Layout
from support import figures
from support.deaths import riding_along
from support.effort import by_effort
from support.merging import commit_on
from support.preloaded import preloaded
from support.repository import fsck_clean, git
from support.scene import Scene
from support.storm import check_tidy
from support.waiting import wait_until

pytestmark = pytest.mark.slow

TIP = "refs/heads/orchestra/hands"
PLAN = """---
po_plan_version: "0.2"
name: hands
max_workers: 2
defaults: {backend: command, max_retries: 1}
tasks:
  - {id: first, command: "exit 126", prompt: "Write it.", verify: ["test ! -e bad"]}
  - {id: second, command: "exit 126", depends_on: [first]}
  - {id: look, command: "exit 126", read_only: true, depends_on: [second]}
---
"""
#: Does all tasks of a run with nothing but the command and Python.
LOOP = """
set -e
field() { python3 -c 'import json, sys; print(json.load(open(sys.argv[1]))[sys.argv[2]])' "$SEEN" "$1"; }
while parallel-orchestra claim --json > "$SEEN"; do
  task=$(field task)
  cd "$(field worktree)"
  test "$(field read_only)" = True || echo "$task" > "$task.txt"
  parallel-orchestra heartbeat "$task" --json
  parallel-orchestra complete "$task" --json --message "By a script: $task"
  cd "$HERE"
done
"""


@pytest.fixture
def scene(tmp_path):
    """A run whose first task has failed for good, so that all three are left for people."""
    made = Scene(tmp_path).repository(3).plan(PLAN)
    made.run("--yes", check=1)
    made.call("retry", "first", check=0)
    return made


def claim(scene, *words):
    return json.loads(scene.call("claim", *words, "--json", check=0).out)


def write(taken, name="made.txt", text="made\n"):
    (Path(taken["worktree"]) / name).write_text(text, encoding="utf-8")


def in_worktree(scene, taken, *words):
    """Types a command in a claim's worktree."""
    return subprocess.run(
        [sys.executable, "-m", "parallel_orchestra", *words],
        cwd=taken["worktree"],
        env=scene.environment({"PYTHONPATH": os.pathsep.join(sys.path)}),
        capture_output=True,
        text=True,
        check=False,
    )


def with_lease(scene, taken, seconds):
    """Makes a claim's lease that short: what its record says, counts."""
    path = scene.tasks_dir / "workers" / f"{taken['owner']}.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"lease": seconds}))


def test_a_shell_script_does_the_whole_loop(scene, tmp_path):
    places = {"SEEN": str(tmp_path / "claim.json"), "HERE": str(scene.project)}
    preloaded().program(tmp_path / "parallel-orchestra")
    path = f"{tmp_path}{os.pathsep}{scene.environment()['PATH']}"
    done = subprocess.run(
        ["sh", "-c", LOOP],
        cwd=scene.project,
        env=scene.environment({"PATH": path, **places}),
        capture_output=True,
        text=True,
        check=False,
    )
    last = json.loads((tmp_path / "claim.json").read_text())
    report = json.loads(scene.call("status", "--json").out)

    assert last["reason"] == "all 3 tasks are done", done
    assert scene.merges(TIP) == {"first": 1, "second": 1}
    assert {task["outcome"] for task in report["tasks"]} == {"succeeded"}
    assert "By a script: first" in git(scene.project, "log", "--format=%s", TIP)
    scene.run("--resume", check=0)
    assert {"first.txt", "second.txt"} <= scene.names()
    check_tidy(scene)


def test_nothing_now_and_nothing_any_more_are_told_apart(scene):
    taken = claim(scene)

    now = scene.call("claim", "--json", check=6)
    named = scene.call("claim", "second", check=6)
    scene.call("fail", "first", "--reason", "can't be done", "--final", check=0)
    never = scene.call("claim", "--json", check=1)

    assert taken["task"] == "first"
    assert json.loads(now.out) | {"reason": ""} == {"task": None, "more": True, "reason": ""}
    assert "waits for `first`" in named.err
    assert json.loads(never.out)["more"] is False
    assert scene.tasks_in("failed") == {"first"}


def documented(command):
    """Returns the keys that the reference gives the JSON of a command."""
    page = (Path(__file__).parents[2] / "docs/reference/by-hand.md").read_text(encoding="utf-8")
    section = page.partition(f"\n## {command}\n")[2].partition("\n## ")[0]
    cells = [line.split("|")[1] for line in section.splitlines() if line.startswith("| `")]
    return {key for cell in cells for key in re.findall("`([a-z_]+)`", cell)}


def test_the_keys_for_scripts_are_those_of_the_reference(scene):
    """Of what is no record, which `tests/docs` compares."""
    write(claim(scene))
    scene.call("complete", "first", check=0)

    undone = scene.call("undo", "first", "--yes", "--json", check=0)
    left = scene.call("clean", "--json", check=0)
    found = scene.call("doctor", "--json")

    assert set(json.loads(undone.out)) == documented("undo")
    assert set(json.loads(left.out)) == documented("clean")
    assert set(json.loads(found.out)) == documented("doctor")


def test_of_two_that_claim_at_once_one_gets_the_task(scene):
    with (
        scene.start_command("claim", "--json") as one,
        scene.start_command("claim", "--json") as two,
    ):
        codes = sorted((one.wait().exit_code, two.wait().exit_code))

    assert codes == [0, 6]
    assert len(scene.tasks_in("locked")) == 1
    assert len(list(scene.cache.rglob("by-hand/first-*"))) == 1
    scene.call("release", "first", check=0)


def test_a_task_merged_while_it_is_claimed_is_nobodys_work_and_done_at_the_next_look(
    scene, monkeypatch
):
    fence = MergeQueue.fence

    def merged_just_before(queue, claim):
        # The attempt before, which lost its lock to us, gets its merge through.
        commit = commit_on(scene.project, queue.tip(), {"first.txt": "by the other\n"})
        log = scene.tasks_dir / "merge.log"
        queue.merge(Candidate(claim, commit, fence(queue, claim), 1, "print", "", log))
        return fence(queue, claim)

    monkeypatch.setattr(MergeQueue, "fence", merged_just_before)
    settings = Settings(environ=os.environ, cache=scene.cache)

    with pytest.raises(EnvironmentProblem, match="was merged in this moment"):
        claim_task(Layout(scene.tasks_dir), settings, "first")

    scene.call("recover", check=0)
    assert scene.states()["first"] == "done"


def test_groups_and_overlapping_writes_hold_for_claims_by_hand(tmp_path):
    tasks = """  - {id: a, command: "exit 126", concurrency_group: db, writes: ["*.txt"]}
  - {id: b, command: "exit 126", concurrency_group: db}
  - {id: c, command: "exit 126", writes: [c.txt]}
"""
    top = PLAN.partition("tasks:")[0] + "concurrency_limits: {db: 1}\ntasks:\n"
    scene = Scene(tmp_path).repository(3).plan(top + tasks + "---\n")
    scene.run("--yes", check=1)
    scene.call("retry", "a", "b", "c", check=0)
    claim(scene, "a")

    refused = [scene.call("claim", task, check=6).err for task in ("b", "c")]
    why = scene.call("why", "c", check=0).out
    scene.call("release", "a", check=0)
    claim(scene, "b")
    claim(scene, "c")

    assert "concurrency group `db` is full" in refused[0]
    assert "`a` writes the same files and is running" in refused[1]
    assert "  `c.txt` and `*.txt` both cover `c.txt`\n" in why


def test_what_fails_its_verify_stays_with_the_person_who_mends_it(scene):
    taken = claim(scene)
    write(taken, "bad")

    refused = scene.call("complete", "first", "--json", check=1)
    (Path(taken["worktree"]) / "bad").unlink()
    write(taken)
    scene.call("complete", "first", check=0)

    found = json.loads(refused.out)
    assert (found["outcome"], found["failure"]) == ("refused", "verify")
    assert scene.files(TIP)["made.txt"] == "made\n"
    assert not Path(taken["worktree"]).exists()


def test_a_conflict_is_resolved_by_the_person_on_the_merged_work(tmp_path):
    free = PLAN.replace("depends_on: [first]", "").replace(", }", "}")
    scene = Scene(tmp_path).repository({"a.txt": "a\n"}).plan(free)
    scene.run("--yes", check=1)
    scene.call("retry", "first", "second", check=0)
    first, second = claim(scene, "first"), claim(scene, "second")
    write(first, "a.txt", "one\n")
    write(second, "a.txt", "two\n")
    place = Path(second["worktree"])

    scene.call("complete", "first", check=0)
    refused = json.loads(scene.call("complete", "second", "--json", check=4).out)
    git(place, "commit", "--quiet", "--all", "--message=mine")
    git(place, "merge", "--quiet", "orchestra/hands", code=1)
    write(second, "a.txt", "both\n")
    git(place, "commit", "--quiet", "--all", "--message=resolved")
    scene.call("complete", "second", check=0)

    assert refused["files"] == ["a.txt"]
    assert scene.files(TIP)["a.txt"] == "both\n"
    assert scene.merges(TIP) == {"first": 1, "second": 1}


def test_a_named_commit_is_taken_in_place_of_the_worktree(scene):
    taken = claim(scene)
    git(scene.project, "switch", "--quiet", "--create", "mine")
    (scene.project / "other.txt").write_text("o\n")
    git(scene.project, "add", "other.txt")
    git(scene.project, "commit", "--quiet", "--message=Other")
    git(scene.project, "switch", "--quiet", "main")
    write(taken, "scratch.txt")

    result = json.loads(scene.call("complete", "first", "--commit", "mine", "--json", check=0).out)

    assert scene.names(TIP) >= {"other.txt"}
    assert "scratch.txt" not in scene.names(TIP)
    assert "scratch.txt" in scene.names(result["ref"])


def test_what_is_written_while_verify_runs_is_kept(tmp_path):
    late = PLAN.replace("test ! -e bad", "echo late > late.txt")
    scene = Scene(tmp_path).repository(3).plan(late)
    scene.run("--yes", check=1)
    scene.call("retry", "first", check=0)
    write(claim(scene))

    done = json.loads(scene.call("complete", "first", "--json", check=0).out)

    assert "late.txt" not in scene.names(TIP)
    assert "late.txt" in scene.names(done["ref"])


def test_an_expired_claim_is_recovered_and_its_work_is_kept(scene):
    taken = claim(scene)
    write(taken)
    with_lease(scene, taken, 0.5)

    wait_until(lambda: json.loads(scene.call("locks", "--json").out)[0]["state"] == "dead")
    healing = json.loads(scene.call("recover", "--json", check=0).out)
    again = claim(scene)
    late = scene.call("heartbeat", "first", "--owner", taken["owner"], check=4)
    lost = in_worktree(scene, taken, "complete", "first")
    scene.call("release", "first", check=0)

    (move,) = healing["moves"]
    assert (move["task"], move["source"], move["target"]) == ("first", "locked", "available")
    assert "not renewed" in move["reason"]
    assert scene.files(move["ref"])["made.txt"] == "made\n"
    assert again["attempt"] == taken["attempt"] + 1
    assert f"{again['owner']} has it" in late.err
    assert lost.returncode == 4, lost.stderr
    assert f"kept in git under `{move['ref']}`" in lost.stderr
    assert scene.merges(TIP) == {}


def test_a_heartbeat_keeps_a_claim_whatever_the_wall_clock_says(scene, tmp_path):
    taken = claim(scene)
    folder = tmp_path / "yesterday"
    folder.mkdir()
    (folder / "sitecustomize.py").write_text(
        "import time\nreal = time.time\ntime.time = lambda: real() - 86400.0\n"
    )
    back = {"PYTHONPATH": os.pathsep.join((str(folder), *sys.path))}

    scene.call("heartbeat", "first", env=back, check=0)
    (seen,) = json.loads(scene.call("locks", "--json", env=back, check=0).out)
    healing = json.loads(scene.call("recover", "--json", env=back, check=0).out)

    assert (seen["state"], healing["moves"]) == ("alive", [])
    assert 1700 < seen["lease_left_sec"] <= 1800
    assert taken["owner"] == seen["owner"]


def test_a_run_says_that_it_waits_for_a_claim_by_hand_and_goes_on_after_it(tmp_path):
    plan = PLAN.replace('"exit 126", depends_on', '"echo > second.txt", depends_on').replace(
        '"exit 126", read_only', '"true", read_only'
    )
    scene = Scene(tmp_path).repository(3).plan(plan)
    scene.run("--yes", check=1)
    scene.call("retry", "first", check=0)
    taken = claim(scene)

    with scene.start("--resume") as running:
        wait_until(lambda: "is claimed by hand" in running.out() + running.err(), within=30)
        write(taken)
        scene.call("complete", "first", check=0)
        result = running.wait()

    assert result.exit_code == 0, result
    assert scene.merges() == {"first": 1, "second": 1}
    check_tidy(scene)


def test_a_run_takes_over_when_the_lease_of_a_claim_is_over(tmp_path):
    plan = PLAN.replace(
        '"exit 126", prompt', '"test $PO_ATTEMPT != 1 && echo $PO_ATTEMPT > f.txt", prompt'
    )
    scene = Scene(tmp_path).repository(3).plan(plan.replace('"exit 126"', '"echo > $PO_TASK_ID"'))
    scene.run("--yes", "--fresh", check=0)
    scene.call("retry", "first", check=0)
    taken = claim(scene)
    with_lease(scene, taken, 1.0)

    result = scene.run("--resume", check=0)

    assert result.merges()["first"] == 2
    assert len(scene.attempts("first")) >= 3
    assert Path(taken["worktree"]).is_dir()


def test_feedback_reaches_the_next_prompt_of_agents_and_people(scene):
    scene.call("retry", "first", "--feedback", "Mind the gap.", check=0)

    taken = claim(scene)

    prompt = Path(taken["prompt_file"]).read_text()
    assert prompt.startswith("# Task `first`\n\n## Objective\n\nWrite it.\n")
    assert "\n## Feedback\n\nMind the gap.\n\nAttempt 1 at this task failed (permanent)" in prompt
    assert "Mind the gap." in scene.call("why", "first", check=0).out
    scene.call("release", "first", check=0)


def test_two_recoveries_at_once_move_a_task_once(scene):
    taken = claim(scene)
    with_lease(scene, taken, 0.0)

    with (
        scene.start_command("recover", "--json") as one,
        scene.start_command("recover", "--json") as two,
    ):
        results = [one.wait(), two.wait()]

    assert [result.exit_code for result in results] == [0, 0]
    assert sum(len(json.loads(result.out)["moves"]) for result in results) == 1
    assert scene.tasks_in("available") == {"first", "second", "look"}
    assert fsck_clean(scene.project)


def test_a_stopped_worker_whose_task_was_unlocked_does_not_merge_when_it_wakes(tmp_path):
    wait = (
        "touch $PO_TASKS_DIR/up-$PO_ATTEMPT; while ! [ -e $PO_TASKS_DIR/go ]; do sleep 0.02; done"
    )
    plan = PLAN.replace('"exit 126", prompt', f'"{wait}; echo $PO_ATTEMPT > f.txt", prompt')
    scene = Scene(tmp_path).repository(3).plan(plan.replace('"exit 126"', '"echo > $PO_TASK_ID"'))

    with scene.start("--yes") as running:
        wait_until((scene.tasks_dir / "up-1").exists, within=30)
        running.send(signal.SIGSTOP)
        (seen,) = json.loads(scene.call("locks", "--json", check=0).out)
        refused = scene.call("unlock", "first", check=2)
        freed = json.loads(scene.call("unlock", "first", "--force", "--json", check=0).out)
        taken = claim(scene)
        write(taken, "f.txt", "by hand\n")
        (scene.tasks_dir / "go").touch()
        running.send(signal.SIGCONT)
        scene.call("complete", "first", check=0)
        result = running.wait()

    assert (seen["state"], "is stopped" in seen["reason"]) == ("alive", True)
    assert "is alive" in refused.err
    assert freed["later"]
    assert result.exit_code == 0, result
    assert scene.merges() == {"first": 1, "second": 1}
    assert scene.files()["f.txt"] == "by hand\n"


@pytest.mark.storm
def test_complete_killed_before_any_step_is_completed_by_calling_it_again(tmp_path):
    log = tmp_path / "steps.txt"
    steps, tried, at = None, 0, 1
    scene = Scene(tmp_path / "scene").repository(3).plan(PLAN)
    scene.run("--yes", check=1)

    while steps is None or at <= steps:
        scene.call("retry", "first", check=0)
        generation = scene.merges(TIP).get("first", 0)
        taken = claim(scene, "first")
        write(taken, text=f"{generation}\n")
        if steps is None:
            scene.call("complete", "first", env=riding_along(STEPS_LOG=str(log)), check=0)
            steps = len(log.read_text(encoding="utf-8").splitlines())
            step = max(1, steps // by_effort(2, 12, steps))
        else:
            # the number of steps differs a little from time to time
            ended = scene.call("complete", "first", env=riding_along(DEATH_AT=str(at)))
            assert ended.exit_code in (-9, 0), ended
            if tried % 2:
                scene.call("recover", check=0)
            scene.call("complete", "first", check=0)
            tried += ended.exit_code == -9
            at += step
        assert scene.merges(TIP)["first"] == generation + 1
        assert scene.states()["first"] == "done"
        assert not Path(taken["worktree"]).exists()
    figures.tell("steps at which `complete` was killed", found=steps, tried=tried)
    assert steps > 10
    assert fsck_clean(scene.project)
