"""The linked work trees of a repository: made, found by their path, listed, removed."""

import os
import shutil
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from parallel_orchestra.errors import GitError
from parallel_orchestra.files import regain
from parallel_orchestra.git import leftovers
from parallel_orchestra.git.call import Git
from parallel_orchestra.git.repo import Repo
from parallel_orchestra.git.worktree import POOLED, WorkTree


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
        try:
            git.run(*words, "--", str(path), commit)
        except GitError:
            # git fails at every entry that a killed one left without content in `commondir`.
            if not _forget_unfinished(repo, path.parent):
                raise
            git.run(*words, "--", str(path), commit)
        tree = find(repo, path)
        leftovers.keep_settings(tree.git_dir)
        # Against somebody's `git worktree prune` while an agent's `.git` file is gone
        # (gitrepository-layout(5)); `add --lock` would look like a tree never finished.
        (tree.git_dir / "locked").write_text("parallel-orchestra works in it\n")
        return tree


def _forget_unfinished(repo: Repo, folder: Path) -> bool:
    """Removes what killed ones left in a folder of ours; the mutex says that none is at work."""
    found = [(at, path) for at, path in known(repo) if path.resolve().parent == folder.resolve()]
    unfinished = [(at, path) for at, path in found if never_finished(at)]
    for at, path in unfinished:
        discard(path, at)
    return bool(unfinished)


def never_finished(git_dir: Path) -> bool:
    """Tells if a work tree was never made whole: its `git worktree add` is at work, or dead."""
    # It holds this lock until its checkout is complete (builtin/worktree.c).
    try:
        return (git_dir / "locked").read_text(errors="replace").strip() == "initializing"
    except OSError:
        return False


def discard(path: Path, git_dir: Path) -> None:
    """Removes a work tree and what git knows of it, as far as that can be removed, without git."""
    regain(path)
    shutil.rmtree(path, ignore_errors=True)
    shutil.rmtree(git_dir, ignore_errors=True)


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
            discard(tree.path, tree.git_dir)
            if tree.path.exists() or tree.git_dir.exists():
                raise


def branch_checked_out(repo: Repo, branch: str) -> Path | None:
    """Returns the work tree (the user's or a linked one) that has this branch, or None."""
    return next(iter(checkouts(repo, branch)), None)


def checkouts(repo: Repo, branch: str) -> tuple[Path, ...]:
    """Returns all work trees that have this branch; more than one only if somebody forced it.

    Read from the files of gitrepository-layout(5): `git worktree list` fails at an entry whose
    `git worktree add` was killed, or has only just begun.
    """
    places = [(repo.git_dir, repo.top)]
    if repo.git_dir != repo.common_dir:
        places = [*_main(repo), *places]
    places += [(at, path) for at, path in known(repo) if at != repo.git_dir]
    ref = f"refs/heads/{branch}"
    return tuple(path for at, path in places if path.is_dir() and _head_ref(at) == ref)


def _main(repo: Repo) -> list[tuple[Path, Path]]:
    """Returns the main work tree, seen from a linked one; a bare repository has none."""
    if repo.git.run("rev-parse", "--is-bare-repository").line == "true":
        return []
    common = repo.common_dir
    # As git has it: it takes the main one to lie around its git directory.
    return [(common, common.parent if common.name == ".git" else common)]


def _head_ref(git_dir: Path) -> str | None:
    head = git_dir / "HEAD"
    with suppress(OSError, UnicodeDecodeError):
        # Old gits may write a symbolic link (`core.preferSymlinkRefs`).
        return (
            os.readlink(head)
            if head.is_symlink()
            else head.read_text().removeprefix("ref:").strip()
        )
    return None


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
