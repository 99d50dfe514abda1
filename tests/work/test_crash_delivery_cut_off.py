"""Git killed, or failing, at each system call by which it moves the user's checkout."""

import os
import shutil
import subprocess
from dataclasses import replace

import pytest

from parallel_orchestra.git import Repo
from parallel_orchestra.merge_queue import MergeQueue, deliver
from support.effort import by_effort
from support.fatal_git import CALLS, FatalGit
from support.figures import tell
from support.merging import REFS, Stage
from support.repository import fsck_clean, git, make_repository

pytestmark = [pytest.mark.slow, pytest.mark.storm]
needs_strace = pytest.mark.skipif(
    shutil.which("strace") is None, reason="there is no strace(1) here"
)

#: Files that stay, change, grow, vanish, become a directory.
BASE = {
    "stays.txt": "same\n",
    "changes.txt": "one\n",
    "grows.txt": "begin\n",
    "goes/away.txt": "old\n",
    "thing": "a file\n",
}
EVERY = 10**6
DEATHS = by_effort(1, 4, EVERY)
PLAYED = by_effort(("rename",), CALLS, CALLS)


def prepared(project):
    make_repository(project, BASE)
    stage = Stage(project)
    git(project, "switch", "-q", "--detach", "main")
    (project / "changes.txt").write_text("two\n")
    (project / "grows.txt").write_text("begin\n" + "line\n" * 40000)
    git(project, "rm", "-q", "-r", "goes", "thing")
    for name in ("thing/inside.txt", "new/deep/file.txt"):
        (project / name).parent.mkdir(parents=True)
        (project / name).write_text("new\n")
    git(project, "add", "-A")
    git(project, "commit", "-q", "-m", "work")
    work = git(project, "rev-parse", "HEAD").strip()
    git(project, "switch", "-q", "main")
    stage.queue.merge(replace(stage.candidate(stage.claim("build")), commit=work))
    commit = stage.tip
    stage.close()
    return commit


def delivered(project, environ=os.environ):
    repo = Repo.discover(project, environ)
    stage = Stage(project)
    try:
        base = git(project, "rev-list", "--max-parents=0", "main").strip()
        return deliver(repo, MergeQueue(repo, stage.store, REFS, base, None), "main", "true")
    finally:
        repo.close()
        stage.close()


def locks_in(project):
    git_dir = project / ".git"
    return {path.relative_to(git_dir).as_posix() for path in git_dir.rglob("*.lock")} - {
        "orchestra.lock"
    }


def check_arrived(project, commit, when):
    assert git(project, "rev-parse", "main").strip() == commit
    assert git(project, "status", "--porcelain") == "?? mine.txt\n", when
    assert locks_in(project) == set()
    assert git(project, "for-each-ref", f"{REFS.prefix}delivering") == ""
    assert fsck_clean(project)


@needs_strace
@pytest.mark.parametrize("call", PLAYED)
def test_a_delivery_whose_git_was_killed_is_finished_by_the_next(tmp_path, call):
    template, project = tmp_path / "template", tmp_path / "project"
    commit = prepared(project)
    shutil.copytree(project, template, symlinks=True)
    fatal, at, asked = FatalGit(tmp_path / "fatal"), 0, 0

    while at < DEATHS:
        at += 1
        shutil.rmtree(project)
        shutil.copytree(template, project, symlinks=True)
        (project / "mine.txt").write_text("the user's\n")
        delivery = delivered(project, {**os.environ, **fatal.aim("merge", call, at)})
        if not delivery.done:
            # In doubt whose it is: then a person gives the one command that is shown.
            asked += 1
            assert "killed" in delivery.reason
            subprocess.run(["sh", "-ec", delivery.command], check=True, capture_output=True)
            delivery = delivered(project)
        assert delivery.done, f"{call} {at}: {delivery}"
        check_arrived(project, commit, f"{call} {at}")
        if not fatal.mark.exists():
            break
    deaths = at - (not fatal.mark.exists())
    tell(f"git killed in the delivery at {call}", deaths=deaths, asked=asked)


# Not `unlink`: what git can't remove it leaves, says so, and is done.
@needs_strace
@pytest.mark.parametrize("call", [call for call in PLAYED if call != "unlink"])
def test_a_delivery_whose_git_met_an_error_is_finished_by_the_next(tmp_path, call):
    template, project = tmp_path / "template", tmp_path / "project"
    commit = prepared(project)
    shutil.copytree(project, template, symlinks=True)
    fatal, at, again = FatalGit(tmp_path / "fatal"), 0, 0

    while at < DEATHS:
        at += 1
        shutil.rmtree(project)
        shutil.copytree(template, project, symlinks=True)
        (project / "mine.txt").write_text("the user's\n")
        delivery = delivered(project, {**os.environ, **fatal.aim("merge", call, at, error="EIO")})
        if not delivery.done:
            again += 1
            delivery = delivered(project)
        assert delivery.done, f"{call} {at}: {delivery}"
        check_arrived(project, commit, f"{call} {at}")
        if not fatal.mark.exists():
            break
    errors = at - (not fatal.mark.exists())
    tell(f"git met an error in the delivery at {call}", errors=errors, again=again)


def test_a_merge_of_the_users_is_no_delivery_that_was_cut_off(tmp_path):
    prepared(tmp_path)
    theirs = git(tmp_path, "commit-tree", "-p", "main", "-m", "theirs", "main:").strip()
    git(tmp_path, "merge", "-q", "--no-ff", "--no-commit", theirs)

    delivery = delivered(tmp_path)

    assert not delivery.done
    assert "not concluded" in delivery.reason
    assert git(tmp_path, "for-each-ref", f"{REFS.prefix}delivering") == ""


def test_a_conflict_of_the_users_is_no_delivery_that_was_cut_off(tmp_path):
    prepared(tmp_path)
    blob = git(tmp_path, "rev-parse", "main:stays.txt").strip()
    stages = "".join(f"100644 {blob} {stage}\tstays.txt\n" for stage in (1, 2, 3))
    command = ("git", "update-index", "--index-info")
    subprocess.run(
        command, cwd=tmp_path, input=f"0 {'0' * 40}\tstays.txt\n{stages}", text=True, check=True
    )

    delivery = delivered(tmp_path)

    assert not delivery.done
    assert "unmerged files" in delivery.reason
    assert git(tmp_path, "for-each-ref", f"{REFS.prefix}delivering") == ""


@pytest.fixture
def cut_off(tmp_path):
    """A project to which a delivery was under way when everything died."""
    commit = prepared(tmp_path)
    git(tmp_path, "update-ref", f"{REFS.prefix}delivering", commit)
    return tmp_path


@pytest.mark.parametrize(
    ("name", "content"),
    [("grows.txt", ""), ("changes.txt", "t"), ("new/deep/file.txt", "")],
    ids=["emptied", "shortened", "empty and new"],
)
def test_a_file_that_may_be_the_users_or_half_written_stays_and_is_asked_for(
    cut_off, name, content
):
    (cut_off / name).parent.mkdir(parents=True, exist_ok=True)
    (cut_off / name).write_text(content)

    asked = delivered(cut_off)
    kept = (cut_off / name).read_text()
    subprocess.run(["sh", "-ec", asked.command], check=True, capture_output=True)
    again = delivered(cut_off)

    assert (asked.done, kept, again.done) == (False, content, True)
    assert name in asked.reason
    assert git(cut_off, "status", "--porcelain") == ""
    stashed = git(cut_off, "stash", "show", "-p", "--include-untracked", "--name-only")
    assert stashed.split() == [name]


def test_a_file_that_git_had_written_is_no_obstacle_and_others_keep_what_is_in_them(cut_off):
    (cut_off / "changes.txt").write_text("two\n")
    (cut_off / "goes" / "away.txt").unlink()
    (cut_off / "stays.txt").write_text("the user's\n")

    delivery = delivered(cut_off)

    assert delivery.done
    assert git(cut_off, "status", "--porcelain") == " M stays.txt\n"
    assert (cut_off / "stays.txt").read_text() == "the user's\n"


def test_what_the_user_has_staged_since_stays_staged(cut_off):
    (cut_off / "changes.txt").write_text("mine\n")
    git(cut_off, "add", "changes.txt")
    (cut_off / "changes.txt").write_text("two\n")

    delivery = delivered(cut_off)

    assert not delivery.done
    assert git(cut_off, "show", ":changes.txt") == "mine\n"


def test_the_lock_of_a_commit_whose_editor_is_open_stays(cut_off):
    shutil.copy(cut_off / ".git" / "index", cut_off / ".git" / "index.lock")

    delivery = delivered(cut_off)

    lock = cut_off / ".git" / "index.lock"
    assert (delivery.done, lock.exists()) == (False, True)
    assert delivery.command == f"rm -f {lock} && true"


@pytest.mark.parametrize("name", ["index.lock", "refs/heads/main.lock", "HEAD.lock"])
def test_a_lock_that_somebody_has_open_stays_and_else_is_removed(cut_off, name):
    lock = cut_off / ".git" / name

    with lock.open("w"):
        held = delivered(cut_off)
        there = lock.exists()
    left = delivered(cut_off)

    assert (held.done, there, left.done) == (False, True, True)
    assert str(lock) in held.command
    assert locks_in(cut_off) == set()


def test_where_nobody_can_see_what_is_open_a_lock_stays(cut_off, monkeypatch):
    monkeypatch.setattr("parallel_orchestra.git.cut_off._PROCESSES", cut_off / "no-proc")
    lock = cut_off / ".git" / "index.lock"
    lock.touch()

    asked = delivered(cut_off)
    subprocess.run(["sh", "-ec", asked.command], check=True, capture_output=True)
    again = delivered(cut_off)

    assert (asked.done, again.done) == (False, True)
    assert asked.command == f"rm -f {lock} && true"
