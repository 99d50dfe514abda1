"""The git acts we need, each with a plain result.

Knows nothing of tasks, plans or runs. All calls go through the git command line, because only
git applies the user's filters, attributes and object format as the user's own git would.
"""

from parallel_orchestra.git import lending, worktrees
from parallel_orchestra.git.cut_off import clear_locks, enter_written
from parallel_orchestra.git.debris import Debris, collect_debris
from parallel_orchestra.git.extent import Extent, extent
from parallel_orchestra.git.forward import FastForward, fast_forward, left_behind
from parallel_orchestra.git.merging import Conflicted, MergedTree
from parallel_orchestra.git.objects import (
    EMPTY_TREES,
    Change,
    Commit,
    Identity,
    Objects,
)
from parallel_orchestra.git.parts import Parts
from parallel_orchestra.git.programs import Programs, ProgramsOf, Setting
from parallel_orchestra.git.push import Pushed, Remote, push, remote_of
from parallel_orchestra.git.refs import OWN_REFS, RefMoved, Refs, Update, Verify
from parallel_orchestra.git.repo import FALLBACK_IDENTITY, Head, Repo
from parallel_orchestra.git.soundness import faults_of
from parallel_orchestra.git.tallies import Tally, tallies
from parallel_orchestra.git.worktree import EmbeddedRepository, WorkTree

__all__ = [
    "EMPTY_TREES",
    "FALLBACK_IDENTITY",
    "OWN_REFS",
    "Change",
    "Commit",
    "Conflicted",
    "Debris",
    "EmbeddedRepository",
    "Extent",
    "FastForward",
    "Head",
    "Identity",
    "MergedTree",
    "Objects",
    "Parts",
    "Programs",
    "ProgramsOf",
    "Pushed",
    "RefMoved",
    "Refs",
    "Remote",
    "Repo",
    "Setting",
    "Tally",
    "Update",
    "Verify",
    "WorkTree",
    "clear_locks",
    "collect_debris",
    "enter_written",
    "extent",
    "fast_forward",
    "faults_of",
    "left_behind",
    "lending",
    "push",
    "remote_of",
    "tallies",
    "worktrees",
]
