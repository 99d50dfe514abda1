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

from parallel_orchestra import files
from parallel_orchestra.errors import GitError, HeldElsewhere, Problem, WaitsForPerson
from parallel_orchestra.git import Debris, Repo, collect_debris, worktrees
from parallel_orchestra.isolation import salvage
from parallel_orchestra.isolation.clone import CLONES, Clone
from parallel_orchestra.isolation.left import BY_HAND, LABEL, is_by_hand, lock_name
from parallel_orchestra.isolation.slot import Site, Slot
from parallel_orchestra.isolation.supplies import Supplies

#: What the pool calls the worktrees in which others look at the work of agents.
BENCH = "qa"


def default_root(cache: Path, common_dir: Path) -> Path:
    """Returns where the worktrees of a repository lie below the user's cache directory."""
    digest = hashlib.sha256(os.fsencode(common_dir)).hexdigest()[:10]
    name = common_dir.parent.name if common_dir.name == ".git" else common_dir.stem
    return cache / "parallel-orchestra" / f"{name or 'repository'}-{digest}"


def slot_at(site: Site, path: Path, *, attended: bool = False) -> Slot:
    """Returns the slot that a worktree of the pool is, by its name."""
    if path.name.startswith(f"{CLONES}-") and not attended:
        return Clone(site, path)
    return Slot(site, path, attended=attended)


class Pool:
    """The worktrees of one repository below one directory, as one process uses them."""

    def __init__(
        self,
        repo: Repo,
        root: Path,
        project: Path,
        owner: str,
        check: Callable[[], None] = lambda: None,
        tasks: Path | None = None,
    ) -> None:
        """Takes the project directory: agents work at its place within the worktree.

        `check` is called before git reads or writes the files of a worktree, and raises if that
        would run a program of an agent's. `tasks` is the run's task directory, of which nothing
        is put into worktrees; None for who makes none.
        """
        self.repo = repo
        self.owner = owner
        self.root = root
        self.check = check
        self.inside = project.resolve().relative_to(repo.top.resolve())
        self.site = Site(repo, project, owner, check, self.inside, Supplies(repo, project, tasks))
        self._locks: dict[str, IO[bytes]] = {}

    def collect(self) -> Debris:
        """Clears what killed git processes left of half-made worktrees, and says what that was."""
        self.root.parent.parent.mkdir(parents=True, exist_ok=True)
        files.make_directory(self.root)
        return collect_debris(self.repo, self.root)

    def slot(self, prefix: str = "wt") -> Slot:
        """Takes the first free slot for this process; its worktree is made when it is opened."""
        number = 1
        while not self._take(f"{prefix}-{number}"):
            number += 1
        return slot_at(self.site, self.root / f"{prefix}-{number}")

    def by_hand(self, name: str) -> Slot:
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
        return slot_at(self.site, path, attended=True)

    def at(self, path: Path) -> Slot:
        """Takes the slot that has, or had, its worktree there for this process.

        Raises:
            HeldElsewhere: somebody works in it.
        """
        self.root.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not self._take(path.name):
            what = "somebody works in the worktree that the session belongs to"
            raise HeldElsewhere(Problem(what, str(path), "wait until that is over"))
        return slot_at(self.site, path)

    def forget(self, slot: Slot) -> None:
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
            for _, path in worktrees.known(self.repo):
                if path.parent == self.root.resolve():
                    self.remove(path)

    def remove(self, path: Path) -> bool:
        """Removes one worktree that nobody uses, its unsaved content saved first; tells if so."""
        name = lock_name(path)
        if name not in self._locks and not self._take(name):
            return False
        # What can't or must not be saved stays where it is, and holds up nothing else.
        with contextlib.suppress(GitError, WaitsForPerson):
            slot_at(self.site, path, attended=is_by_hand(path)).save()
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
        stream = files.open_to_lock(self.root / f".{name}.lock")
        try:
            portalocker.lock(stream, portalocker.LOCK_EX | portalocker.LOCK_NB)
        except portalocker.LockException:
            stream.close()
            return False
        if not _still_there(stream, self.root / f".{name}.lock"):
            # Cleared away between our opening and our locking it: somebody else may have another.
            stream.close()
            return False
        # For people who wonder; that it is locked is what counts.
        with contextlib.suppress(OSError):
            os.ftruncate(stream.fileno(), 0)
            os.write(stream.fileno(), f"{self.owner}\n".encode())
        self._locks[name] = stream
        return True


def _still_there(stream: IO[bytes], path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(stream.fileno()), path.stat())
    except FileNotFoundError:
        return False


def labelled(repo: Repo) -> Iterator[tuple[Path, salvage.Left]]:
    """Yields the repository's worktrees that have unsaved work, with whose it is."""
    for git_dir, path in worktrees.known(repo):
        left = salvage.read_label(git_dir / LABEL, git_dir.name)
        if left is not None and path.is_dir():
            yield path, left


def rescue(repo: Repo, project: Path, left_by: tuple[str, int, str], ours: str) -> str:
    """Keeps the unsaved work of an attempt (task, number, owner) that is over; returns its ref.

    Empty if there is none, or if a process still has the worktree: that one keeps it later. What
    others made on the bench, who only looked at it, comes after its own.
    """
    found = ""
    for path, left in sorted(labelled(repo), key=lambda one: one[0].name.startswith(f"{BENCH}-")):
        if (left.task, left.attempt, left.owner) != left_by:
            continue
        theirs = is_by_hand(path)
        root = path.parent.parent if theirs else path.parent
        pool = Pool(repo, root, project, ours)
        try:
            if pool._take(lock_name(path)):  # noqa: SLF001  # our own
                slot = slot_at(pool.site, path, attended=theirs)
                slot.found()
                ref = slot.save()
                found = found or ref
                if not theirs:
                    slot.settled()
        finally:
            pool.close(remove=False)
    return found
