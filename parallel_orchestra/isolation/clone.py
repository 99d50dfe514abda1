"""A worktree whose agent finds a repository of its own: refs, configuration and hooks are its own.

For us it stays a worktree of the pool, with the same ways to stage, save and clean. Before any of
that the agent's commits are brought into our repository, and its own goes.
"""

import contextlib

from parallel_orchestra.errors import GitError
from parallel_orchestra.git import WorkTree, lending
from parallel_orchestra.isolation.salvage import Left
from parallel_orchestra.isolation.slot import Slot
from parallel_orchestra.isolation.workspace import Label, Workspace, keep_commit
from parallel_orchestra.model import NO_SETUP, Setup

#: What the worktrees of a pool are called that are clones.
CLONES = "clone"


class Clone(Slot):
    """One worktree of the pool with a repository of its own, for one thread at a time."""

    def open(
        self, base: str, label: Label, *, carry_claude: bool, setup: Setup = NO_SETUP
    ) -> Workspace:
        """Makes the worktree ready at a commit, and lends it a repository; see `Slot.open`."""
        workspace = super().open(base, label, carry_claude=carry_claude, setup=setup)
        if self._tree is not None:
            lending.lend(self._repo, self._tree, base)
        return workspace

    def _regain(self, tree: WorkTree, left: Left) -> None:
        if not lending.is_lent(tree):
            return
        # One that can't be read is put aside and saved file by file, like any that an agent makes.
        with contextlib.suppress(GitError):
            fresh = lending.bring(self._repo, tree)
            head = tree.head()
            for tip in fresh:
                # In a linked worktree, other branches than HEAD's would be ours already.
                if head is None or not self._repo.is_ancestor(tip, head):
                    keep_commit(self._repo, tip, f"{left.ref}-branch")
