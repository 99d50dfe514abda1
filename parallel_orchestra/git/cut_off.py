"""Makes way after a `git merge --ff-only` that was killed or failed while it moved a user's checkout.

Git writes the files one after the other, then the index, then the branch. Cut off in between, it
leaves lock files in the way of every git, and files that it would not write over the next time.
No file of the checkout is touched: those that are already what they are to become are entered
into the index, and git does the rest. What may be the user's stays, and git refuses then.
"""

import os
from collections.abc import Collection, Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from parallel_orchestra.git.call import Git
from parallel_orchestra.git.refs import remove_untouched
from parallel_orchestra.git.repo import Repo

#: Where the processes are that can be seen, and what they have open; Linux has it.
_PROCESSES = Path("/proc")
_GONE, _SUBMODULE = "000000", "160000"


def clear_locks(
    repo: Repo, checkout: Path | None, branch: str, commits: Collection[str]
) -> tuple[Path, ...]:
    """Removes the locks of a git that was cut off, and returns those that stay: they may be somebody's.

    The caller knows that a git of ours was cut off while it moved `branch`, from and to one of
    these commits, and holds the repository's mutex. A lock goes if nobody changes it for a
    second, no process has it open, and it holds what ours would: for a ref one of the commits or
    the beginning of it, for the index nothing whole. `git commit` keeps a whole one while its
    editor is open, without having it open.

    Raises:
        GitError: git can't look at the checkout.
    """
    locks = [repo.common_dir / "refs" / "heads" / f"{branch}.lock"]
    if checkout is not None:
        git = Git(repo.environ, checkout, mutex=repo.mutex)
        git_dir = Path(git.run("rev-parse", "--absolute-git-dir").line)
        locks += [git_dir / "HEAD.lock", git_dir / "ORIG_HEAD.lock"]
        index = git_dir / "index.lock"
        if index.exists() and (_is_whole(index, git) or not _removed(index)):
            return (index,)
    return tuple(
        lock for lock in locks if lock.exists() and not (_begins(lock, commits) and _removed(lock))
    )


def _is_whole(index: Path, git: Git) -> bool:
    view = replace(git, environ={**git.environ, "GIT_INDEX_FILE": str(index)})
    return view.run("ls-files", "--cached", ok=range(256)).code == 0


def _removed(lock: Path) -> bool:
    return not _may_be_open(lock) and remove_untouched(lock)


def _may_be_open(lock: Path) -> bool:
    """Returns whether a process has the file open, as every git has that is still writing it.

    Where that can't be seen, the answer is yes: without /proc, or of a git of another user.
    """
    if not (_PROCESSES / "self" / "fd").is_dir():
        return True
    with suppress(FileNotFoundError):
        # Not by its path: another container may see it under another.
        file = os.stat(lock)
        for process in _PROCESSES.glob("[0-9]*"):
            # It may end while we look.
            with suppress(FileNotFoundError, ProcessLookupError):
                try:
                    descriptors = list((process / "fd").iterdir())
                except PermissionError:
                    if (process / "comm").read_text().startswith("git"):
                        return True
                    continue
                if any(_is(file, descriptor) for descriptor in descriptors):
                    return True
    return False


def _is(file: os.stat_result, descriptor: Path) -> bool:
    with suppress(OSError):
        return os.path.samestat(file, os.stat(descriptor))
    return False


def _begins(lock: Path, commits: Collection[str]) -> bool:
    with suppress(OSError):
        content = lock.read_text(errors="replace").strip()
        return any(commit.startswith(content) for commit in commits)
    return False


def enter_written(repo: Repo, checkout: Path, before: str, to: str) -> None:
    """Enters into the index what a cut-off move from `before` to `to` has written already.

    These are files that git takes for equal to those of `to`, and whose entry is still that of
    `before`: to move there then leaves them as they are. Files that are half written, or that
    somebody changed, keep their entries.

    Raises:
        GitError: git can't look at the checkout, or somebody is at work on its index.
    """
    git = Git(repo.environ, checkout, mutex=repo.mutex)
    words = ("--name-only", "-z", "--no-renames", before, "--")
    staged = set(git.run("diff-index", "--cached", *words).fields)
    entries = {path: mode for path, mode in _entries(git, before, to) if path not in staged}
    written = [path for path in entries if _is_dropped(checkout / path, entries[path])]
    there = {path: entry for path, entry in entries.items() if not entry.startswith(_GONE)}
    with TemporaryDirectory() as folder:
        view = replace(git, environ={**git.environ, "GIT_INDEX_FILE": f"{folder}/index"})
        _enter(view, there)
        view.run("update-index", "-q", "--refresh", ok=(0, 1))
        other = set(view.run("diff-files", "--name-only", "-z").fields)
    written += [path for path in there if path not in other]
    _enter(git, {path: entries[path] for path in written})


def _entries(git: Git, before: str, to: str) -> Iterator[tuple[str, str]]:
    """Yields each changed path, with mode and object that it has in `to`."""
    raw = git.run("diff-tree", "-r", "-z", "--raw", "--no-renames", "--full-index", before, to)
    for facts, path in zip(raw.fields[::2], raw.fields[1::2], strict=True):
        _, mode, _, found, _ = facts.split(" ")
        if _SUBMODULE not in facts:
            yield path, f"{mode} {found}"


def _is_dropped(path: Path, entry: str) -> bool:
    # A file that git has removed already it does not miss, but the directory instead of it.
    return entry.startswith(_GONE) and path.is_dir() and not path.is_symlink()


def _enter(git: Git, entries: dict[str, str]) -> None:
    lines = (f"{entry}\t".encode() + os.fsencode(path) + b"\0" for path, entry in entries.items())
    if entries:
        git.run("update-index", "-z", "--index-info", given=b"".join(lines))
