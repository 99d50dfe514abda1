"""Which worktrees of a pool lie there, and whether anybody works in them. Changes nothing."""

import os
import re
from dataclasses import dataclass
from pathlib import Path

from parallel_orchestra.git import Repo, worktree
from parallel_orchestra.isolation.salvage import read_label

#: The label that a slot writes beside its index; see `worktree`.
LABEL = "orchestra-slot.json"
_SLOT = re.compile(r"(?:wt|verify)-[0-9]+")


@dataclass(frozen=True, slots=True)
class LeftWorktree:
    """A worktree of the pool: `known` to git, `unsaved` if it may hold work that no ref keeps.

    `task` and `ref` say whose the unsaved work is and where it would be kept; they may be empty.
    """

    path: Path
    in_use: bool
    known: bool
    unsaved: bool
    task: str = ""
    ref: str = ""


def left_in(repo: Repo, root: Path) -> tuple[LeftWorktree, ...]:
    """Returns the worktrees of the pool at `root`, by name; none if there is no pool."""
    if not root.is_dir():
        return ()
    known = {}
    for git_dir in (repo.common_dir / "worktrees").glob("*"):
        path = worktree.registered_path(git_dir)
        if path is not None:
            known[path.resolve()] = git_dir
    found = []
    for path in sorted(root.iterdir()):
        if not _SLOT.fullmatch(path.name) or not path.is_dir():
            continue
        in_use = _held(root / f".{path.name}.lock")
        git_dir = known.get(path.resolve())
        if git_dir is None:
            found.append(LeftWorktree(path, in_use, known=False, unsaved=True))
            continue
        left = read_label(git_dir / LABEL, path.name)
        task, ref = (left.task, left.ref) if left else ("", "")
        found.append(LeftWorktree(path, in_use, True, left is not None, task, ref))
    return tuple(found)


def _held(lock: Path) -> bool:
    import portalocker  # noqa: PLC0415  # 70 ms that only who looks at the pool needs

    try:
        descriptor = os.open(lock, os.O_RDWR | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        portalocker.lock(descriptor, portalocker.LOCK_EX | portalocker.LOCK_NB)
    except portalocker.LockException:
        return True
    finally:
        os.close(descriptor)
    return False
