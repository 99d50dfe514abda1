"""A branch of the user's moved forward, along with the checkout that has it, when git allows it."""

import os
import re
import shutil
import tempfile
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from parallel_orchestra.frozen import frozen
from parallel_orchestra.git import worktrees
from parallel_orchestra.git.call import Git, lasting_lock, removal
from parallel_orchestra.git.refs import RefMoved, Update
from parallel_orchestra.git.repo import Repo, head_of

#: How many commits back an index is looked for.
_LOOKED_AT = 1000
#: Where a git directory names a branch that is away from HEAD for a while; git won't move it then.
_AWAY = (
    ("rebase-merge/head-name", "rebase"),
    ("rebase-apply/head-name", "rebase"),
    ("BISECT_START", "bisect"),
)
#: What `git merge --ff-only` says when it has touched nothing, besides naming files.
_REFUSED = re.compile("Not possible to fast-forward|have not concluded your|have unmerged files")


@frozen
class FastForward:
    """Whether a branch was moved; if not, git's words and the files that are in the way.

    `cut_off` says that git was killed or failed while it moved the branch, and may have done half
    of it: see `cut_off`. `first` is a command that a person has to give before git can do it, or
    empty.
    """

    done: bool
    reason: str = ""
    files: tuple[str, ...] = ()
    cut_off: bool = False
    first: str = ""


def fast_forward(repo: Repo, branch: str, to: str, checkout: Path | None) -> FastForward:
    """Moves a branch forward to the commit `to`, or says why git does not allow it.

    `checkout` is the work tree that has the branch (see `branch_checked_out`): it is moved
    along by git, which keeps local changes or refuses. None: the ref alone is moved.

    Raises:
        GitError: git failed for a reason other than a refusal.
    """
    places = worktrees.checkouts(repo, branch)
    if len(places) > 1:
        # The index of the other one would look like a deletion of everything.
        names = ", ".join(map(str, places))
        reason = f"`{branch}` is checked out in two worktrees: {names}"
        return FastForward(done=False, reason=reason)
    if checkout is not None:
        if checkout not in places:
            other = head_of(repo.at(checkout)).branch
            reason = f"`{other or 'no branch'}` is checked out in {checkout}"
            return FastForward(done=False, reason=reason)
        return _merge_in_checkout(repo, branch, to, checkout)
    if places:
        # Moving the ref alone would make that index look like a deletion of everything.
        return FastForward(done=False, reason=f"`{branch}` is checked out in {places[0]}")
    if (act := _held_by(repo, branch)) is not None:
        return FastForward(done=False, reason=f"a {act} of `{branch}` is under way")
    ref = f"refs/heads/{branch}"
    old = repo.refs.read(ref)
    if old == to:
        return FastForward(done=True)
    if old is not None and not repo.is_ancestor(old, to):
        return FastForward(done=False, reason=f"`{branch}` has commits of its own")
    try:
        repo.refs.transact([Update(ref, to, old)])
    except RefMoved as moved:
        return FastForward(done=False, reason=str(moved))
    return FastForward(done=True)


def left_behind(repo: Repo, checkout: Path, tip: str) -> str | None:
    """Returns the earlier commit that a checkout's index still is at, although HEAD is at `tip`.

    So it is after a branch was moved by `git update-ref` and not by a commit or a merge: to
    git it looks as if all that came in had been taken out again. None if it is not so.
    """
    found = _index_tree(repo, checkout)
    if found is None or found == repo.objects.tree_of(tip):
        return None
    known = repo.git.run("log", f"--max-count={_LOOKED_AT}", "--format=%H %T", tip, "--").line
    pairs = (line.split(" ") for line in known.splitlines())
    return next((commit for commit, tree in pairs if tree == found), None)


def _held_by(repo: Repo, branch: str) -> str | None:
    """Returns what a branch is in use for although no work tree has it, or None.

    A rebase or a bisect leaves HEAD detached, and comes back to the branch at its end.
    """
    for git_dir in (repo.git_dir, repo.common_dir, *repo.linked()):
        for name, act in _AWAY:
            with suppress(OSError):
                content = os.fsdecode((git_dir / name).read_bytes()).strip()
                if content.removeprefix("refs/heads/") == branch:
                    return act
    return None


def _merge_in_checkout(repo: Repo, branch: str, to: str, checkout: Path) -> FastForward:
    git = repo.at(checkout)
    if (lock := _lock_of_checkout(repo, git, branch)) is not None:
        # git would change the files first, and only then find that it can't move the branch.
        words = f"the lock file {lock} is in the way"
        return FastForward(done=False, reason=words, first=removal(lock))
    # Options, because `branch.*.mergeOptions` and `merge.autoStash` may say otherwise; and
    # because to git an ignored file, such as a `.env`, is nothing that could be lost.
    merge = git.run(
        *("merge", "--ff-only", "--no-squash", "--commit", "--no-autostash", "--no-stat"),
        *("--no-overwrite-ignore", "--no-verify-signatures", "--quiet"),
        *("--end-of-options", to),
        ok=range(-64, 256),
    )
    if merge.code == 0:
        return FastForward(done=True)
    files = re.findall(r"^\t(.+)$", merge.err, re.MULTILINE)
    said = merge.err.strip() or f"`git merge` failed with exit code {merge.code}"
    refused = merge.code > 0 and (files or _REFUSED.search(merge.err))
    return FastForward(
        done=False, reason=said, files=tuple(dict.fromkeys(files)), cut_off=not refused
    )


def _lock_of_checkout(repo: Repo, git: Git, branch: str) -> Path | None:
    """Returns a lock file that stays in the way of moving a checkout along, or None."""
    git_dir = git.git_dir or Path(git.run("rev-parse", "--absolute-git-dir").line)
    ref = repo.common_dir / f"refs/heads/{branch}"
    return lasting_lock((git_dir / "index", git_dir / "HEAD", ref))


def _index_tree(repo: Repo, checkout: Path) -> str | None:
    """Returns the tree of what is staged in a checkout; None if that is no tree (a conflict)."""
    git = repo.at(checkout)
    index = checkout / git.run("rev-parse", "--git-path", "index").line
    with tempfile.TemporaryDirectory() as folder:
        # A copy, because `write-tree` notes what it wrote in the index.
        copy = Path(folder) / "index"
        try:
            shutil.copyfile(index, copy)
        except FileNotFoundError:
            return None
        environ = {**repo.environ, "GIT_INDEX_FILE": str(copy)}
        written = replace(git, environ=environ).run("write-tree", ok=(0, 128))
    return written.line if written.code == 0 else None
