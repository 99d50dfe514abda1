"""A person resolves what conflicted, or finds work good as it is, and has it merged after all."""

import json

import pytest

from support import figures
from support.corners import begun, done
from support.deaths import riding_along
from support.effort import by_effort
from support.repository import commit_files, fsck_clean
from support.scene import Scene
from support.storm import check_tidy
from support.waiting import wait_until

pytestmark = pytest.mark.slow

TIP = "refs/heads/orchestra/resolve"
KEPT = "orchestra-kept/resolve/second-1"
PLAN = f"""---
po_plan_version: "0.2"
name: resolve
max_workers: 3
verify: ["test ! -e broken"]
defaults: {{backend: command, max_retries: 0}}
tasks:
  - {{id: first, title: The first, command: '{begun("second")}; echo first > f.txt'}}
  - {{id: second, command: '{done("first")}; echo second > f.txt', verify: ["test ! -e bad"],
     boundary: [own.txt]}}
  - {{id: third, depends_on: [second], command: "cat f.txt > third.txt"}}
  - {{id: look, read_only: true, command: "true"}}
  - {{id: other, command: "test ! -e $GATE || until test -e $GATE/open; do sleep 0.02; done; echo > o"}}
---
"""


@pytest.fixture
def scene(tmp_path):
    return Scene(tmp_path, env={"GATE": str(tmp_path / "gate")}).repository(3).plan(PLAN)


@pytest.fixture
def ended(scene):
    """A run whose second task conflicts with its first."""
    scene.run("--yes", check=4)
    return scene


def resolve(scene, text="first\nsecond\n", **more):
    """Does what the hint says, on the branch that keeps the work; returns to `main`."""
    scene.git("switch", "--quiet", KEPT)
    scene.git("merge", "--quiet", "-X", "ours", "orchestra/resolve")
    commit_files(scene.project, {"f.txt": text, **more})
    scene.git("switch", "--quiet", "main")


def test_what_is_resolved_on_its_branch_is_merged_once_and_its_dependents_go_on(ended):
    unresolved = ended.call("merge", "second", "--json", check=4)
    resolve(ended, "<<<<<<< HEAD\nfirst\n=======\nsecond\n>>>>>>> kept\n")
    marked = ended.call("merge", "second", check=2)
    resolve(ended)
    merged = json.loads(ended.call("merge", "second", "--json", check=0).out)
    again = json.loads(ended.call("merge", "second", "--json", check=0).out)
    resumed = ended.run("--resume", check=0)

    facts = json.loads(unresolved.out)
    assert (facts["outcome"], facts["failure"]) == ("declined", "conflict")
    assert (facts["files"], facts["against"]) == (["f.txt"], ["first"])
    assert facts["reason"] == "conflict in 1 file with `first`"
    assert facts["ref"] == f"refs/heads/{KEPT}"
    assert f"git merge {facts['integration']}" in unresolved.err
    assert "conflict markers are left in 1 file" in marked.err
    assert (merged["outcome"], again["already"]) == ("merged", True)
    assert merged["commit"] == again["commit"]
    assert resumed.merges("main") == dict.fromkeys(("first", "second", "third", "other"), 1)
    assert resumed.files()["third.txt"] == "first\nsecond\n"
    check_tidy(ended)


def test_a_conflict_is_told_with_both_sides_and_the_way_on(ended, tmp_path):
    said = ended.call("why", "second").out
    ended.call("report", "--format", "json", "--output", str(tmp_path / "r.json"), check=0)

    (task,) = (
        one
        for one in json.loads((tmp_path / "r.json").read_text())["tasks"]
        if one["id"] == "second"
    )
    assert "conflicts with: first (The first)" in said
    assert f"git switch {KEPT} && git merge orchestra/resolve" in said
    assert "parallel-orchestra merge second" in task["next_step"]
    assert (task["files"], task["against"]) == (["f.txt"], ["first"])


def test_a_living_run_goes_on_with_what_waited_for_a_merge_by_hand(scene, tmp_path):
    (tmp_path / "gate").mkdir()
    with scene.start("--yes") as running:
        wait_until(lambda: scene.states().get("second") == "failed")
        tree = scene.git("rev-parse", "orchestra/resolve^{tree}").strip()
        parents = ("-p", "orchestra/resolve", "-p", KEPT)
        mine = scene.git("commit-tree", *parents, "-m", "mine", tree).strip()
        scene.call("merge", "second", "--from", mine, check=0)
        wait_until(lambda: scene.states().get("third") == "done")
        (tmp_path / "gate" / "open").touch()
        result = running.wait()

    assert result.exit_code == 0, result
    assert result.merges("main") == dict.fromkeys(("first", "second", "third", "other"), 1)
    assert result.files()["f.txt"] == "first\n"
    check_tidy(scene)


@pytest.mark.parametrize(
    ("file", "failure"), [("bad", "verify"), ("broken", "verify")], ids=["task", "plan"]
)
def test_what_fails_a_verify_is_not_merged_and_the_task_stays_where_it_was(ended, file, failure):
    resolve(ended, **{file: "\n"})

    declined = ended.call("merge", "second", "--json", check=1)

    facts = json.loads(declined.out)
    assert (facts["outcome"], facts["failure"]) == ("declined", failure)
    assert ended.states()["second"] == "failed"
    assert ended.merges(TIP) == {"first": 1, "other": 1}
    assert facts["ref"] == f"refs/heads/{KEPT}"


def test_a_file_that_the_task_was_not_to_touch_only_warns(ended):
    resolve(ended, **{"own.txt": "mine\n"})

    ended.call("merge", "second", check=0)

    assert "was merged by hand, although it changed what is in its `boundary`" in (
        ended.call("why", "second").out
    )
    assert ended.merges(TIP) == {"first": 1, "second": 1, "other": 1}


def test_what_can_not_be_merged_is_refused_and_nothing_moves(ended):
    before = ended.states()
    words = {
        ("look",): "is read-only: it has nothing to merge",
        ("third",): "has left no work that could be merged",
        ("second", "--from", "nowhere"): "git knows no commit `nowhere`",
        ("secnd",): "did you mean `second`?",
    }

    refused = {one: ended.call("merge", *one, check=2).err for one in words}

    assert [one for one in words if words[one] not in refused[one]] == []
    assert ended.states() == before


@pytest.mark.storm
def test_merge_killed_before_any_step_is_made_up_for_by_calling_it_again(tmp_path):
    log = tmp_path / "steps.txt"
    steps, tried, at = None, 0, 1
    scene = Scene(tmp_path / "scene", env={"GATE": "/nowhere"}).repository(3)
    scene.plan(PLAN.replace("echo second > f.txt", "exit 1")).run("--yes", check=1)

    while steps is None or at <= steps:
        generation = scene.merges(TIP).get("second", 0)
        if generation:
            scene.call("retry", "second", check=0)
        mine = commit_files(scene.project, {"mine.txt": f"{generation}\n"})
        words = ("merge", "second", "--from", mine)
        if steps is None:
            scene.call(*words, env=riding_along(STEPS_LOG=str(log)), check=0)
            steps = len(log.read_text(encoding="utf-8").splitlines())
            step = max(1, steps // by_effort(2, 12, steps))
        else:
            ended = scene.call(*words, env=riding_along(DEATH_AT=str(at)))
            assert ended.exit_code in (-9, 0), ended
            if tried % 2:
                scene.call("recover", check=0)
            scene.call(*words, check=0)
            tried += ended.exit_code == -9
            at += step
        assert scene.merges(TIP)["second"] == generation + 1
        assert scene.states()["second"] == "done"
    figures.tell("steps at which `merge` was killed", found=steps, tried=tried)
    assert steps > 10
    assert fsck_clean(scene.project)
