"""One worktree of a pool, as one attempt after the other works in it.

Nothing that an agent left in it is believed, and nothing is thrown away before it is saved.
"""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from parallel_orchestra.errors import GitError
from parallel_orchestra.frozen import frozen
from parallel_orchestra.git import Conflicted, EmbeddedRepository, Parts, Repo, WorkTree, worktrees
from parallel_orchestra.isolation import salvage
from parallel_orchestra.isolation.carry import carry_claude
from parallel_orchestra.isolation.home import note_home
from parallel_orchestra.isolation.left import LABEL
from parallel_orchestra.isolation.set_up_note import forget_set_up, note_set_up
from parallel_orchestra.isolation.supplies import Supplies, is_kept, kept_patterns, there
from parallel_orchestra.isolation.workspace import (
    Given,
    Label,
    Unusable,
    Work,
    Workspace,
    keep_commit,
)
from parallel_orchestra.model import NO_SETUP, Setup
from parallel_orchestra.process import identity


@frozen
class Site:
    """What all worktrees of a pool have in common; see `Pool`."""

    repo: Repo
    project: Path
    owner: str
    check: Callable[[], None]
    inside: Path
    supplies: Supplies


@frozen
class _Done:
    """The set-up that was made here, from what, and what it left of what it keeps.

    It `lasts` if it made nothing else, which the next cleaning would take away.
    """

    setup: Setup
    inputs: str
    kept: frozenset[str] = frozenset()
    lasts: bool = False


class Slot:
    """One worktree of the pool, for one thread at a time; `attended` if a person works there."""

    def __init__(self, site: Site, path: Path, *, attended: bool = False) -> None:
        self.path = path
        self._site = site
        self._repo = site.repo
        self._attended = attended
        self._tree: WorkTree | None = None
        #: Whose work lies here; the label on the disk says it to other processes.
        self._left: salvage.Left | None = None
        #: Only what this process made itself: agents can write wherever it could be noted.
        self._done: _Done | None = None

    @property
    def directory(self) -> Path:
        """The project's place within the worktree."""
        return self.path / self._site.inside

    def open(
        self, base: str, label: Label, *, carry_claude: bool, setup: Setup = NO_SETUP
    ) -> Workspace:
        """Makes the worktree ready at a commit, after saving what lies there unsaved.

        Of what an earlier set-up made, what it keeps stays if the set-up is still the same.

        Raises:
            GitError: git failed; nothing is lost.
            WaitsForPerson: git would run an agent's program.
            OSError: what the set-up copies can't be copied.
        """
        self.save()
        tree = self._found(base)
        tree.restore()
        tree.mend(base)
        tree.checkout(base)
        if self._done is not None and self._done.setup != setup:
            self._done = None
        kept = kept_patterns(setup, self._site.inside)
        tree.clean(spare=kept if self._done is not None else ())
        left = salvage.Left(label.task, label.attempt, label.owner, label.ref, base)
        # Until the set-up has ended there is no work of anybody's to save.
        self._note(tree, replace(left, begun=False))
        tree.path.joinpath(self._site.inside).mkdir(parents=True, exist_ok=True)
        carried = self._carry(tree) if carry_claude else ()
        carried += self._site.supplies.put(setup, tree.path)
        given = Given(carried, kept, "", base)
        if not (setup.run or setup.keep):
            self._note(tree, replace(left, given=given))
        return Workspace(tree.path / self._site.inside, base, given)

    def setup_due(self, workspace: Workspace, setup: Setup) -> bool:
        """Returns whether the set-up's commands have to run; if so, an earlier one is forgotten."""
        if not setup.run:
            return False
        done = self._done
        if (
            done is not None
            and done.lasts
            and done.inputs == self._site.supplies.inputs_of(setup, workspace.base)
            and done.kept <= there(setup.keep, workspace.path)
        ):
            return False
        self._done = None
        return True

    def set_up(self, workspace: Workspace, setup: Setup) -> Workspace:
        """Notes that the set-up has ended; what it made from here on is no work of the task's.

        Raises:
            GitError: git failed.
        """
        tree = self._tree
        if tree is None or self._left is None:
            return workspace
        note_set_up(tree.git_dir, setup)
        if not (setup.run or setup.keep):
            return workspace
        content = tree.snapshot(workspace.given.carried, base=workspace.base)
        made = "" if content == self._repo.objects.tree_of(workspace.base) else content
        given = replace(workspace.given, tree=made)
        self._note(tree, replace(self._left, begun=True, given=given))
        if self._done is None:
            inputs = self._site.supplies.inputs_of(setup, workspace.base)
            kept = there(setup.keep, workspace.path)
            self._done = _Done(setup, inputs, kept, bool(kept) and self._lasts(tree, given))
        return replace(workspace, given=given)

    def set_up_as(self) -> Setup:
        """Returns the set-up that this process made here last, and nobody took down."""
        return self._done.setup if self._done is not None else NO_SETUP

    def present(self) -> WorkTree | None:
        """Returns the open worktree, its link to our repository put right; None if it is gone."""
        tree = self._registered()
        if tree is None or not tree.path.is_dir():
            return None
        tree.restore()
        return tree

    def relabel(self, left: salvage.Left) -> None:
        """Notes whose work lies here now."""
        if self._tree is not None and self._left is not None:
            self._note(self._tree, replace(left, given=self._left.given))

    def adopt(self, setup: Setup) -> None:
        """Takes a set-up that an earlier process made here for one of ours."""
        self._done = _Done(setup, "")

    def taken_down(self) -> None:
        """Notes that the set-up is no more."""
        self._done = None
        if self._tree is not None:
            forget_set_up(self._tree.git_dir)

    def note_home(self, tasks_dir: Path) -> None:
        """Notes in the open worktree which run it is for, so that commands typed there know."""
        if self._tree is not None and self._left is not None:
            note_home(self._tree.git_dir, tasks_dir, self._left.owner)

    def head(self) -> str | None:
        """Returns the commit that the worktree's HEAD stands for, or None."""
        return self._tree.head() if self._tree is not None else None

    def resolve(self, revision: str) -> str | None:
        """Returns the commit that a name stands for in the worktree, or None."""
        return self._tree.resolve(revision) if self._tree is not None else None

    def found(self) -> tuple[Workspace, salvage.Left] | None:
        """Returns what an earlier process opened here, and whose it is; None if it is gone."""
        self._tree = self._registered()
        if self._tree is None or not self._tree.path.is_dir():
            return None
        self._left = salvage.read_label(self._tree.git_dir / LABEL, self.path.name)
        if self._left is None:
            return None
        left = self._left
        return Workspace(self._tree.path / self._site.inside, left.base, left.given), left

    def bring(self, workspace: Workspace, content: str) -> bool:
        """Puts the files of an earlier attempt's tree into the open worktree.

        Raises:
            GitError: files can't be written; some may have been.
            WaitsForPerson: git would run an agent's program.
        """
        self._site.check()
        tree = self._tree
        if tree is None:
            return False
        changes = self._repo.objects.changed(workspace.base, content)
        parts = Parts(self._repo, tree.path, tree.git_dir)
        parts.put_back(content, [change.path for change in changes])
        return True

    def begin_merge(self, workspace: Workspace, theirs: str, conflict: Conflicted) -> None:
        """Makes of the open worktree the beginning of a merge that somebody has to resolve.

        Raises:
            GitError: files can't be written.
            WaitsForPerson: git would run an agent's program.
        """
        self._site.check()
        if self._tree is not None:
            parts = Parts(self._repo, self._tree.path, self._tree.git_dir)
            parts.begin_merge(workspace.base, theirs, conflict)

    def take(self, workspace: Workspace) -> Work:
        """Returns the worktree's content, without ignored files and what was given to it.

        Raises:
            Unusable: the agent removed the worktree, made a repository of its own inside, or
                worked in a submodule.
            GitError: git failed.
            WaitsForPerson: git would run an agent's program.
        """
        self._site.check()
        tree, base = self._tree, workspace.base
        led = tree.unlink() if tree is not None else ""
        if led:
            raise self._unusable(f"the agent replaced its worktree by a link to {led}")
        if tree is None or not tree.git_dir.is_dir() or not tree.path.is_dir():
            raise self._unusable("the agent removed its worktree")
        if self._left is not None:
            self._regain(tree, self._left)
        tree.restore()
        tree.mend(base)
        unresolved = tree.unresolved()
        if unresolved:
            files = ", ".join(unresolved[:5])
            raise self._unusable(f"the agent left a merge half done, with conflicts in {files}")
        replaced = tuple(path.name for path in tree.path.glob(".git.replaced-*"))
        if replaced:
            # A repository that stood in the place of ours is no work, but not lost either.
            self.save()
        content, given = self._staged(tree, workspace, replaced)
        embedded = salvage.embedded(self._repo, workspace.given.tree or base, content)
        if embedded:
            raise self._embedded(embedded)
        if inside := tree.worked_in():
            raise self._unusable(
                f"changed files inside a submodule: {', '.join(inside)}; only a commit that the "
                "submodule's remote has can be part of a merge"
            )
        changed = content != self._repo.objects.tree_of(base)
        head = tree.head() or base
        return Work(content, head, changed, pure=not self._has(head, base, given))

    def keep(self, work: Work, ref: str, message: str) -> str:
        """Makes work reachable under `ref`, or a numbered neighbour if taken; returns the ref."""
        commit = work.head
        if self._repo.objects.tree_of(work.head) != work.tree:
            commit = self._repo.objects.commit(work.tree, (work.head,), message)
        return keep_commit(self._repo, commit, ref)

    def settled(self) -> None:
        """Says that the content is merged or kept, so that the next `open` need not save it."""
        self._left = None
        if self._tree is not None:
            # On the disk, because another process may be the next to open or remove it.
            (self._tree.git_dir / LABEL).unlink(missing_ok=True)

    def save(self) -> str:
        """Keeps what lies in the worktree unsaved under its label's ref; returns the ref or ''.

        Processes that the label's dead owner left at work there are ended first.
        """
        self._site.check()
        tree = self._registered()
        if tree is None:
            return salvage.unregistered(self._repo, self.path, self._left)
        left = self._left or salvage.read_label(tree.git_dir / LABEL, self.path.name)
        if left is None:
            return ""
        if left.owner and left.owner != self._site.owner:
            identity.end_marked("PO_OWNER", left.owner)
        if not left.begun:
            return ""
        self._regain(tree, left)
        return salvage.registered(self._repo, tree, left)

    def _regain(self, tree: WorkTree, left: salvage.Left) -> None:
        """Takes back what a kind of slot gave away with its worktree; here it is nothing."""

    def _staged(
        self, tree: WorkTree, workspace: Workspace, replaced: tuple[str, ...]
    ) -> tuple[str, tuple[str, ...]]:
        """Returns the content as a tree, and the paths in it that were given and not made."""
        base, given, exclude = workspace.base, workspace.given, workspace.given.carried
        abandoned = not self._attended
        try:
            content = tree.stage_all((*exclude, *replaced), base=base, abandoned=abandoned)
            if furnished := self._furnished(given, base, content):
                exclude = (*exclude, *furnished)
                content = tree.stage_all((*exclude, *replaced), base=base, abandoned=abandoned)
        except EmbeddedRepository as error:
            raise self._embedded((error.path,)) from error
        return content, exclude

    def _furnished(self, given: Given, base: str, content: str) -> set[str]:
        """Returns what the set-up made and nobody touched since, and what is only kept here."""
        objects = self._repo.objects
        paths: set[str] = set()
        if given.tree:
            paths = {change.path for change in objects.changed(given.base, given.tree)}
            paths -= {change.path for change in objects.changed(given.tree, content)}
        if given.kept:
            added = (one.path for one in objects.changed(base, content) if one.status == "A")
            paths |= is_kept(added, given.kept)
        return paths

    def _has(self, head: str, base: str, given: tuple[str, ...]) -> bool:
        """Returns whether commits of the agent's have something in them that was given to it."""
        if head == base or not given:
            return False
        return not self._repo.objects.touched(base, head).isdisjoint(given)

    def _lasts(self, tree: WorkTree, given: Given) -> bool:
        """Returns whether the next cleaning leaves all that the set-up made."""
        if tree.filled_submodules():
            # An agent may have been at work in one, so the next task gets it from git again.
            return False
        if given.tree:
            changes = self._repo.objects.changed(given.base, given.tree)
            added = {one.path for one in changes if one.status == "A"}
            if len(is_kept(added, given.kept)) < len(changes):
                return False
        return set(tree.untracked(given.kept)) <= set(given.carried)

    def _note(self, tree: WorkTree, left: salvage.Left) -> None:
        self._left = left
        salvage.write_label(tree.git_dir / LABEL, left)

    def _found(self, base: str) -> WorkTree:
        known = self._registered()
        if known is None:
            self._done = None
        self._tree = known or worktrees.add(self._repo, self.path, base, empty=True)
        return self._tree

    def _registered(self) -> WorkTree | None:
        tree = self._tree
        if tree is None or not tree.git_dir.is_dir():
            try:
                tree = worktrees.find(self._repo, self.path)
            except GitError:
                return None
        # Never through a link, wherever it leads: an agent that was killed may have made it.
        tree.unlink()
        return tree if tree.git_dir.is_dir() else None

    def _carry(self, tree: WorkTree) -> tuple[str, ...]:
        target = tree.path / self._site.inside
        return carry_claude(self._site.project, self._repo.top, target, tree.path)

    def _embedded(self, paths: tuple[str, ...]) -> Unusable:
        return self._unusable(
            f"the agent made a git repository inside its worktree: {', '.join(paths)}; "
            "its files can't be part of a commit"
        )

    def _unusable(self, reason: str) -> Unusable:
        if self._attended:
            # Its person is there to mend it.
            return Unusable(reason, "")
        ref = self.save()
        self.settled()
        return Unusable(reason, ref)
