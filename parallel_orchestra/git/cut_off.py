"""Takes back what a killed `git merge --ff-only` left half done in a user's checkout.

Git writes the files one after the other, then the index, then the branch. Killed in between, it
leaves lock files in the way of every git, and new files that it refuses to write over the next
time. Only what is provably git's is touched: a lock that nobody has open, a file whose content
is the beginning of what was to be written there.
"""

import os
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from parallel_orchestra.git.call import Git
from parallel_orchestra.git.objects import Change
from parallel_orchestra.git.refs import remove_untouched
from parallel_orchestra.git.repo import Repo

_SUBMODULE = "160000"


def take_back(repo: Repo, checkout: Path, branch: str, before: str, to: str) -> bool:
    """Makes a checkout on `branch` (at `before`) such that it can be moved to `to` once more.

    Returns False if the lock of its index stays, since it may be somebody's who is at work.

    The caller knows that a git of ours was killed while it did that, and holds the repository's
    mutex, so that none is at work. What is not git's stays as it is: moving forward is refused
    then, in git's words.

    Raises:
        GitError: git can't look at the checkout, or can't write its files.
    """
    git = Git(repo.environ, checkout, mutex=repo.mutex)
    git_dir = Path(git.run("rev-parse", "--absolute-git-dir").line)
    index = git_dir / "index.lock"
    if index.exists() and not _is_held(index) and _is_of_a_forward(repo, git, index, to):
        remove_untouched(index)
    refs = [git_dir / "HEAD.lock", git_dir / "ORIG_HEAD.lock"]
    for lock in (*refs, repo.common_dir / "refs" / "heads" / f"{branch}.lock"):
        if lock.exists() and not _is_held(lock) and _begins(lock, before, to):
            remove_untouched(lock)
    if index.exists():
        return False
    if not (repo.is_ancestor(to, before) or _index_is(git, to)):
        # Else nothing is half done, or git has but the branch to move.
        _restore(git, checkout, before, to, repo.objects.changed(before, to))
    return True


def _is_held(lock: Path) -> bool:
    """Returns whether a process has the file open, as every git has that is still writing it."""
    if not Path("/proc/self/fd").is_dir():
        return True
    for process in filter(str.isdigit, os.listdir("/proc")):
        # It may end while we look, and what others run is not ours to see.
        with suppress(OSError):
            for number in os.listdir(f"/proc/{process}/fd"):
                with suppress(OSError):
                    if os.readlink(f"/proc/{process}/fd/{number}") == str(lock):
                        return True
    return False


def _is_of_a_forward(repo: Repo, git: Git, lock: Path, to: str) -> bool:
    # Whole, and another index than ours would become: a `git commit` whose editor is open.
    view = Git({**repo.environ, "GIT_INDEX_FILE": str(lock)}, git.cwd, mutex=repo.mutex)
    whole = view.run("ls-files", "--cached", ok=range(256)).code == 0
    return not whole or _index_is(view, to)


def _index_is(git: Git, commit: str) -> bool:
    return git.run("diff-index", "--cached", "--quiet", commit, "--", ok=(0, 1)).code == 0


def _begins(lock: Path, *commits: str) -> bool:
    with suppress(OSError):
        content = lock.read_text(errors="replace").strip()
        return any(commit.startswith(content) for commit in commits)
    return False


def _restore(git: Git, checkout: Path, before: str, to: str, changes: Iterable[Change]) -> None:
    staged = set(git.run("diff-index", "--cached", "--name-only", "-z", before, "--").fields)
    touched = set(git.run("diff-files", "--name-only", "-z").fields)
    old = []
    for change in changes:
        path = change.path
        if path in staged or change.mode == _SUBMODULE:
            continue
        if change.status == "A":
            if _is_begun(git, checkout / path, f"{to}:{path}"):
                (checkout / path).unlink()
                with suppress(OSError):
                    os.removedirs((checkout / path).parent)
        elif path in touched:
            gone = not os.path.lexists(checkout / path) or (checkout / path).is_dir()
            if gone or (change.status != "D" and _is_begun(git, checkout / path, f"{to}:{path}")):
                old.append(path)
    if old:
        given = b"".join(os.fsencode(f":(top,literal){path}") + b"\0" for path in old)
        words = ("restore", f"--source={before}", "--worktree", "--pathspec-from-file=-")
        git.run(*words, "--pathspec-file-nul", given=given)


def _is_begun(git: Git, file: Path, blob: str) -> bool:
    """Returns whether a file is what git writes for a blob, or the beginning of that."""
    try:
        found = os.fsencode(os.readlink(file)) if file.is_symlink() else file.read_bytes()
    except OSError:
        return False
    return git.run("cat-file", "--filters", blob).out.startswith(found)
