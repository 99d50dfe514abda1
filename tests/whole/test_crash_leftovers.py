"""What killed programs leave in git and in `_tasks/`, and that it does not hold up the next run."""

import json

import pytest

from support.deaths import riding_along
from support.effort import cases
from support.scene import Scene
from support.storm import Step, Storm, check_tidy, kill
from support.waiting import wait_until

pytestmark = pytest.mark.slow

STEPS = (Step("a"), Step("b"), Step("c"), Step("d", ("a",)))


@pytest.fixture
def storm(tmp_path):
    return Storm(Scene(tmp_path, env=riding_along()).repository(3), STEPS)


def killed(storm):
    """Kills a run in which three agents are at work; returns its id."""
    with storm.start(NAP="600") as running:
        wait_until(lambda: len(storm.lines()) == 3, 15)
        kill(running, "everything")
    storm.remember()
    return storm.scene.run_record()["run"]


def rename(storm, task, name):
    (file,) = (
        path
        for place in ("available", "locked")
        for path in (storm.scene.tasks_dir / place).glob(f"{task}.*")
    )
    file.rename(storm.scene.tasks_dir / "available" / name)


def results(scene, task):
    """Returns what the task's attempts wrote of their ends, the oldest first."""
    files = [folder / "result.json" for folder in scene.attempts(task)]
    return [json.loads(file.read_text()) for file in files if file.exists()]


LOCKED = (
    "refs/heads/orchestra/storm",
    "refs/orchestra/{run}/claim/d",
    "refs/orchestra/{run}/merged/a",
    "worktrees/wt-1/index",
    "worktrees/wt-1/HEAD",
)


@pytest.mark.parametrize("ref", cases(LOCKED, LOCKED[:1]))
def test_a_lock_that_a_killed_git_left_is_cleared_away(storm, ref):
    run = killed(storm)
    lock = storm.scene.project / ".git" / (ref.format(run=run) + ".lock")
    lock.parent.mkdir(parents=True, exist_ok=True)
    lock.touch()

    storm.finish()


def test_fresh_is_not_held_up_by_a_lock_on_the_old_branch(storm):
    killed(storm)
    (storm.scene.project / ".git/refs/heads/orchestra/storm.lock").touch()

    storm.scene.run("--yes", "--fresh", check=0)

    storm.check()


def test_a_fresh_start_that_failed_leaves_the_old_run_to_be_resumed(storm):
    run = killed(storm)
    # git can't make its lock, and nobody takes a directory away.
    lock = storm.scene.project / ".git/refs/heads/orchestra/storm.lock"
    lock.mkdir()
    (lock / "kept").touch()

    storm.scene.run("--yes", "--fresh", check=3)
    (lock / "kept").unlink()
    lock.rmdir()
    storm.finish()

    assert storm.scene.run_record()["run"] == run


def test_a_worktree_that_was_half_made_is_made_again(storm):
    killed(storm)
    (git_dir,) = (storm.scene.project / ".git/worktrees").glob("wt-1")
    (git_dir / "locked").write_text("initializing")
    (git_dir / "HEAD").write_text("0" * 40 + "\n")
    (git_dir / "index").unlink()

    storm.finish()


def test_worktrees_left_by_a_run_that_was_killed_after_its_delivery_are_put_away(storm):
    storm.scene.run("--yes", "--keep-worktrees", env={"NAP": "0"}, check=0)
    assert storm.scene.worktrees() != []

    storm.scene.run("--yes", "--resume", check=0)

    storm.check()


def test_a_task_whose_worker_was_killed_thirty_times_is_still_run(storm):
    killed(storm)
    rename(storm, "b", "b.a30f0.md")

    storm.finish()


def test_a_task_that_never_ended_in_hundreds_of_attempts_fails_until_a_person_asks_again(storm):
    killed(storm)
    rename(storm, "b", "b.a200f0.md")

    result = storm.scene.run(*storm.options, check=1)
    assert "was begun 200 times and never ended" in result.out

    storm.finish()


def test_a_failure_of_the_environment_waits_before_the_next_attempt(storm):
    run = killed(storm)
    scene = storm.scene
    # A ref below the place of the fence: git can make no fence for `d` until it is gone.
    block = f"refs/orchestra/{run}/claim/d/block"
    scene.git("update-ref", block, "HEAD")

    with storm.start(NAP="0") as running:
        wait_until(lambda: results(scene, "d"), 20)
        scene.git("update-ref", "-d", block)
        result = running.wait()

    assert result.exit_code == 0, result
    # However long the block was there after the first attempt: it may have cost another one.
    first, second, *_ = results(scene, "d")
    assert first["failure"] == "environment"
    assert "cannot lock ref" in first["reason"]
    # Five seconds, which are cut to one here; a failure of the task's own waits a twentieth.
    assert first["not_before"] > first["started"] + 0.7
    assert second["started"] >= first["not_before"]
    storm.check()


def test_unreadable_records_are_put_aside_and_do_not_stop_a_resume(storm):
    killed(storm)
    scene = storm.scene
    for record in (scene.tasks_dir / "workers").glob("*.json"):
        record.write_text("{ torn")
    for journal in (scene.tasks_dir / "journal").glob("*.jsonl"):
        journal.write_bytes(journal.read_bytes() + b'{"torn')
    for task in "abc":
        rename(storm, task, f"{task}.md")

    storm.finish()
    check_tidy(scene)
