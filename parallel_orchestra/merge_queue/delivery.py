"""Between the integration branch and the user's: takes in what they did, delivers what was merged.

The user's branch is only ever fast-forwarded, as far as git itself allows. Where the user took
commits back that the work was built on, that would bring them back: this is for the user to do.
"""

import contextlib
import shlex
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from parallel_orchestra.errors import GitError
from parallel_orchestra.git import (
    FastForward,
    Repo,
    Update,
    clear_locks,
    enter_written,
    fast_forward,
    left_behind,
    worktrees,
)
from parallel_orchestra.merge_queue.outcome import Conflicted, Rejected
from parallel_orchestra.merge_queue.queue import MergeQueue
from parallel_orchestra.progress import Delivery


def deliver(
    repo: Repo, queue: MergeQueue, branch: str, again: str, delivered: str = ""
) -> Delivery:
    """Brings the integration branch's work to the user's branch and says how that went.

    A branch that moved meanwhile is merged in (and verified) first. Nothing is ever forced:
    what git refuses is reported with the one command that does it later. Safe to call again;
    `again` is the command by which a person does so. What was `delivered` before is not brought
    back to a branch that has it no more.

    Raises:
        WaitsForPerson: somebody else wrote to the integration branch.
    """
    ref = f"refs/heads/{branch}"
    while True:
        delivery = _try(repo, queue, branch, again, delivered)
        if delivery.done or repo.refs.read(ref) == delivery.before or not delivery.before:
            return delivery
        # Somebody committed between our look and git's: what git refused may be possible now.


def catch_up(repo: Repo, queue: MergeQueue, branch: str) -> str:
    """Merges in what the user did on their branch while no run was at work, so that tasks see it.

    Returns why that could not be, as a sentence, or an empty string.

    Raises:
        WaitsForPerson: somebody else wrote to the integration branch.
    """
    head = repo.refs.read(f"refs/heads/{branch}")
    tip = queue.tip()
    if head is None:
        return ""
    moved = _moved_by_others(repo, queue, branch, head, tip)
    if moved is not None:
        return f"{moved.reason}: tasks do not see it; put it back with `{moved.command}`"
    if repo.is_ancestor(head, tip):
        return ""
    if not repo.is_ancestor(queue.taken_in(), head):
        return f"{_rewritten(branch, queue.taken_in())}: tasks do not see what is new there"
    merged = queue.merge_base_branch(branch, head)
    if isinstance(merged, Conflicted | Rejected):
        return f"{_why_not(branch, merged)}: tasks do not see it"
    return ""


def _try(repo: Repo, queue: MergeQueue, branch: str, again: str, delivered: str) -> Delivery:
    queue.check()
    tip = queue.tip()
    ref = f"refs/heads/{branch}"
    command = _by_hand(repo, queue, branch)
    before = repo.refs.read(ref)
    if before is None:
        # Renamed or deleted: what is checked out in its place is the user's choice.
        merge = f"git merge {queue.refs.branch}"
        return Delivery(branch, reason=f"branch `{branch}` does not exist any more", command=merge)
    if locks := _locks_left(repo, queue, branch, before):
        return _locked(Delivery(branch, before, before), locks, again)
    moved = _moved_by_others(repo, queue, branch, before, tip)
    if moved is not None:
        return moved
    common = repo.merge_base(tip, before)
    if common == tip:
        _settle(repo, queue)
        return Delivery(branch, before, before, done=True)
    for known in filter(None, (queue.taken_in(), delivered)):
        if not repo.is_ancestor(known, before):
            reason = _rewritten(branch, known)
            return Delivery(branch, before, before, reason=reason, command=command)
    if common != before:
        merged = queue.merge_base_branch(branch, before)
        if isinstance(merged, Conflicted | Rejected):
            reason = _why_not(branch, merged)
            return Delivery(branch, before, before, reason=reason, command=command)
        tip = merged
    result = _forward(repo, queue, branch, before, tip)
    if result.cut_off:
        if locks := _locks_left(repo, queue, branch, before):
            return _locked(Delivery(branch, before, before), locks, again)
        result = _forward(repo, queue, branch, before, tip)
    if result.done:
        return Delivery(branch, before, tip, done=True)
    if result.first:
        command = f"{result.first} && {command}"
    refused = Delivery(branch, before, before, reason=result.reason, command=command)
    return _in_the_way(repo, queue, refused, result.files, again) if result.files else refused


def _by_hand(repo: Repo, queue: MergeQueue, branch: str) -> str:
    """Returns what the user types to merge the work into their branch, wherever that is checked out."""
    checkout, merge = _elsewhere(repo, branch), f"merge {queue.refs.branch}"
    if checkout is not None:
        return f"git -C {shlex.quote(str(checkout))} {merge}"
    return f"git switch {shlex.quote(branch)} && git {merge}"


def _elsewhere(repo: Repo, branch: str) -> Path | None:
    """Returns the worktree that has the branch, if it is another one than ours."""
    checkout = worktrees.branch_checked_out(repo, branch)
    return None if checkout == repo.top else checkout


def _locked(delivery: Delivery, locks: Sequence[Path], again: str) -> Delivery:
    names = ", ".join(f"`{lock}`" for lock in locks)
    reason = (
        f"a git that was killed or failed in the delivery left {names}, or a git of yours is at work; "
        "if none is, remove that and deliver again"
    )
    command = f"rm -f {shlex.join(map(str, locks))} && {again}"
    return replace(delivery, reason=reason, command=command)


def _in_the_way(
    repo: Repo, queue: MergeQueue, delivery: Delivery, files: Sequence[str], again: str
) -> Delivery:
    checkout = _elsewhere(repo, delivery.branch)
    where = f" in {checkout}" if checkout is not None else ""
    reason = f"local changes are in the way{where}: {', '.join(files)}"
    if repo.refs.read(queue.refs.delivering) is None:
        return replace(delivery, reason=reason)
    # Perhaps one is half written; who but the user could say? Nothing is lost in a stash.
    stash = (
        "git",
        "-C",
        str(checkout or repo.top),
        "stash",
        "push",
        "--include-untracked",
        "--",
        *files,
    )
    reason += " (a git that was killed or failed there in the delivery may have half written them)"
    return replace(delivery, reason=reason, command=f"{shlex.join(stash)} && {again}")


def _rewritten(branch: str, commit: str) -> str:
    return (
        f"`{branch}` was rewritten meanwhile and has {commit[:12]} no more, "
        "which the work is built on"
    )


def _moved_by_others(
    repo: Repo, queue: MergeQueue, branch: str, head: str, tip: str
) -> Delivery | None:
    """Returns why the user's branch can't be taken as the user left it, or None.

    An agent can move it to a commit of its own (`git update-ref`), which git does not tell
    from a commit of the user's. But it leaves the checkout's index behind; and where the branch
    is checked out nowhere, what it points to is work that was not merged.
    """
    if head == queue.base:
        return None
    checkout = worktrees.branch_checked_out(repo, branch)
    if checkout is not None:
        before = left_behind(repo, checkout, head)
    else:
        before = queue.base if _only_unmerged(repo, queue, head, tip) else None
    if before is None:
        return None
    there = checkout is not None
    keep = f"`git reset` in {checkout}" if there else f"`git switch {branch}`"
    back = f"git update-ref refs/heads/{branch} {before}"
    command = f"{back} && " + ("" if there else f"git switch {branch} && ")
    reason = (
        f"`{branch}` was moved to {head[:12]} by nobody who works in its checkout; "
        f"{keep} takes it as yours, else put it back"
    )
    command += f"git merge {queue.refs.branch}"
    return Delivery(branch, head, head, reason=reason, command=command)


def _only_unmerged(repo: Repo, queue: MergeQueue, head: str, tip: str) -> bool:
    if repo.is_ancestor(head, tip):
        return False
    kept = (f"{queue.refs.prefix}salvage", queue.refs.kept_prefix)
    return bool(repo.git.run("for-each-ref", "--count=1", f"--contains={head}", *kept).out)


def _forward(repo: Repo, queue: MergeQueue, branch: str, before: str, tip: str) -> FastForward:
    """Moves the user's branch, with a note of it in the repository for as long as that lasts."""
    note = queue.refs.delivering
    # Under the mutex: two runs that deliver at once would be in the way of each other's index.
    with repo.lock():
        begun, checkout = repo.refs.read(note), worktrees.branch_checked_out(repo, branch)
        repo.refs.transact([Update(note, tip, begun)])
        if begun is not None and checkout is not None:
            enter_written(repo, checkout, before, tip)
        result = fast_forward(repo, branch, tip, checkout)
        # What git refuses it has not begun; an older half stays noted until it is delivered.
        if result.done or (begun is None and not result.cut_off):
            _forget(repo, note, tip)
    return result


def _locks_left(repo: Repo, queue: MergeQueue, branch: str, before: str) -> tuple[Path, ...]:
    """Clears the locks of a delivery that was cut off, if one was; returns those that stay."""
    begun = repo.refs.read(queue.refs.delivering)
    if begun is None:
        return ()
    with repo.lock():
        return clear_locks(
            repo, worktrees.branch_checked_out(repo, branch), branch, (before, begun)
        )


def _settle(repo: Repo, queue: MergeQueue) -> None:
    """Forgets a delivery that was cut off once all of it has arrived."""
    begun = repo.refs.read(queue.refs.delivering)
    if begun is not None:
        with repo.lock():
            _forget(repo, queue.refs.delivering, begun)


def _forget(repo: Repo, note: str, commit: str) -> None:
    # A note too much costs the next delivery a look; what was delivered is delivered.
    with contextlib.suppress(GitError):
        repo.refs.transact([Update(note, None, commit)])


def _why_not(branch: str, outcome: Conflicted | Rejected) -> str:
    if isinstance(outcome, Conflicted):
        return f"`{branch}` moved meanwhile and conflicts in {', '.join(outcome.files)}"
    fault = "was not verified" if outcome.cancelled else "fails the plan's `verify`"
    return f"`{branch}` moved meanwhile, and the merged state {fault}"
