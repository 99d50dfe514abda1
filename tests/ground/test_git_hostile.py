"""What an agent in a linked work tree can try in order to have its code run by us."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from parallel_orchestra.git import Repo, Update, WorkTree, fast_forward, worktrees
from support.repository import git, make_repository

HOOKS = ("reference-transaction", "post-checkout", "post-merge", "pre-commit", "post-index-change")


@pytest.fixture
def repo(tmp_path: Path) -> Iterator[Repo]:
    found = Repo.discover(make_repository(tmp_path / "project", {"a": "one\n"}), os.environ)
    yield found
    found.close()


@pytest.fixture
def tree(repo: Repo, tmp_path: Path) -> WorkTree:
    return worktrees.add(repo, tmp_path / "pool" / "wt-1", repo.head().commit)


def trap(tmp_path: Path) -> tuple[Path, Path]:
    """Writes a program that leaves a mark when it runs; returns the program and the mark."""
    program, mark = tmp_path / "trap.sh", tmp_path / "sprung"
    program.write_text(f"#!/bin/sh\ntouch {mark}\nexit 0\n")
    program.chmod(0o755)
    return program, mark


def set_fsmonitor(tree: WorkTree, program: Path) -> None:
    git(tree.path, "config", "core.fsmonitor", str(program))


def set_hooks(tree: WorkTree, program: Path) -> None:
    folder = tree.git_dir.parent.parent / "hooks"
    folder.mkdir(exist_ok=True)
    for name in HOOKS:
        (folder / name).unlink(missing_ok=True)
        (folder / name).symlink_to(program)


def set_hooks_path(tree: WorkTree, program: Path) -> None:
    folder = program.parent / "own hooks"
    folder.mkdir()
    for name in HOOKS:
        (folder / name).symlink_to(program)
    git(tree.path, "config", "core.hooksPath", str(folder))


def set_signing(tree: WorkTree, program: Path) -> None:
    git(tree.path, "config", "commit.gpgSign", "true")
    git(tree.path, "config", "gpg.program", str(program))
    git(tree.path, "config", "log.showSignature", "true")


def set_external_diff(tree: WorkTree, program: Path) -> None:
    git(tree.path, "config", "diff.external", str(program))
    git(tree.path, "config", "core.pager", str(program))
    git(tree.path, "config", "pager.log", str(program))


def replace_git_file(tree: WorkTree, program: Path) -> None:
    own = make_repository(program.parent / "own", {"a": "evil\n"})
    git(own, "config", "core.fsmonitor", str(program))
    (tree.path / ".git").write_text(f"gitdir: {own}/.git\n")


def replace_common_dir(tree: WorkTree, program: Path) -> None:
    own = make_repository(program.parent / "own", {"a": "evil\n"})
    git(own, "config", "filter.x.clean", str(program))
    (tree.git_dir / "commondir").write_text(f"{own}/.git\n")
    (tree.path / ".gitattributes").write_text("* filter=x\n")


@pytest.mark.parametrize(
    "attack",
    [
        set_fsmonitor,
        set_hooks,
        set_hooks_path,
        set_signing,
        set_external_diff,
        replace_git_file,
        replace_common_dir,
    ],
    ids=lambda attack: attack.__name__.replace("_", "-"),
)
def test_an_agents_program_is_not_run_by_any_of_our_calls(
    repo: Repo, tree: WorkTree, tmp_path: Path, attack: Callable[[WorkTree, Path], None]
):
    program, mark = trap(tmp_path)
    tip = tree.head()
    attack(tree, program)
    mark.unlink(missing_ok=True)
    (tree.path / "new").write_text("n")

    tree.dirty()
    commit = repo.objects.commit(tree.stage_all(abandoned=True), [tip], "work")
    repo.objects.merge_trees(tip, commit)
    repo.objects.changed(tip, commit)
    repo.objects.first_parents(commit)
    repo.refs.transact([Update("refs/heads/target", commit, None)])
    tree.checkout(commit)
    tree.clean()
    worktrees.add(repo, tmp_path / "pool" / "wt-2", commit)
    repo.dirty()
    fast_forward(repo, "main", commit, repo.top)
    worktrees.remove(repo, tree.path)

    assert not mark.exists()
    assert repo.resolve("main") == commit


def test_a_replace_ref_does_not_show_us_another_base(repo: Repo, tree: WorkTree):
    tip = tree.head()
    true_tree = git(repo.top, "rev-parse", "HEAD^{tree}").strip()
    git(tree.path, "rm", "-q", "a")
    git(tree.path, "commit", "-qm", "falsified")
    git(tree.path, "replace", tip, "HEAD")

    assert repo.objects.tree_of(tip) == true_tree
    assert [entry.message for entry in repo.objects.first_parents(tip)] == ["start"]


def test_work_in_a_tree_with_a_replaced_git_file_is_staged_into_our_repository(
    repo: Repo, tree: WorkTree, tmp_path: Path
):
    program, _ = trap(tmp_path)
    replace_git_file(tree, program)
    (tree.path / "work").write_text("w")

    staged = tree.stage_all()

    assert [change.path for change in repo.objects.changed(tree.head(), staged)] == ["work"]
