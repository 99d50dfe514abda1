"""What killed git processes leave behind, found and cleared away.

Only what cannot hold anybody's work is removed. Each removal happens under the repository's
mutex, whose descriptor our git children carry, so that none of them can be at work.
"""

import shutil
import time
from pathlib import Path

from parallel_orchestra.frozen import frozen
from parallel_orchestra.git import worktrees
from parallel_orchestra.git.refs import OWN_REFS, remove_untouched
from parallel_orchestra.git.repo import Repo
from parallel_orchestra.git.worktree import WorkTree

#: A user's git does not hold our mutex: what is younger than this may still be in the making.
_SETTLED = 10.0


@frozen
class Debris:
    """What was done: work trees forgotten or removed, and work trees whose HEAD was repaired."""

    removed: tuple[Path, ...] = ()
    repaired: tuple[Path, ...] = ()


def collect_debris(repo: Repo, root: Path) -> Debris:
    """Clears what killed git commands left of work trees below `root`, and of our refs.

    Afterwards `git fsck` and `git worktree list` are silent about them, and no lock file lies
    on a ref of ours. A work tree that was never finished, or whose directory is gone, is
    removed, locked or not; one that exists but whose HEAD is broken (power cut) is detached at
    the repository's HEAD, its files untouched, so that its content can be saved. Nobody may be
    working below `root` meanwhile.

    Raises:
        EnvironmentProblem: the mutex is not free.
        GitError: git can't look at a repository.
    """
    root = root.resolve()
    removed, repaired = [], []
    with repo.lock():
        for git_dir in repo.linked():
            try:
                path = worktrees.registered_path(git_dir)
            except OSError:
                # A disk that fails once is no reason to forget somebody's work tree.
                continue
            if path is None:
                if _settled(git_dir):
                    shutil.rmtree(git_dir, ignore_errors=True)
                    removed.append(git_dir)
            elif path.resolve().is_relative_to(root):
                if worktrees.never_finished(git_dir) or not path.is_dir():
                    worktrees.discard(path, git_dir)
                    removed.append(path)
                elif _repair_head(repo, WorkTree(repo, path, git_dir)):
                    repaired.append(path)
        for prefix in OWN_REFS:
            for left in (repo.common_dir / prefix).rglob("*.lock"):
                remove_untouched(left)
    return Debris(tuple(removed), tuple(repaired))


def _settled(git_dir: Path) -> bool:
    # Wall clock against a file's time: a jump of the clock only delays or hastens the removal
    # of an empty entry.
    try:
        return abs(time.time() - git_dir.stat().st_mtime) > _SETTLED
    except FileNotFoundError:
        return False


def _repair_head(repo: Repo, tree: WorkTree) -> bool:
    commit = tree.head()
    if commit is not None and repo.objects.has(commit):
        return False
    tip = repo.head().commit
    if tip is None:
        return False
    for name in ("HEAD.lock", "index.lock"):
        (tree.git_dir / name).unlink(missing_ok=True)
    (tree.git_dir / "HEAD").write_text(f"{tip}\n")
    return True
