"""Merged work reaches the user's branch as far as git itself allows; nothing is forced."""

import subprocess

import pytest

from parallel_orchestra.merge_queue import Rejected, deliver
from support.merging import REFS, Stage, commit_on
from support.repository import (
    commit_files,
    files_at,
    fsck_clean,
    git,
    make_repository,
    names_at,
)

BASE = {"a.txt": "a\n", "b.txt": "b\n"}


@pytest.fixture
def project(tmp_path):
    return make_repository(tmp_path / "project", BASE)


@pytest.fixture
def stage(project):
    one = Stage(project)
    yield one
    one.close()


def delivered(stage: Stage):
    return deliver(stage.repo, stage.queue, "main", "again")


def main_of(stage: Stage) -> str:
    return git(stage.project, "rev-parse", "main").strip()


def test_the_users_checkout_is_fast_forwarded(stage: Stage, project):
    stage.merge("build")

    delivery = delivered(stage)

    assert delivery.done
    assert (delivery.before, delivery.after) == (stage.base, stage.tip)
    assert main_of(stage) == stage.tip
    assert (project / "build.txt").read_text() == "build\n"
    assert git(project, "status", "--porcelain") == ""


def test_delivering_again_changes_nothing(stage: Stage):
    stage.merge("build")
    first = delivered(stage)

    second = delivered(stage)

    assert (first.done, second.done) == (True, True)
    assert second.before == second.after == stage.tip


def test_what_is_merged_after_a_delivery_is_delivered_by_the_next(stage: Stage, project):
    stage.merge("one")
    delivered(stage)
    stage.merge("two")

    delivered(stage)

    assert names_at(project, "main") == {*BASE, "one.txt", "two.txt"}


def test_without_merged_work_the_users_branch_stays_where_it_is(stage: Stage, project):
    theirs = commit_files(project, {"mine.txt": "m\n"})

    delivery = delivered(stage)

    assert delivery.done
    assert delivery.before == delivery.after == main_of(stage) == theirs
    assert stage.tip == stage.base


def test_a_branch_that_moved_is_merged_in_first(stage: Stage, project):
    stage.merge("build")
    theirs = commit_files(project, {"mine.txt": "m\n"})

    delivery = delivered(stage)

    assert delivery.done
    assert main_of(stage) == stage.tip
    assert names_at(project, "main") == {*BASE, "build.txt", "mine.txt"}
    assert git(project, "merge-base", "--is-ancestor", theirs, "main") == ""
    assert git(project, "status", "--porcelain") == ""
    assert fsck_clean(project)


def test_a_run_goes_on_after_the_users_branch_was_merged_in(stage: Stage, project):
    stage.merge("one")
    commit_files(project, {"mine.txt": "m\n"})
    delivered(stage)
    stage.merge("two")

    assert delivered(stage).done
    assert names_at(project, "main") == {*BASE, "one.txt", "two.txt", "mine.txt"}
    late = Stage(project)
    assert late.queue.tip() == stage.tip
    late.close()


def test_a_branch_that_moved_and_conflicts_is_left_alone(stage: Stage, project):
    stage.merge("build", {"a.txt": "theirs\n", "b.txt": "theirs\n"})
    mine = commit_files(project, {"a.txt": "mine\n", "b.txt": "mine\n"})
    before = stage.tip

    delivery = delivered(stage)

    assert not delivery.done
    assert delivery.reason == "`main` moved meanwhile and conflicts in a.txt, b.txt"
    assert delivery.command == "git switch main && git merge orchestra/plan"
    assert (main_of(stage), stage.tip) == (mine, before)
    assert (project / "a.txt").read_text() == "mine\n"


@pytest.mark.parametrize(
    ("cancelled", "words"),
    [
        (False, "the merged state fails the plan's `verify`"),
        (True, "the merged state was not verified"),
    ],
    ids=["red", "cancelled"],
)
def test_a_branch_that_moved_and_breaks_verify_is_left_alone(project, cancelled, words):
    def verify(commit, log):
        broken = "mine.txt" in names_at(project, commit)
        return Rejected("red", cancelled=cancelled) if broken else None

    stage = Stage(project, verify)
    stage.merge("build")
    mine = commit_files(project, {"mine.txt": "m\n"})

    delivery = delivered(stage)

    assert not delivery.done
    assert delivery.reason.endswith(words)
    assert main_of(stage) == mine
    assert names_at(project, REFS.integration) == {*BASE, "build.txt"}
    stage.close()


IN_THE_WAY = {
    "changed": "echo mine > a.txt",
    "staged": "echo mine > a.txt; git add a.txt",
    "untracked": "echo mine > build.txt",
    "both": "echo mine > a.txt; echo mine > b.txt",
}


@pytest.mark.parametrize(
    ("what", "names"),
    [
        ("changed", "a.txt"),
        ("staged", "a.txt"),
        ("untracked", "build.txt"),
        ("both", "a.txt, b.txt"),
    ],
)
def test_local_changes_in_the_way_are_named_and_nothing_is_forced(
    stage: Stage, project, what, names
):
    stage.merge("build", {"a.txt": "theirs\n", "b.txt": "theirs\n", "build.txt": "theirs\n"})
    subprocess.run(["sh", "-ec", IN_THE_WAY[what]], cwd=project, check=True)
    before = git(project, "status", "--porcelain", "--untracked-files=all")

    delivery = delivered(stage)

    assert not delivery.done
    assert delivery.reason == f"local changes are in the way: {names}"
    assert main_of(stage) == stage.base
    assert git(project, "status", "--porcelain", "--untracked-files=all") == before
    assert "mine\n" in {(project / name).read_text() for name in names.split(", ")}


def test_the_command_that_is_shown_delivers_once_the_way_is_free(stage: Stage, project):
    stage.merge("build", {"a.txt": "theirs\n"})
    (project / "a.txt").write_text("mine\n")
    command = delivered(stage).command
    git(project, "checkout", "--quiet", "--", "a.txt")

    subprocess.run(["sh", "-ec", command], cwd=project, check=True, capture_output=True)

    assert main_of(stage) == stage.tip
    assert delivered(stage).done


def test_local_changes_elsewhere_stay_as_they_are(stage: Stage, project):
    stage.merge("build")
    (project / "a.txt").write_text("mine\n")
    (project / "note.txt").write_text("mine\n")

    delivery = delivered(stage)

    assert delivery.done
    assert git(project, "status", "--porcelain").splitlines() == [" M a.txt", "?? note.txt"]
    assert (project / "a.txt").read_text() == "mine\n"


def test_a_merge_of_the_users_own_is_not_disturbed(stage: Stage, project):
    stage.merge("build")
    git(project, "switch", "--quiet", "-c", "side")
    commit_files(project, {"a.txt": "side\n"})
    git(project, "switch", "--quiet", "main")
    commit_files(project, {"a.txt": "main\n"})
    git(project, "merge", "side", code=1)
    before = git(project, "status", "--porcelain"), main_of(stage)

    delivery = delivered(stage)

    assert not delivery.done
    assert delivery.reason
    assert (git(project, "status", "--porcelain"), main_of(stage)) == before
    assert (project / ".git/MERGE_HEAD").exists()


def test_a_branch_that_is_checked_out_nowhere_is_moved_alone(stage: Stage, project):
    git(project, "switch", "--quiet", "-c", "other")
    stage.merge("build")

    delivery = delivered(stage)

    assert delivery.done
    assert main_of(stage) == stage.tip
    assert not (project / "build.txt").exists()
    assert git(project, "status", "--porcelain") == ""


def test_a_branch_in_another_worktree_is_moved_there(stage: Stage, project, tmp_path):
    elsewhere = tmp_path / "else where"
    git(project, "switch", "--quiet", "-c", "other")
    git(project, "worktree", "add", "--quiet", str(elsewhere), "main")
    stage.merge("build")

    delivery = delivered(stage)

    assert delivery.done
    assert (elsewhere / "build.txt").read_text() == "build\n"
    assert git(elsewhere, "status", "--porcelain") == ""
    assert not (project / "build.txt").exists()


def test_what_is_in_the_way_in_another_worktree_is_told_with_a_command_for_there(
    stage: Stage, project, tmp_path
):
    elsewhere = tmp_path / "else where"
    git(project, "switch", "--quiet", "-c", "other")
    git(project, "worktree", "add", "--quiet", str(elsewhere), "main")
    (elsewhere / "build.txt").write_text("mine\n")
    stage.merge("build")

    refused = delivered(stage)
    (elsewhere / "build.txt").unlink()
    subprocess.run(["sh", "-ec", refused.command], cwd=project, check=True, capture_output=True)

    assert refused.reason == f"local changes are in the way in {elsewhere}: build.txt"
    assert (elsewhere / "build.txt").read_text() == "build\n"
    assert main_of(stage) == stage.tip


def test_a_branch_that_was_deleted_is_not_made_again(stage: Stage, project):
    stage.merge("build")
    git(project, "switch", "--quiet", "-c", "other")
    git(project, "branch", "--quiet", "-D", "main")

    delivery = delivered(stage)

    assert not delivery.done
    assert delivery.reason == "branch `main` does not exist any more"
    assert stage.repo.refs.read("refs/heads/main") is None


def test_a_hook_of_the_users_does_not_run_and_holds_nothing_up(stage: Stage, project):
    hook = project / ".git/hooks/post-merge"
    hook.write_text("#!/bin/sh\ntouch hook-ran\n")
    hook.chmod(0o755)
    stage.merge("build")

    assert delivered(stage).done
    assert not (project / "hook-ran").exists()


def test_work_on_a_branch_taken_back_by_the_user_is_delivered_as_a_merge(stage: Stage, project):
    """The user reset the branch to an older commit while the run went on."""
    base = git(project, "rev-parse", "main").strip()
    commit_on(project, base, {"x.txt": "x\n"})
    git(project, "reset", "--quiet", "--hard", base)
    stage.merge("build")

    assert delivered(stage).done
    assert files_at(project, "main")["build.txt"] == "build\n"


def test_what_was_delivered_and_taken_back_by_the_user_is_not_brought_back(stage: Stage, project):
    stage.merge("one")
    first = delivered(stage)
    git(project, "reset", "--quiet", "--hard", first.before)
    stage.merge("two")

    found = deliver(stage.repo, stage.queue, "main", "again", first.after)

    assert not found.done
    assert found.reason.startswith(f"`main` was rewritten meanwhile and has {first.after[:12]} no")
    assert main_of(stage) == first.before
