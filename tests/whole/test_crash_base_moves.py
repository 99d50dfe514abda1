"""A user who goes on working in the repository while a run uses it."""

import pytest

from support.repository import commit_files
from support.scene import Scene
from support.storm import Step, Storm, check_tidy, wait_for_line

pytestmark = pytest.mark.slow

#: Its work lasts until a file of its name appears.
GATE = 'until test -e "$GATES/$PO_TASK_ID"; do sleep 0.02; done'
STEPS = tuple(
    Step(one, needs, does=GATE) for one, needs in zip("abcd", ((), (), (), "a"), strict=True)
)
WRITERS = dict.fromkeys("abcd", 1)


@pytest.fixture
def storm(tmp_path):
    (tmp_path / "gates").mkdir()
    scene = Scene(tmp_path, env={"GATES": str(tmp_path / "gates"), "NAP": "0"})
    return Storm(scene.repository(3), STEPS, options=("--yes",))


def let_end(storm, tasks="abcd"):
    """Opens the gates of these tasks."""
    for task in tasks:
        (storm.scene.project.parent / "gates" / task).touch()


def test_commits_of_the_user_are_merged_with_those_of_the_tasks(storm):
    with storm.start() as running:
        wait_for_line(storm, "start", "a")
        commit_files(storm.scene.project, {"mine.txt": "1\n"})
        let_end(storm, "abc")
        wait_for_line(storm, "start", "d")
        commit_files(storm.scene.project, {"mine.txt": "2\n"})
        let_end(storm, "d")
        result = running.wait()

    assert result.exit_code == 0, result
    assert storm.scene.files()["mine.txt"] == "2\n"
    assert {f"{task}.txt" for task in WRITERS} <= storm.scene.names()
    storm.check()


def test_commits_of_the_user_that_conflict_are_left_to_the_user(storm):
    with storm.start() as running:
        wait_for_line(storm, "start", "a")
        commit_files(storm.scene.project, {"a.txt": "mine\n"})
        let_end(storm)
        result = running.wait()

    assert result.exit_code == 4, result
    assert "a.txt" in result.out
    assert "git merge orchestra/storm" in result.out
    assert storm.scene.files()["a.txt"] == "mine\n"
    assert storm.scene.merges("orchestra/storm") == WRITERS
    check_tidy(storm.scene)


def test_a_branch_that_the_user_left_is_delivered_all_the_same(storm):
    with storm.start() as running:
        wait_for_line(storm, "start", "a")
        storm.scene.git("switch", "-q", "-c", "elsewhere")
        commit_files(storm.scene.project, {"mine.txt": "1\n"})
        let_end(storm)
        result = running.wait()

    assert result.exit_code == 0, result
    assert storm.scene.git("branch", "--show-current") == "elsewhere\n"
    assert storm.scene.dirty() == []
    assert "mine.txt" in storm.scene.names()
    assert storm.scene.merges("main") == WRITERS


def test_uncommitted_work_of_the_user_stays_as_it_is(storm):
    with storm.start() as running:
        wait_for_line(storm, "start", "a")
        (storm.scene.project / "notes.txt").write_text("mine\n")
        (storm.scene.project / "folder-000/file-00000.txt").write_text("changed\n")
        let_end(storm)
        result = running.wait()

    assert result.exit_code == 0, result
    assert (storm.scene.project / "notes.txt").read_text() == "mine\n"
    assert (storm.scene.project / "folder-000/file-00000.txt").read_text() == "changed\n"
    assert storm.scene.merges() == WRITERS


def test_a_base_branch_that_was_deleted_is_reported_and_nothing_is_lost(storm):
    with storm.start() as running:
        wait_for_line(storm, "start", "a")
        storm.scene.git("switch", "-q", "-c", "elsewhere")
        storm.scene.git("branch", "-q", "-D", "main")
        let_end(storm)
        result = running.wait()

    assert result.exit_code == 4, result
    assert "does not exist any more" in result.out
    assert storm.scene.merges("orchestra/storm") == WRITERS


@pytest.mark.parametrize("how", ["commit", "deletion"])
def test_an_integration_branch_changed_from_outside_stops_the_run(storm, how):
    with storm.start() as running:
        wait_for_line(storm, "start", "a")
        if how == "commit":
            tree = storm.scene.git("rev-parse", "main^{tree}").strip()
            new = storm.scene.git("commit-tree", "-p", "orchestra/storm", "-m", "x", tree).strip()
            storm.scene.git("update-ref", "refs/heads/orchestra/storm", new)
        else:
            storm.scene.git("update-ref", "-d", "refs/heads/orchestra/storm")
        let_end(storm)
        result = running.wait(within=20)

    assert result.exit_code == 4, result
    assert "orchestra/storm" in result.err
    assert "was changed from outside" in result.err
    storm.scene.wait_for_silence()
    assert storm.scene.worktrees() == []
    assert storm.scene.names() == {f"folder-000/file-0000{n}.txt" for n in range(3)}


def test_a_branch_of_the_user_in_a_second_worktree_is_delivered_there(storm, tmp_path):
    storm.scene.git("switch", "-q", "-c", "elsewhere")
    storm.scene.git("worktree", "add", "-q", str(tmp_path / "second"), "main")

    let_end(storm)
    result = storm.scene.run("--yes", "--base", "main", check=0)

    assert storm.scene.merges("main") == WRITERS
    assert (tmp_path / "second" / "d.txt").read_text() == "d\n"
    assert storm.scene.dirty() == []
    assert result.worktrees() == [tmp_path / "second"]
