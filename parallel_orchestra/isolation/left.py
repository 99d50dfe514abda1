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
    known: dict[Path, Path] = {}
    for git_dir in (repo.common_dir / "worktrees").glob("*"):
        if (registered := worktree.registered_path(git_dir)) is not None:
            known[registered.resolve()] = git_dir
    found = []
    for path in sorted(root.iterdir()):
        if not _SLOT.fullmatch(path.name) or not path.is_dir():
            continue
        in_use = _held(root / f".{path.name}.lock")
        place = known.get(path.resolve())
        if place is None:
            found.append(LeftWorktree(path, in_use, known=False, unsaved=True))
            continue
        left = read_label(place / LABEL, path.name)
        task, ref = (left.task, left.ref) if left else ("", "")
        found.append(LeftWorktree(path, in_use, True, left is not None, task, ref))
    return tuple(found)


def idle_locks(root: Path) -> tuple[str, ...]:
    """Returns the slots that have a lock file which nobody holds, but no worktree; by name."""
    names = sorted(path.name[1:].removesuffix(".lock") for path in root.glob(".*.lock"))
    return tuple(
        name
        for name in names
        if _SLOT.fullmatch(name)
        and not (root / name).exists()
        and not _held(root / f".{name}.lock")
    )


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
