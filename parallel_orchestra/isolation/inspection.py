"""How the worktrees of a pool stand: whose, how large, set up as what, sound or not. Changes nothing."""

from enum import Enum
from pathlib import Path

from parallel_orchestra import files
from parallel_orchestra.errors import GitError
from parallel_orchestra.frozen import frozen
from parallel_orchestra.git import Repo, faults_of
from parallel_orchestra.isolation.left import LeftWorktree, left_in, lock_name
from parallel_orchestra.isolation.set_up_note import SetUpNote, set_up_note


class SlotState(Enum):
    """Who may have a worktree of the pool."""

    HELD = "held"
    BY_HAND = "by hand"
    UNSAVED = "unsaved work"
    UNKNOWN = "unknown to git"
    FREE = "free"


@frozen
class PoolSlot:
    """One worktree of a pool; `name` is its path below the pool's directory.

    `holder` is the owner that has it now, empty if nobody has. `faults` is empty while somebody
    has it: it is in the middle of something.
    """

    left: LeftWorktree
    name: str
    holder: str
    size_bytes: int
    set_up: SetUpNote
    faults: tuple[str, ...]

    @property
    def state(self) -> SlotState:
        """What it is to others at this moment."""
        left = self.left
        if left.in_use:
            return SlotState.HELD
        if left.by_hand and left.unsaved:
            return SlotState.BY_HAND
        if not left.known:
            return SlotState.UNKNOWN
        return SlotState.UNSAVED if left.unsaved else SlotState.FREE


def slots_in(repo: Repo, root: Path) -> tuple[PoolSlot, ...]:
    """Returns the worktrees of the pool at `root`, by name; none if there is no pool."""
    found = []
    for left in left_in(repo, root):
        try:
            found.append(_slot(repo, root, left))
        except (GitError, OSError):
            # A run that ends takes its worktrees away, also while we look.
            if left.path.is_dir():
                raise
    return tuple(found)


def _slot(repo: Repo, root: Path, left: LeftWorktree) -> PoolSlot:
    holder = ""
    if left.in_use:
        # What an earlier holder wrote there means nothing.
        holder = (files.read_text(root / f".{lock_name(left.path)}.lock") or "").strip()
    faults: tuple[str, ...] = ()
    if left.git_dir is not None and not left.in_use:
        faults = faults_of(repo, left.path, left.git_dir)
    return PoolSlot(
        left,
        left.path.relative_to(root).as_posix(),
        holder,
        files.size_of(left.path),
        set_up_note(left.git_dir) if left.git_dir is not None else SetUpNote(),
        faults,
    )
