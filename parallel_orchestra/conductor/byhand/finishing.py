"""The end of a person's attempt: its work is merged, given up, or given back.

What does not go well leaves the claim with the person, who mends it and calls again. What was
killed half-way goes on where it stood: the merge is found by its trailer, the claim by its lock.
"""

from parallel_orchestra.conductor.byhand.claiming import held_by_hand
from parallel_orchestra.conductor.byhand.desk import workshop
from parallel_orchestra.conductor.byhand.hand import (
    Refused,
    at_work,
    left_over,
    lost_work,
    worktree_of,
)
from parallel_orchestra.conductor.byhand.whose import entry_of
from parallel_orchestra.conductor.workshop import Workshop
from parallel_orchestra.config import Settings
from parallel_orchestra.frozen import frozen
from parallel_orchestra.isolation import Slot, Unusable, Workspace
from parallel_orchestra.merge_queue import MergeFact
from parallel_orchestra.model import FailureClass
from parallel_orchestra.states import TaskState
from parallel_orchestra.store import Layout, WorkerKind
from parallel_orchestra.worker.ended import Ended, Finished


@frozen
class Completed:
    """A task that is done: `commit` is its merge, empty for a read-only one.

    `already` if an earlier call had done all but put the worktree away.
    """

    task: str
    attempt: int
    commit: str
    ref: str = ""
    already: bool = False


@frozen
class GivenUp:
    """A task that is not a person's any more: where it went, and the ref that keeps its work."""

    task: str
    attempt: int
    target: TaskState
    ref: str
    not_before: float


def complete_task(
    layout: Layout,
    settings: Settings,
    task: str,
    *,
    owner: str = "",
    message: str = "",
    revision: str = "",
) -> Completed | Refused:
    """Verifies and merges what a person made, and moves the task to `done/`.

    The work is what lies in the claim's worktree, or the commit `revision`. `message` is for
    what is not committed yet.

    Raises:
        WaitsForPerson: the claim is lost; the work is kept. Or the branch was changed from outside.
        HeldElsewhere: another command is at work with the claim.
        UsageError: there is no such task or revision.
        GitError: git failed; the claim is still there.
    """
    held = held_by_hand(layout, task, owner)
    if held is None:
        return _completed_before(layout, settings, task, owner)
    with at_work(layout, settings, held) as hand:
        try:
            finished = hand.landed(message, revision)
        except (Ended, Unusable) as ended:
            return hand.refused(ended)
        hand.settled(finished)
        hand.put_away()
        return Completed(task, held.claim.attempt, finished.commit, finished.ref)


def give_up(
    layout: Layout,
    settings: Settings,
    task: str,
    failure: FailureClass,
    reason: str,
    *,
    owner: str = "",
) -> GivenUp:
    """Ends a person's attempt without a merge; what was written is kept first.

    What follows is as for agents: `CANCELLED` gives the task back uncounted, `TRANSIENT` counts
    and leads to another attempt if there is a retry left, `PERMANENT` fails it.

    Raises:
        WaitsForPerson: the claim is lost; the work is kept.
        HeldElsewhere: another command is at work with the claim.
        UsageError: there is no such task.
    """
    held = held_by_hand(layout, task, owner)
    if held is None:
        with workshop(layout, settings) as shop:
            raise lost_work(shop, task, owner)
    with at_work(layout, settings, held) as hand:
        ref = hand.kept()
        end = hand.settled(Finished(failure, reason, ref=ref))
        hand.put_away()
        return GivenUp(task, held.claim.attempt, end.state, ref, end.not_before)


def _completed_before(layout: Layout, settings: Settings, task: str, owner: str) -> Completed:
    """Returns what an earlier call, killed before its end, or recovery after it completed.

    Raises:
        WaitsForPerson: no person's claim on the task was completed; the work is kept.
    """
    with workshop(layout, settings) as shop:
        entry = entry_of(layout, shop.job.run, shop.store, task)
        shop.queue.tip()
        merge = shop.queue.merge_of(task)
        with worktree_of(shop, task, owner) as (pool, slot):
            found = slot.found() if slot is not None else None
            if entry.state is not TaskState.DONE:
                done = False
            elif found is None:
                record = shop.watch.record(entry.name.owner)
                by_hand = record is not None and record.kind == WorkerKind.MANUAL.value
                done = by_hand and entry.name.owner == (owner or entry.name.owner)
            elif shop.tasks[task].read_only:
                done = entry.name.owner == found[1].owner
            else:
                done = merge is not None and merge.attempt == found[1].attempt
            if done:
                commit, ref = merge.commit if merge is not None else "", ""
                if slot is not None:
                    if found is not None:
                        ref = _unmerged(shop, slot, found[0], task, merge)
                    pool.forget(slot)
                return Completed(task, entry.name.attempts, commit, ref, already=True)
        raise lost_work(shop, task, owner)


def _unmerged(
    shop: Workshop, slot: Slot, workspace: Workspace, task: str, merge: MergeFact | None
) -> str:
    """Keeps what lies in a worktree and its merge did not bring in; returns the ref or ''."""
    if merge is None:
        return slot.save()
    repo = shop.job.repo
    # The second parent of a merge is the work that it merged; of other commits a ref keeps it.
    kept = repo.refs.read(shop.refs.original(task, merge.generation))
    return left_over(slot, workspace, repo.objects.tree_of(kept or f"{merge.commit}^2"))
