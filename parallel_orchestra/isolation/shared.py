"""One worktree in which several tasks work at once, each on files of its own.

Who enters finds the commit it starts from, except in files that others are at work on. Who leaves
takes along the files that its task declares, and nothing else; then they are put back, and what
was merged of them comes with the commit of the next one who enters.
"""

import contextlib
import threading
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from parallel_orchestra.errors import EnvironmentProblem, Problem
from parallel_orchestra.frozen import frozen
from parallel_orchestra.git import Parts, Repo
from parallel_orchestra.isolation import salvage
from parallel_orchestra.isolation.pool import Pool
from parallel_orchestra.isolation.slot import Slot
from parallel_orchestra.isolation.workspace import (
    NOTHING_GIVEN,
    Given,
    Label,
    Unusable,
    Work,
    Workspace,
    keep_commit,
)
from parallel_orchestra.model import NO_SETUP, Setup
from parallel_orchestra.ownership import read_patterns

if TYPE_CHECKING:
    from pathspec import GitIgnoreSpec

#: What the pool calls the worktree that is shared.
SHARED = "shared"


class Owned:
    """The files of one task, by the patterns that it declares."""

    def __init__(self, writes: Iterable[str], inside: Path) -> None:
        """Takes where the project lies in its repository: patterns count from there."""
        self._prefix = "" if inside == Path() else f"{inside.as_posix()}/"
        self._spec = _spec(
            f"{'!' * pattern.negative}{pattern.line}" for pattern in read_patterns(writes)
        )

    def among(self, paths: Iterable[str]) -> set[str]:
        """Returns those of the paths, which count from the top of the tree, that are its own."""
        mine = {path[len(self._prefix) :]: path for path in paths if path.startswith(self._prefix)}
        return {mine[path] for path in self._spec.match_files(mine)}


@frozen
class _Stay:
    """One attempt in the shared worktree."""

    owned: Owned
    left: salvage.Left


class Commons:
    """The shared worktree of one process. Any thread may call; each has a `Tenant`."""

    def __init__(self, pool: Pool) -> None:
        self.pool = pool
        self.repo: Repo = pool.repo
        self.turn = threading.Condition()
        self._slot: Slot | None = None
        self._stays: dict[Tenant, _Stay] = {}
        self._first: Tenant | None = None
        self._at = ""
        self._given: Given = NOTHING_GIVEN
        #: What differed from the commit once it was set up, and what was told of since.
        self._known: frozenset[str] = frozenset()

    @property
    def slot(self) -> Slot:
        """The slot of the pool, taken when it is first needed."""
        if self._slot is None:
            self._slot = self.pool.slot(SHARED)
        return self._slot

    @property
    def busy(self) -> bool:
        """Whether anybody is in it."""
        return bool(self._stays)

    def enter(self, who: "Tenant", base: str, label: Label, setup: Setup) -> Workspace:
        """Lets an attempt in, at its commit; waits while the first one sets the worktree up."""
        while self._first is not None:
            self.turn.wait(1.0)
        left = salvage.Left(label.task, label.attempt, label.owner, label.ref, base)
        if not self._stays:
            opened = self.slot.open(base, label, carry_claude=True, setup=setup)
            self._at, self._given, self._first = base, opened.given, who
        else:
            self._move_to(base, who.owned)
        self._stays[who] = _Stay(who.owned, left)
        return Workspace(self.slot.directory, base, self._given)

    def setup_due(self, who: "Tenant", workspace: Workspace, setup: Setup) -> bool:
        """Returns whether this one, the first, has to run the set-up's commands."""
        return who is self._first and self.slot.setup_due(workspace, setup)

    def set_up(self, who: "Tenant", workspace: Workspace, setup: Setup) -> Workspace:
        """Lets the others in, once the first one has set the worktree up."""
        if who is not self._first:
            return workspace
        workspace = self.slot.set_up(workspace, setup)
        self._given = workspace.given
        self._known = self._parts().changes()
        self._first = None
        self.turn.notify_all()
        return workspace

    def taken(self, who: "Tenant", workspace: Workspace) -> Work:
        """Returns what the task's own files are now; keeps what lies outside of everybody's.

        Raises:
            Unusable: the worktree is gone.
        """
        self.pool.check()
        stay, parts = self._stays[who], self._parts()
        head = parts.head()
        if head not in (None, self._at) and not self.repo.is_ancestor(head, self._at):
            # Commits hold everybody's files here: only the content counts, but nothing is lost.
            keep_commit(self.repo, head, f"{stay.left.ref}-commits")
        parts.stand_at(self._at)
        changes = parts.changes()
        own = stay.owned.among(changes)
        content = parts.content(workspace.base, own)
        if made := self._made(own, content):
            content = parts.content(workspace.base, own - made)
        embedded = salvage.embedded(self.repo, workspace.base, content)
        if embedded:
            words = f"the agent made a git repository inside the shared worktree: {embedded[0]}"
            raise Unusable(words, self._kept(stay, parts, own - set(embedded)))
        changed = content != self.repo.objects.tree_of(workspace.base)
        outside = changes - self._known
        for other in self._stays.values():
            outside -= other.owned.among(outside)
        ref = ""
        if outside:
            self._known |= outside
            ref = self._kept(stay, parts, outside)
        return Work(content, workspace.base, changed, outside=tuple(sorted(outside)), ref=ref)

    def bring(self, who: "Tenant", workspace: Workspace, content: str) -> bool:
        """Puts the task's own files of an earlier attempt where it works; no other ones."""
        self.pool.check()
        changed = {one.path for one in self.repo.objects.changed(workspace.base, content)}
        if self._stays[who].owned.among(changed) != changed:
            return False
        with contextlib.suppress(Unusable):
            self._parts().put_back(content, changed)
            return True
        return False

    def leave(self, who: "Tenant") -> None:
        """Lets an attempt out, whose work is merged or kept: its files are put back."""
        stay = self._stays.pop(who, None)
        if stay is None:
            return
        if who is self._first:
            self._first = None
            self.turn.notify_all()
        if not self._stays:
            self.slot.settled()
            return
        self.slot.relabel(next(iter(self._stays.values())).left)
        with contextlib.suppress(Unusable):
            parts = self._parts()
            parts.stand_at(self._at)
            parts.put_back(self._at, stay.owned.among(parts.changes()))

    def saved(self, who: "Tenant") -> str:
        """Keeps what an attempt that never settled has left; returns the ref or ''."""
        stay = self._stays.get(who)
        if stay is None:
            return ""
        with contextlib.suppress(Unusable):
            parts = self._parts()
            parts.stand_at(self._at)
            return self._kept(stay, parts, stay.owned.among(parts.changes()))
        return ""

    def _parts(self) -> Parts:
        """Returns the worktree.

        Raises:
            Unusable: an agent removed it; so it is for all who are in it.
        """
        tree = self.slot.present()
        if tree is None:
            raise Unusable("the shared worktree was removed", "")
        return Parts(self.repo, tree.path, tree.git_dir)

    def _move_to(self, base: str, owned: Owned) -> None:
        """Brings all files to a commit on which nobody is at work, and the own ones in any case."""
        try:
            parts = self._parts()
        except Unusable as gone:
            where = str(self.slot.path)
            raise EnvironmentProblem(Problem(str(gone), where, "others still use it")) from gone
        parts.stand_at(self._at)
        paths = {change.path for change in self.repo.objects.changed(self._at, base)}
        paths |= owned.among(parts.changes())
        for stay in self._stays.values():
            paths -= stay.owned.among(paths)
        parts.put_back(base, paths)
        parts.stand_at(base)
        self._at = base

    def _made(self, own: set[str], content: str) -> set[str]:
        """Returns those of the paths that the set-up made and nobody touched since."""
        given = self._given
        if not given.tree:
            return own & set(given.carried)
        objects = self.repo.objects
        made = {change.path for change in objects.changed(given.base, given.tree)}
        made -= {change.path for change in objects.changed(given.tree, content)}
        return own & (made | set(given.carried))

    def _kept(self, stay: _Stay, parts: Parts, paths: Iterable[str]) -> str:
        content = parts.content(self._at, set(paths))
        if content == self.repo.objects.tree_of(self._at):
            return ""
        message = f"Files of task `{stay.left.task}`, attempt {stay.left.attempt}\n"
        commit = self.repo.objects.commit(content, (self._at,), message)
        return keep_commit(self.repo, commit, stay.left.ref)


class Tenant:
    """One worker's place in the shared worktree, for one attempt after the other."""

    def __init__(self, commons: Commons) -> None:
        self._commons = commons
        self.owned = Owned((), Path())

    @property
    def directory(self) -> Path:
        """The project's place within the worktree."""
        return self._commons.slot.directory

    def owns(self, writes: Iterable[str]) -> "Tenant":
        """Takes the patterns of the next attempt's files; returns itself."""
        self.owned = Owned(writes, self._commons.pool.inside)
        return self

    def open(
        self,
        base: str,
        label: Label,
        *,
        carry_claude: bool,  # noqa: ARG002  # there may be others who need it
        setup: Setup = NO_SETUP,
    ) -> Workspace:
        """Enters; what an earlier attempt of this worker left unsettled is saved first."""
        with self._commons.turn:
            self._commons.saved(self)
            self._commons.leave(self)
            return self._commons.enter(self, base, label, setup)

    def setup_due(self, workspace: Workspace, setup: Setup) -> bool:
        """Returns whether the set-up's commands have to run, by this one."""
        with self._commons.turn:
            return self._commons.setup_due(self, workspace, setup)

    def set_up(self, workspace: Workspace, setup: Setup) -> Workspace:
        """Says that the set-up has ended."""
        with self._commons.turn:
            return self._commons.set_up(self, workspace, setup)

    def set_up_as(self) -> Setup:
        """Returns the set-up that was made, unless somebody works there."""
        with self._commons.turn:
            return NO_SETUP if self._commons.busy else self._commons.slot.set_up_as()

    def taken_down(self) -> None:
        """Says that the set-up was taken down."""
        with self._commons.turn:
            self._commons.slot.taken_down()

    def bring(self, workspace: Workspace, content: str) -> bool:
        """Puts the task's own files of an earlier attempt into the worktree.

        Returns False if it had changed others too: they are not this task's to put there.

        Raises:
            GitError: files can't be written.
        """
        with self._commons.turn:
            return self._commons.bring(self, workspace, content)

    def take(self, workspace: Workspace) -> Work:
        """Returns the task's own files; what else was changed is kept, and named in `outside`.

        Raises:
            Unusable: the worktree was removed, or has a repository among the task's files.
            GitError: git failed.
        """
        with self._commons.turn:
            return self._commons.taken(self, workspace)

    def keep(self, work: Work, ref: str, message: str) -> str:
        """Makes work reachable under `ref`, or a numbered neighbour if taken; returns the ref."""
        return self._commons.slot.keep(work, ref, message)

    def settled(self) -> None:
        """Leaves: the content is merged or kept."""
        with self._commons.turn:
            self._commons.leave(self)

    def save(self) -> str:
        """Keeps what lies unsaved in the task's files; returns the ref or ''."""
        with self._commons.turn:
            return self._commons.saved(self)


def _spec(lines: Iterable[str]) -> "GitIgnoreSpec":
    # 40 ms to import, and most plans share no worktree
    from pathspec import GitIgnoreSpec  # noqa: PLC0415

    return GitIgnoreSpec.from_lines(lines)
