"""Clones: whatever an agent does to its own repository, ours has its commits and nothing else of it."""

import pytest

from parallel_orchestra.isolation import Label, Pool, Slot, Workspace
from support.corners import shell
from support.pools import OWNER, SALVAGE
from support.repository import (
    fsck_clean,
    git,
    names_at,
    worktrees_of,
    write_files,
)

REF = f"{SALVAGE}/build/1.{OWNER}"
FILES = {"a.txt": "one\n", "b.txt": "two\n"}


@pytest.fixture
def clone(pool):
    return pool.slot("clone")


def begin(slot: Slot, base: str, attempt: int = 1) -> Workspace:
    ref = REF if attempt == 1 else f"{REF}-{attempt}"
    return slot.open(base, Label("run1", "build", attempt, OWNER, ref), carry_claude=False)


def test_the_agent_has_a_repository_of_its_own_with_our_history(clone, base, project):
    git(project, "tag", "v1")
    workspace = begin(clone, base)

    assert (workspace.path / ".git").is_dir()
    assert shell(workspace.path, "git status --porcelain; git log --format=%H -1") == f"{base}\n"
    assert shell(workspace.path, "git rev-parse v1 main") == f"{base}\n{base}\n"
    assert shell(workspace.path, "git remote; git stash list") == ""


def test_what_is_done_to_refs_and_configuration_stays_there(clone, base, project):
    before = (project / ".git/config").read_text(), git(project, "for-each-ref")
    workspace = begin(clone, base)

    shell(
        workspace.path,
        "git config filter.x.clean 'touch hacked'; git branch other; git tag -d v1 || true;"
        "git branch -D main; git update-ref -d refs/orchestra/x || true; echo n > n.txt;"
        "printf '#!/bin/sh\\ntouch hooked\\n' > .git/hooks-x; git add -A; git commit -qm n",
    )
    work = clone.take(workspace)

    assert ((project / ".git/config").read_text(), git(project, "for-each-ref")) == before
    assert names_at(project, work.tree) == {*FILES, "n.txt"}
    assert fsck_clean(project)


def test_branches_beside_head_and_stashes_are_kept(clone, base, project):
    workspace = begin(clone, base)

    shell(
        workspace.path,
        "git checkout -qb side; echo s > s.txt; git add -A; git commit -qm side;"
        "git checkout -q --detach main; echo t > a.txt; git stash -q; echo n > n.txt",
    )
    clone.take(workspace)

    kept = git(project, "for-each-ref", "--format=%(refname)", f"{REF}-branch*").split()
    assert "s.txt" in names_at(project, f"{REF}-branch")
    assert len(kept) == 2
    assert fsck_clean(project)


@pytest.mark.parametrize(
    "script",
    [
        "rm -rf .git",
        "rm .git/HEAD",
        "rm -rf .git; ln -s /nowhere .git",
        "rm -rf .git; git init -q",
        "echo '[core' > .git/config",
        "git config core.worktree /; git config core.bare true",
        "rm .git/objects/info/alternates",
        "chmod 0 .git/objects",
    ],
)
def test_a_repository_in_whatever_state_costs_no_work(clone, base, project, script):
    workspace = begin(clone, base)
    shell(workspace.path, f"echo n > n.txt; {script}")

    work = clone.take(workspace)
    clone.keep(work, REF, "kept\n")
    clone.settled()
    again = begin(clone, base, 2)

    assert (work.changed, "n.txt" in names_at(project, REF)) == (True, True)
    assert shell(again.path, "git log --format=%H -1; ls") == f"{base}\na.txt\nb.txt\n"


def test_a_clone_of_a_dead_process_is_saved_with_its_commits(pool, clone, base, repo, project):
    workspace = begin(clone, base)
    shell(workspace.path, "echo n > n.txt; git add -A; git commit -qm n; echo m > m.txt")
    pool.close(remove=False)
    other = Pool(repo, pool.root, project, "host-2-00000002")
    other.collect()

    begin(other.slot("clone"), base, 2)

    assert git(project, "log", "--format=%s", "-2", f"{REF}").splitlines()[1] == "n"
    assert {"n.txt", "m.txt"} <= names_at(project, REF)
    other.close(remove=True)
    assert worktrees_of(project) == []


def test_commits_that_build_on_those_of_others_bring_only_what_is_missing(clone, base, project):
    write_files(project, {"big.txt": "x" * 100_000})
    workspace = begin(clone, base)
    shell(workspace.path, "for n in 1 2 3; do echo $n > n.txt; git add -A; git commit -qm $n; done")

    work = clone.take(workspace)

    assert git(project, "log", "--format=%s", f"{base}..{work.head}").split() == ["3", "2", "1"]
    packs = list((project / ".git/objects/pack").glob("*.pack"))
    assert sum(pack.stat().st_size for pack in packs) < 10_000
