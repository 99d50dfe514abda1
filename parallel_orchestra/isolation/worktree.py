"""A pool of git worktrees outside the checkout: made once, reused by every attempt of a slot.

Inside the checkout they would confuse the user's tools (parent look-ups of cargo, eslint, tsc,
pytest). A slot belongs to a process by a lock file; one that a dead process left is taken
over, its unsaved content saved first.
"""

import contextlib
import hashlib
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO

from parallel_orchestra.errors import GitError, HeldElsewhere, Problem, WaitsForPerson
from parallel_orchestra.git import (
    Debris,
    EmbeddedRepository,
    Repo,
    WorkTree,
    collect_debris,
    worktrees,
)
from parallel_orchestra.isolation import salvage
from parallel_orchestra.isolation.carry import carry_claude
from parallel_orchestra.isolation.home import note_home
from parallel_orchestra.isolation.left import BY_HAND, LABEL, is_by_hand, lock_name
from parallel_orchestra.isolation.workspace import Label, Unusable, Work, Workspace, keep_commit
from parallel_orchestra.process import identity

#: Below a pool's directory: the worktrees of people, which nobody else reuses or removes.


def default_root(cache: Path, common_dir: Path) -> Path:
    """Returns where the worktrees of a repository lie below the user's cache directory."""
    digest = hashlib.sha256(os.fsencode(common_dir)).hexdigest()[:10]
    name = common_dir.parent.name if common_dir.name == ".git" else common_dir.stem
    return cache / "parallel-orchestra" / f"{name or 'repository'}-{digest}"


class Pool:
    """The worktrees of one repository below one directory, as one process uses them."""

    def __init__(
        self,
        repo: Repo,
        root: Path,
        project: Path,
        owner: str,
        check: Callable[[], None] = lambda: None,
    ) -> None:
        """Takes the project directory: agents work at its place within the worktree.

        `check` is called before git reads or writes the files of a worktree, and raises if that
        would run a program of an agent's.
        """
        self.repo = repo
        self.owner = owner
        self.root = root
        self.project = project
        self.check = check
        self.inside = project.resolve().relative_to(repo.top.resolve())
        self._locks: dict[str, IO[bytes]] = {}

    def collect(self) -> Debris:
        """Clears what killed git processes left of half-made worktrees, and says what that was."""
        self.root.mkdir(mode=0o700, parents=True, exist_ok=True)
        return collect_debris(self.repo, self.root)

    def slot(self, prefix: str = "wt") -> "Slot":
        """Takes the first free slot for this process; its worktree is made when it is opened."""
        number = 1
        while not self._take(f"{prefix}-{number}"):
            number += 1
        return Slot(self, self.root / f"{prefix}-{number}")

    def by_hand(self, name: str) -> "Slot":
        """Takes a person's worktree of that name for this process; the pool never removes it.

        Raises:
            HeldElsewhere: another command is at work with it.
        """
        path = self.root / BY_HAND / name
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not self._take(lock_name(path)):
            raise HeldElsewhere(
                Problem("another command is at work with this worktree", str(path), "wait for it")
            )
        return Slot(self, path, attended=True)

    def forget(self, slot: "Slot") -> None:
        """Removes a person's worktree, whose content is merged or kept; one that is gone is fine."""
        with contextlib.suppress(GitError):
            worktrees.remove(self.repo, slot.path)
        # Its name is never used again.
        (self.root / f".{lock_name(slot.path)}.lock").unlink(missing_ok=True)

    def close(self, *, remove: bool) -> None:
        """Gives all slots back; `remove` takes away every worktree that nobody uses.

        What lies unsaved in one is saved first.
        """
        try:
            if remove:
                self._remove_all()
        finally:
            for stream in self._locks.values():
                stream.close()
            self._locks.clear()

    def _remove_all(self) -> None:
        # While a question is open all of it stays as it is.
        with contextlib.suppress(WaitsForPerson):
            self.check()
            for tree in worktrees.entries(self.repo):
                if tree.path.parent == self.root.resolve():
                    self.remove(tree.path)

    def remove(self, path: Path) -> bool:
        """Removes one worktree that nobody uses, its unsaved content saved first; tells if so."""
        name = lock_name(path)
        if name not in self._locks and not self._take(name):
            return False
        # What can't or must not be saved stays where it is, and holds up nothing else.
        with contextlib.suppress(GitError, WaitsForPerson):
            Slot(self, path, attended=is_by_hand(path)).save()
            worktrees.remove(self.repo, path)
        if is_by_hand(path) and not path.exists():
            # Its name is never used again.
            (self.root / f".{name}.lock").unlink(missing_ok=True)
        return not path.exists()

    def clear_lock(self, name: str) -> bool:
        """Removes the lock file of a slot that has no worktree; tells if so: nobody may use it."""
        if not self._take(name):
            return False
        (self.root / f".{name}.lock").unlink(missing_ok=True)
        self._locks.pop(name).close()
        return True

    def _take(self, name: str) -> bool:
        import portalocker  # noqa: PLC0415  # 70 ms that only runs need

        if name in self._locks:
            return False
        stream = (self.root / f".{name}.lock").open("ab")
        try:
            portalocker.lock(stream, portalocker.LOCK_EX | portalocker.LOCK_NB)
        except portalocker.LockException:
            stream.close()
            return False
        if not _still_there(stream, self.root / f".{name}.lock"):
            # Cleared away between our opening and our locking it: somebody else may have another.
            stream.close()
            return False
        self._locks[name] = stream
        return True


def _still_there(stream: IO[bytes], path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(stream.fileno()), path.stat())
    except FileNotFoundError:
        return False


class Slot:
    """One worktree of the pool, for one thread at a time; `attended` if a person works there."""

    def __init__(self, pool: Pool, path: Path, *, attended: bool = False) -> None:
        self.path = path
        self._pool = pool
        self._repo = pool.repo
        self._attended = attended
        self._tree: WorkTree | None = None
        #: Whose work lies here; the label on the disk says it to other processes.
        self._left: salvage.Left | None = None

    def open(self, base: str, label: Label, *, carry_claude: bool) -> Workspace:
        """Makes the worktree ready at a commit, after saving what lies there unsaved.

        Raises:
            GitError: git failed; nothing is lost.
            WaitsForPerson: git would run an agent's program.
        """
        self.save()
        tree = self._found(base)
        tree.restore()
        tree.mend(base)
        tree.checkout(base)
        tree.clean()
        self._left = salvage.Left(label.task, label.attempt, label.owner, label.ref, base)
        salvage.write_label(tree.git_dir / LABEL, self._left)
        path = tree.path / self._pool.inside
        path.mkdir(parents=True, exist_ok=True)
        carried = self._carry(path, tree.path) if carry_claude else ()
        return Workspace(path, base, carried)

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
        return Workspace(self._tree.path / self._pool.inside, self._left.base), self._left

    def take(self, workspace: Workspace) -> Work:
        """Returns the worktree's content, ignored files aside.

        Raises:
            Unusable: the agent removed the worktree, made a repository of its own inside, or
                worked in a submodule.
            GitError: git failed.
            WaitsForPerson: git would run an agent's program.
        """
        self._pool.check()
        tree, base = self._tree, workspace.base
        led = tree.unlink() if tree is not None else ""
        if led:
            raise self._unusable(f"the agent replaced its worktree by a link to {led}")
        if tree is None or not tree.git_dir.is_dir() or not tree.path.is_dir():
            raise self._unusable("the agent removed its worktree")
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
        try:
            content = tree.stage_all(
                (*workspace.carried, *replaced), base=base, abandoned=not self._attended
            )
        except EmbeddedRepository as error:
            raise self._embedded((error.path,)) from error
        embedded = salvage.embedded(self._repo, base, content)
        if embedded:
            raise self._embedded(embedded)
        if inside := tree.worked_in():
            raise self._unusable(
                f"changed files inside a submodule: {', '.join(inside)}; only a commit that the "
                "submodule's remote has can be part of a merge"
            )
        changed = content != self._repo.objects.tree_of(base)
        return Work(content, tree.head() or base, changed)

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
        self._pool.check()
        tree = self._registered()
        if tree is None:
            return salvage.unregistered(self._repo, self.path, self._left)
        left = self._left or salvage.read_label(tree.git_dir / LABEL, self.path.name)
        if left is None:
            return ""
        if left.owner and left.owner != self._pool.owner:
            identity.end_marked("PO_OWNER", left.owner)
        return salvage.registered(self._repo, tree, left)

    def _found(self, base: str) -> WorkTree:
        self._tree = self._registered() or worktrees.add(self._repo, self.path, base)
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

    def _carry(self, path: Path, root: Path) -> tuple[str, ...]:
        return carry_claude(self._pool.project, self._repo.top, path, root)

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


def labelled(repo: Repo) -> Iterator[tuple[Path, salvage.Left]]:
    """Yields the repository's worktrees that have unsaved work, with whose it is."""
    for git_dir in sorted((repo.common_dir / "worktrees").glob("*")):
        path = worktrees.registered_path(git_dir)
        left = salvage.read_label(git_dir / LABEL, git_dir.name)
        if path is not None and left is not None and path.is_dir():
            yield path, left


def rescue(repo: Repo, project: Path, left_by: tuple[str, int, str], ours: str) -> str:
    """Keeps the unsaved work of an attempt (task, number, owner) that is over; returns its ref.

    Empty if there is none, or if a process still has the worktree: that one keeps it later.
    """
    for path, left in labelled(repo):
        if (left.task, left.attempt, left.owner) != left_by:
            continue
        theirs = is_by_hand(path)
        root = path.parent.parent if theirs else path.parent
        pool = Pool(repo, root, project, ours)
        try:
            if pool._take(lock_name(path)):  # noqa: SLF001  # our own
                slot = Slot(pool, path, attended=theirs)
                slot.found()
                ref = slot.save()
                if not theirs:
                    slot.settled()
                return ref
        finally:
            pool.close(remove=False)
    return ""
