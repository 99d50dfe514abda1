"""Fast-forwards the user's branch to what was merged, only as far as git itself allows."""

from parallel_orchestra.git import Repo
from parallel_orchestra.merge_queue.queue import Conflicted, MergeQueue, Rejected
from parallel_orchestra.progress import Delivery


def deliver(repo: Repo, queue: MergeQueue, branch: str) -> Delivery:
    """Brings the integration branch's work to the user's branch and says how that went.

    A branch that moved meanwhile is merged in (and verified) first. Nothing is ever forced:
    what git refuses is reported with the one command that does it later. Safe to call again.

    Raises:
        WaitsForPerson: somebody else wrote to the integration branch.
    """
    tip = queue.tip()
    ref = f"refs/heads/{branch}"
    command = f"git switch {branch} && git merge {queue.refs.branch}"
    before = repo.refs.read(ref)
    if before is None:
        return Delivery(
            branch, reason=f"branch `{branch}` does not exist any more", command=command
        )
    if repo.is_ancestor(tip, before):
        return Delivery(branch, before, before, done=True)
    if not repo.is_ancestor(before, tip):
        merged = queue.merge_base_branch(branch, before)
        if isinstance(merged, Conflicted):
            names = ", ".join(merged.files)
            reason = f"`{branch}` moved meanwhile and conflicts in {names}"
            return Delivery(branch, before, before, reason=reason, command=command)
        if isinstance(merged, Rejected):
            reason = f"`{branch}` moved meanwhile, and the merged state fails the plan's `verify`"
            return Delivery(branch, before, before, reason=reason, command=command)
        tip = merged
    result = repo.fast_forward(branch, tip, repo.branch_checked_out(branch))
    if result.done:
        return Delivery(branch, before, tip, done=True)
    names = ", ".join(result.files)
    reason = f"local changes are in the way: {names}" if names else result.reason
    return Delivery(branch, before, before, reason=reason, command=command)
