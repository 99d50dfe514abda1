"""A pool of git worktrees outside the checkout: made once, reused by every attempt of a slot.

Inside the checkout they would confuse the user's tools (parent look-ups of cargo, eslint, tsc,
pytest). A slot belongs to a process by a lock file; one that a dead process left is taken
over, its unsaved content saved first.
"""

import contextlib
import hashlib
import json
from dataclasses import asdict
from pathlib import Path
from typing import IO

from parallel_orchestra.errors import GitError, Problem
from parallel_orchestra.git import Change, Repo, WorkTree, collect_debris, worktree
from parallel_orchestra.isolation.carry import carry_claude
from parallel_orchestra.isolation.workspace import Label, Work, Workspace, keep_commit
from parallel_orchestra.process import identity

_GITLINK = "160000"
_LABEL = "orchestra-slot.json"


def default_root(cache: Path, common_dir: Path) -> Path:
    """Returns where the worktrees of a repository lie below the user's cache directory."""
    digest = hashlib.sha256(str(common_dir).encode()).hexdigest()[:10]
    name = common_dir.parent.name if common_dir.name == ".git" else common_dir.stem
    return cache / "parallel-orchestra" / f"{name or 'repository'}-{digest}"


class Pool:
    """The worktrees of one repository below one directory, as one process uses them."""

    def __init__(self, repo: Repo, root: Path, project: Path, owner: str) -> None:
        """Takes the project directory: agents work at its place within the worktree."""
        self.repo = repo
        self.owner = owner
        self.root = root
        self.project = project
        self.inside = project.resolve().relative_to(repo.top.resolve())
        self._locks: dict[str, IO[bytes]] = {}

    def collect(self) -> None:
        """Clears what killed git processes left of half-made worktrees."""
        self.root.mkdir(mode=0o700, parents=True, exist_ok=True)
        collect_debris(self.repo, self.root)

    def slot(self, prefix: str = "wt") -> "Slot":
        """Takes the first free slot for this process; its worktree is made when it is opened."""
        number = 1
        while not self._take(f"{prefix}-{number}"):
            number += 1
        return Slot(self, self.root / f"{prefix}-{number}")

    def close(self, *, remove: bool) -> None:
        """Gives all slots back; `remove` takes away every worktree that nobody uses.

        What lies unsaved in one is saved first.
        """
        if remove:
            for tree in worktree.entries(self.repo):
                path = tree.path
                free = path.name in self._locks or self._take(path.name)
                if path.parent == self.root.resolve() and free:
                    slot = Slot(self, path)
                    slot.save()
                    worktree.remove(self.repo, path)
        for stream in self._locks.values():
            stream.close()
        self._locks.clear()
        if remove:
            with contextlib.suppress(OSError):
                self.root.rmdir()

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
        self._locks[name] = stream
        return True


class Slot:
    """One worktree of the pool, for one thread at a time."""

    def __init__(self, pool: Pool, path: Path) -> None:
        self._pool = pool
        self._path = path
        self._tree: WorkTree | None = None
        self._saved = False

    def open(self, base: str, label: Label, *, carry_claude: bool) -> Workspace:
        """Makes the worktree ready at a commit, after saving what lies there unsaved.

        Raises:
            GitError: git failed; nothing is lost.
        """
        tree = self._found(base)
        if not self._saved:
            self.save()
        self._saved = False
        tree.restore()
        tree.checkout(base)
        tree.clean()
        (tree.git_dir / _LABEL).write_text(json.dumps(asdict(label)))
        path = tree.path / self._pool.inside
        path.mkdir(parents=True, exist_ok=True)
        carried = self._carry(path, tree.path) if carry_claude else ()
        return Workspace(path, base, carried)

    def take(self, workspace: Workspace) -> Work:
        """Returns the worktree's content, ignored files aside.

        Raises:
            GitError: git failed, or the agent made an embedded repository.
        """
        tree = self._found(workspace.base)
        tree.restore()
        content = tree.stage_all(workspace.carried, abandoned=True)
        base_tree = self._pool.repo.objects.tree_of(workspace.base)
        if content != base_tree:
            self._refuse_embedded(self._pool.repo.objects.changed(base_tree, content))
        return Work(content, tree.head() or workspace.base, changed=content != base_tree)

    def keep(self, work: Work, ref: str, message: str) -> str:
        """Makes work reachable under `ref`, or a numbered neighbour if taken; returns the ref."""
        repo = self._pool.repo
        commit = work.head
        if repo.objects.tree_of(work.head) != work.tree:
            commit = repo.objects.commit(work.tree, (work.head,), message)
        return keep_commit(repo, commit, ref)

    def settled(self) -> None:
        """Says that the content is merged or kept, so that the next `open` need not save it."""
        self._saved = True

    def save(self) -> str:
        """Keeps what lies in the worktree unsaved under its label's ref; returns the ref or ''.

        Processes that the label's dead owner left at work there are ended first.
        """
        tree = self._tree or self._registered()
        label = _read_label(tree) if tree is not None else None
        if tree is None or label is None:
            return ""
        if label.owner != self._pool.owner:
            identity.end_marked("PO_OWNER", label.owner)
        tree.restore()
        content, head = tree.stage_all(abandoned=True), tree.head()
        if head is None:
            return ""
        objects = self._pool.repo.objects
        clean = content == objects.tree_of(head) and self._reachable(head)
        if clean:
            return ""
        message = f"Unfinished work of task `{label.task}`, attempt {label.attempt}"
        return self.keep(Work(content, head, changed=True), label.ref, message)

    def _found(self, base: str) -> WorkTree:
        if self._tree is None:
            self._tree = self._registered() or worktree.add(self._pool.repo, self._path, base)
        return self._tree

    def _registered(self) -> WorkTree | None:
        try:
            return worktree.find(self._pool.repo, self._path)
        except GitError:
            return None

    def _reachable(self, commit: str) -> bool:
        git = self._pool.repo.git
        return bool(git.run("for-each-ref", "--count=1", f"--contains={commit}").out)

    def _carry(self, path: Path, root: Path) -> tuple[str, ...]:
        return carry_claude(self._pool.project, self._pool.repo.top, path, root)

    def _refuse_embedded(self, changes: tuple[Change, ...]) -> None:
        new = [change.path for change in changes if change.mode == _GITLINK]
        if new and not any(change.path == ".gitmodules" for change in changes):
            raise GitError(
                Problem(
                    f"the agent made a git repository inside its worktree: {', '.join(new)}",
                    str(self._path),
                    "its files can't be part of a commit; ask for plain files, or for a submodule",
                )
            )


def _read_label(tree: WorkTree) -> Label | None:
    try:
        return Label(**json.loads((tree.git_dir / _LABEL).read_text()))
    except (OSError, ValueError, TypeError):
        return None
