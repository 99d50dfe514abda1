"""The linked work trees of a repository: made, found by their path, listed, removed."""

import os
import shutil
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from parallel_orchestra.errors import GitError
from parallel_orchestra.files import regain
from parallel_orchestra.git import leftovers
from parallel_orchestra.git.call import Git
from parallel_orchestra.git.repo import Repo
from parallel_orchestra.git.worktree import POOLED, WorkTree


@dataclass(frozen=True, slots=True)
class Entry:
    """One work tree as git lists it; `branch` is a full ref name, or None if detached."""

    path: Path
    head: str | None
    branch: str | None
    locked: bool


def add(repo: Repo, path: Path, commit: str, *, empty: bool = False) -> WorkTree:
    """Makes a work tree at `path`, detached at a commit, and returns it with the path git gave it.

    An `empty` one has neither files nor an index until its `checkout`.
    Under the repository's mutex: parallel `git worktree add` fails.

    Raises:
        GitError: `path` is taken, or there is no such commit.
    """
    git = Git(repo.environ, repo.common_dir, repo.common_dir, settings=POOLED, mutex=repo.mutex)
    words = ["worktree", "add", "--quiet", "--detach", "--force", "--no-guess-remote"]
    words += ["--no-checkout"] if empty else []
    with repo.lock():
        git.run(*words, "--", str(path), commit)
        tree = find(repo, path)
        leftovers.keep_settings(tree.git_dir)
        # Against somebody's `git worktree prune` while an agent's `.git` file is gone
        # (gitrepository-layout(5)); `add --lock` would look like a tree never finished.
        (tree.git_dir / "locked").write_text("parallel-orchestra works in it\n")
        return tree


def find(repo: Repo, path: Path) -> WorkTree:
    """Returns the work tree that the repository has at `path`, whatever its `.git` file says.

    Raises:
        GitError: the repository has none there.
        OSError: it can't be said, as one of them can't be read.
    """
    sought, unread = path.resolve(), None
    for git_dir in repo.linked():
        try:
            known = registered_path(git_dir)
        except OSError as error:
            unread = error
            continue
        if known is not None and (known == path or known.resolve() == sought):
            return WorkTree(repo, known, git_dir)
    if unread is not None:
        # Perhaps the one that is sought; another user's that nobody may read does no harm above.
        raise unread
    raise repo.git.failure(("worktree",), f"knows no work tree at `{path}`")


def remove(repo: Repo, path: Path) -> None:
    """Removes a work tree and all its files, locked or damaged as it may be.

    Raises:
        GitError: the repository has none there, or its files can't be removed.
    """
    with repo.lock():
        tree = find(repo, path)
        try:
            tree.restore()
            repo.git.run("worktree", "remove", "--force", "--force", "--", str(tree.path))
        except (GitError, OSError):
            # Read-only directories, or an entry that git itself does not accept.
            regain(tree.path)
            shutil.rmtree(tree.path, ignore_errors=True)
            shutil.rmtree(tree.git_dir, ignore_errors=True)
            if tree.path.exists() or tree.git_dir.exists():
                raise


def entries(repo: Repo) -> tuple[Entry, ...]:
    """Returns all work trees of the repository, the main one first."""
    records: list[dict[str, str]] = []
    for fact in repo.git.run("worktree", "list", "--porcelain", "-z").fields:
        key, _, value = fact.partition(" ")
        if key == "worktree":
            records.append({})
        if key:
            records[-1][key] = value
    return tuple(
        Entry(
            path=Path(record["worktree"]),
            head=record.get("HEAD"),
            branch=record.get("branch"),
            locked="locked" in record,
        )
        for record in records
    )


def known(repo: Repo) -> Iterator[tuple[Path, Path]]:
    """Yields git's own directory and the place of each linked work tree of which that can be read."""
    for git_dir in repo.linked():
        with suppress(OSError):
            if (path := registered_path(git_dir)) is not None:
                yield git_dir, path


def registered_path(git_dir: Path) -> Path | None:
    """Returns the work tree that belongs to a `worktrees/<x>` directory, or None if that is half made.

    Raises:
        OSError: it can't be read.
    """
    try:
        content = os.fsdecode((git_dir / "gitdir").read_bytes()).removesuffix("\n")
    except (FileNotFoundError, NotADirectoryError):
        return None
    # Newer gits may write it relative to its own directory.
    return Path(os.path.normpath(git_dir / content)).parent if content else None
