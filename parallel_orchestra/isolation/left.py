"""Which worktrees of a pool lie there, and whether anybody works in them. Changes nothing."""

import os
import re
from pathlib import Path

from parallel_orchestra.frozen import frozen
from parallel_orchestra.git import Repo, worktrees
from parallel_orchestra.isolation.salvage import read_label

#: The label that a slot writes beside its index; see `worktree`.
LABEL = "orchestra-slot.json"
#: The folder of the worktrees that people got with `claim`.
BY_HAND = "by-hand"
_OURS = "refs/orchestra/"
_SLOT = re.compile(r"(?:wt|clone|shared|verify)-[0-9]+")


@frozen
class LeftWorktree:
    """A worktree of the pool: `known` to git, `unsaved` if it may hold work that no ref keeps.

    `task`, `owner` and `ref` say whose the unsaved work is and where it would be kept; they may be
    empty. `by_hand`: a person got it, who may come back to it without holding it meanwhile.
    `git_dir` is git's own directory for it, None if git does not know it.
    """

    path: Path
    in_use: bool
    known: bool
    unsaved: bool
    task: str = ""
    owner: str = ""
    ref: str = ""
    by_hand: bool = False
    git_dir: Path | None = None

    @property
    def run(self) -> str:
        """The run that its unsaved work is of; empty if it has none."""
        return self.ref.removeprefix(_OURS).partition("/")[0]


def left_in(repo: Repo, root: Path) -> tuple[LeftWorktree, ...]:
    """Returns the worktrees of the pool at `root`, by name; none if there is no pool."""
    if not root.is_dir():
        return ()
    known = {path.resolve(): git_dir for git_dir, path in worktrees.known(repo)}
    slots = (path for path in sorted(root.iterdir()) if _SLOT.fullmatch(path.name))
    theirs = sorted((root / BY_HAND).iterdir()) if (root / BY_HAND).is_dir() else ()
    found = []
    for path in (*slots, *theirs):
        if not path.is_dir():
            continue
        by_hand = is_by_hand(path)
        in_use = _held(root / f".{lock_name(path)}.lock")
        place = known.get(path.resolve())
        if place is None:
            found.append(LeftWorktree(path, in_use, known=False, unsaved=True, by_hand=by_hand))
            continue
        left = read_label(place / LABEL, path.name)
        whose = (left.task, left.owner, left.ref) if left else ("", "", "")
        found.append(LeftWorktree(path, in_use, True, left is not None, *whose, by_hand, place))
    return tuple(found)


def is_by_hand(path: Path) -> bool:
    """Returns whether a worktree is a person's."""
    return path.parent.name == BY_HAND


def lock_name(path: Path) -> str:
    """Returns the name by which the pool locks a worktree."""
    return f"{BY_HAND}-{path.name}" if is_by_hand(path) else path.name


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
