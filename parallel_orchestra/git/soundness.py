"""What is wrong with a linked work tree that nobody works in. Changes nothing."""

import os
from pathlib import Path

from parallel_orchestra.git import lending
from parallel_orchestra.git.repo import Repo
from parallel_orchestra.git.worktree import WorkTree


def faults_of(repo: Repo, path: Path, git_dir: Path) -> tuple[str, ...]:
    """Returns what is wrong, a sentence each; all of it is put right before the next use."""
    tree = WorkTree(repo, path, git_dir)
    faults = []
    if not (lending.is_lent(tree) or _is_linked(tree)):
        faults.append("its `.git` does not lead to your repository")
    head = tree.head()
    if head is None or not repo.objects.has(head):
        faults.append("its HEAD stands for no commit")
    elif not tree.has_sound_index():
        faults.append("its index can't be read")
    left = [name for name in ("index.lock", "HEAD.lock") if os.path.lexists(git_dir / name)]
    faults += [f"a git left `{name}` in it" for name in left]
    return tuple(faults)


def _is_linked(tree: WorkTree) -> bool:
    try:
        return (tree.path / ".git").read_bytes() == os.fsencode(f"gitdir: {tree.git_dir}\n")
    except OSError:
        return False
