"""Where an agent may write, and how its work comes out again.

Knows nothing of the store or of merging. Two ways so far, each with the same doors: `open`
gives a workspace for one attempt, `take` its content as a git tree, `keep` puts what is not
merged under a ref, `settled` says that there is nothing left to save.
"""

from parallel_orchestra.isolation.home import home_of
from parallel_orchestra.isolation.in_place import InPlace
from parallel_orchestra.isolation.left import LeftWorktree, idle_locks, is_by_hand, left_in
from parallel_orchestra.isolation.salvage import Left
from parallel_orchestra.isolation.workspace import (
    Isolation,
    Label,
    Unusable,
    Work,
    Workspace,
    keep_commit,
)
from parallel_orchestra.isolation.worktree import (
    Pool,
    Slot,
    default_root,
    labelled,
    rescue,
)

__all__ = [
    "InPlace",
    "Isolation",
    "Label",
    "Left",
    "LeftWorktree",
    "Pool",
    "Slot",
    "Unusable",
    "Work",
    "Workspace",
    "default_root",
    "home_of",
    "idle_locks",
    "is_by_hand",
    "keep_commit",
    "labelled",
    "left_in",
    "rescue",
]
