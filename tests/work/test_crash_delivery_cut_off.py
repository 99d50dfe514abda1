"""Git killed at each system call by which it moves the user's checkout; then delivered again."""

import os
import shutil

import pytest

from parallel_orchestra.git import Repo
from parallel_orchestra.merge_queue import MergeQueue, deliver
from support.effort import by_effort
from support.fatal_git import CALLS, FatalGit
from support.figures import tell
from support.merging import REFS, Stage
from support.repository import fsck_clean, git, make_repository

pytestmark = [
    pytest.mark.slow,
    pytest.mark.storm,
    pytest.mark.skipif(shutil.which("strace") is None, reason="there is no strace(1) here"),
]

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
    grown = "begin\n" + "line\n" * 40000
    changed = {"changes.txt": "two\n", "grows.txt": grown, "new/deep/file.txt": "new\n"}
    stage.merge("build", changed)
    git(project, "switch", "-q", "--detach", REFS.branch)
    git(project, "rm", "-q", "-r", "goes", "thing")
    os.makedirs(project / "thing")
    (project / "thing" / "inside.txt").write_text("in\n")
    git(project, "add", "-A")
    tree = git(project, "write-tree").strip()
    git(project, "reset", "-q", "--hard")
    git(project, "switch", "-q", "main")
    note = f"x\n\nOrchestra-Task: {REFS.run}/more"
    commit = git(project, "commit-tree", tree, "-p", stage.tip, "-m", note).strip()
    git(project, "update-ref", REFS.integration, commit)
    stage.close()
    return commit


def delivered(project, environ):
    repo = Repo.discover(project, environ)
    stage = Stage(project)
    try:
        base = git(project, "rev-list", "--max-parents=0", "main").strip()
        return deliver(repo, MergeQueue(repo, stage.store, REFS, base, None), "main")
    finally:
        repo.close()
        stage.close()


@pytest.mark.parametrize("call", PLAYED)
def test_a_delivery_whose_git_was_killed_is_finished_by_the_next(tmp_path, call):
    template, project = tmp_path / "template", tmp_path / "project"
    commit = prepared(project)
    shutil.copytree(project, template, symlinks=True)
    fatal, at = FatalGit(tmp_path / "fatal"), 0

    while at < DEATHS:
        at += 1
        shutil.rmtree(project)
        shutil.copytree(template, project, symlinks=True)
        (project / "mine.txt").write_text("the user's\n")
        environ = {**os.environ, **fatal.aim("merge", call, at)}
        first = delivered(project, environ)
        assert first.done, f"{call} {at}: {first}"
        assert git(project, "rev-parse", "main").strip() == commit
        assert git(project, "status", "--porcelain") == "?? mine.txt\n", f"{call} {at}"
        assert not [
            path for path in (project / ".git").rglob("*.lock") if path.name != "orchestra.lock"
        ]
        assert git(project, "for-each-ref", f"{REFS.prefix}delivering") == ""
        assert fsck_clean(project)
        if not fatal.mark.exists():
            break
    tell(f"git killed in the delivery at {call}", deaths=at - (not fatal.mark.exists()))
