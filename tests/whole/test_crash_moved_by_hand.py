"""People who move task files with `mv` while a run goes on."""

import pytest

from support.scene import Scene
from support.storm import check_tidy
from support.waiting import wait_until

pytestmark = pytest.mark.slow

PLAN = """---
po_plan_version: "0.2"
name: hands
max_workers: 2
defaults: {{backend: command, max_retries: 0}}
tasks:
{tasks}  - {{id: look1, command: "true", read_only: true}}
  - {{id: look2, command: "true", read_only: true}}
---
"""
#: Says that it is there, then waits for the file `go`.
WAIT = "touch $PO_TASKS_DIR/up-$PO_TASK_ID-$PO_ATTEMPT; while ! [ -e $PO_TASKS_DIR/go ]; do sleep 0.02; done; "


def scene_of(tmp_path, *tasks):
    lines = "".join(f"  - {task}\n" for task in tasks)
    return Scene(tmp_path).repository(3).plan(PLAN.format(tasks=lines))


def up(scene, task, attempt=1):
    wait_until((scene.tasks_dir / f"up-{task}-{attempt}").exists, within=15)


def go(scene):
    (scene.tasks_dir / "go").touch()


def move(scene, task, source, target, name=None):
    """Moves the task's file as `mv` does, under its own name or another."""
    (file,) = (scene.tasks_dir / source).glob(f"{task}.*")
    file.rename(scene.tasks_dir / target / (name or file.name))


def test_a_task_moved_to_done_is_done_by_hand_and_releases_its_dependents(tmp_path):
    scene = scene_of(
        tmp_path,
        f'{{id: long, estimate: L, command: "{WAIT}echo > long.txt"}}',
        f'{{id: other, estimate: L, command: "{WAIT}echo > other.txt"}}',
        '{id: mine, estimate: S, command: "exit 1"}',
        '{id: after, estimate: S, command: "echo > after.txt", depends_on: [mine]}',
    )

    with scene.start() as running:
        up(scene, "long")
        up(scene, "other")
        move(scene, "mine", "available", "done")
        go(scene)
        result = running.wait()

    assert result.exit_code == 0, result
    assert scene.merges() == {"long": 1, "other": 1, "after": 1}
    assert scene.attempts("mine") == []
    check_tidy(scene)


def test_a_failed_task_moved_to_available_gets_one_more_attempt(tmp_path):
    scene = scene_of(
        tmp_path,
        f'{{id: long, estimate: L, command: "{WAIT}echo > long.txt"}}',
        '{id: weak, command: "test $PO_ATTEMPT = 2 && echo > weak.txt"}',
    )

    with scene.start() as running:
        up(scene, "long")
        wait_until(lambda: "weak" in scene.tasks_in("failed"))
        move(scene, "weak", "failed", "available")
        wait_until(lambda: "weak" in scene.tasks_in("done"), within=15)
        go(scene)
        result = running.wait()

    assert result.exit_code == 0, result
    assert scene.merges() == {"long": 1, "weak": 1}
    assert len(scene.attempts("weak")) == 2
    check_tidy(scene)


@pytest.mark.parametrize("name", [None, "taken.md"], ids=["under its name", "under a plain name"])
def test_a_lock_moved_to_available_loses_its_owner_and_is_merged_once(tmp_path, name):
    scene = scene_of(
        tmp_path,
        f'{{id: taken, command: "{WAIT}echo > taken.txt"}}',
        '{id: other, command: "echo > other.txt"}',
    )

    with scene.start() as running:
        up(scene, "taken")
        move(scene, "taken", "locked", "available", name)
        go(scene)
        result = running.wait()

    assert result.exit_code == 0, result
    assert scene.merges() == {"taken": 1, "other": 1}
    assert set(scene.states().values()) == {"done"}
    check_tidy(scene)


def test_a_task_moved_to_available_after_its_merge_rolls_forward(tmp_path):
    scene = scene_of(
        tmp_path,
        f'{{id: long, estimate: L, command: "{WAIT}echo > long.txt"}}',
        '{id: quick, command: "echo > quick.txt"}',
    )

    with scene.start() as running:
        up(scene, "long")
        wait_until(lambda: "quick" in scene.tasks_in("done"))
        move(scene, "quick", "done", "available")
        wait_until(lambda: "quick" in scene.tasks_in("done"), within=15)
        go(scene)
        result = running.wait()

    assert result.exit_code == 0, result
    assert scene.merges() == {"long": 1, "quick": 1}
    assert len(scene.attempts("quick")) == 1
    check_tidy(scene)


def test_a_lock_without_an_owner_is_a_persons_and_the_run_ends_with_exit_4(tmp_path):
    scene = scene_of(
        tmp_path,
        f'{{id: long, estimate: L, command: "{WAIT}echo > long.txt"}}',
        f'{{id: other, estimate: L, command: "{WAIT}echo > other.txt"}}',
        '{id: mine, command: "echo > mine.txt"}',
    )

    with scene.start() as running:
        up(scene, "long")
        up(scene, "other")
        move(scene, "mine", "available", "locked")
        go(scene)
        result = running.wait()

    assert result.exit_code == 4, result
    assert scene.tasks_in("locked") == {"mine"}
    assert scene.merges() == {"long": 1, "other": 1}

    move(scene, "mine", "locked", "available")
    scene.run("--resume", check=0)
    assert scene.merges() == {"long": 1, "other": 1, "mine": 1}
    check_tidy(scene)


def test_a_copy_of_a_done_task_in_available_goes_to_the_attic(tmp_path):
    scene = scene_of(
        tmp_path,
        f'{{id: long, estimate: L, command: "{WAIT}echo > long.txt"}}',
        '{id: look, command: "echo seen", read_only: true}',
    )

    with scene.start() as running:
        up(scene, "long")
        wait_until(lambda: "look" in scene.tasks_in("done"))
        (done,) = (scene.tasks_dir / "done").glob("look.*")
        (scene.tasks_dir / "available" / "look.md").write_bytes(done.read_bytes())
        wait_until(lambda: list((scene.tasks_dir / "attic").glob("*look*")), within=15)
        go(scene)
        result = running.wait()

    assert result.exit_code == 0, result
    assert len(scene.attempts("look")) == 1
    check_tidy(scene)


def test_a_lost_task_file_is_reported_and_published_again(tmp_path):
    scene = scene_of(
        tmp_path,
        f'{{id: long, estimate: L, command: "{WAIT}echo > long.txt"}}',
        f'{{id: other, estimate: L, command: "{WAIT}echo > other.txt"}}',
        '{id: gone, command: "echo > gone.txt"}',
    )

    with scene.start() as running:
        up(scene, "long")
        up(scene, "other")
        (scene.tasks_dir / "available" / "gone.md").unlink()
        go(scene)
        result = running.wait()

    assert result.exit_code == 3, result
    assert "gone" in result.out

    scene.run("--resume", check=0)
    assert scene.merges() == {"long": 1, "other": 1, "gone": 1}
    check_tidy(scene)
