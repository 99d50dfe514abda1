"""The git acts we need, each with a plain result.

Knows nothing of tasks, plans or runs. All calls go through the git command line, because only
git applies the user's filters, attributes and object format as the user's own git would.
"""

from typing import TYPE_CHECKING

from parallel_orchestra.door import door

if TYPE_CHECKING:
    from parallel_orchestra.git import lending, worktrees
    from parallel_orchestra.git.cut_off import clear_locks, enter_written
    from parallel_orchestra.git.debris import Debris, collect_debris
    from parallel_orchestra.git.differing import Change
    from parallel_orchestra.git.forward import FastForward, fast_forward, left_behind
    from parallel_orchestra.git.merging import Conflicted, MergedTree
    from parallel_orchestra.git.objects import (
        EMPTY_TREES,
        Commit,
        Identity,
        Objects,
    )
    from parallel_orchestra.git.parts import Parts
    from parallel_orchestra.git.programs import Programs, ProgramsOf, Setting
    from parallel_orchestra.git.pushing import Pushed, Remote, push, remote_of
    from parallel_orchestra.git.refs import OWN_REFS, RefMoved, Refs, Update, Verify
    from parallel_orchestra.git.repo import FALLBACK_IDENTITY, Head, Repo
    from parallel_orchestra.git.sizes import Extent, extent
    from parallel_orchestra.git.soundness import faults_of
    from parallel_orchestra.git.tally import Tally, tallies
    from parallel_orchestra.git.worktree import EmbeddedRepository, WorkTree
else:
    __getattr__, __dir__ = door(
        __name__,
        cut_off="clear_locks enter_written",
        debris="Debris collect_debris",
        differing="Change",
        sizes="Extent extent",
        forward="FastForward fast_forward left_behind",
        merging="Conflicted MergedTree",
        objects="EMPTY_TREES Commit Identity Objects",
        parts="Parts",
        programs="Programs ProgramsOf Setting",
        pushing="Pushed Remote push remote_of",
        refs="OWN_REFS RefMoved Refs Update Verify",
        repo="FALLBACK_IDENTITY Head Repo",
        soundness="faults_of",
        tally="Tally tallies",
        worktree="EmbeddedRepository WorkTree",
    )

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
