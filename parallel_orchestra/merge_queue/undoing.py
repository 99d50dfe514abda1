"""Takes a task's merge back: one commit on the integration branch, published like a merge.

The claim's fence says how far it is. Before the one ref transaction the fence is moved to the
merge that is taken back, so that no attempt of the task merges in between; as long as it stays
there, the task's file is still to be moved. Whoever looks next does that after a crash.
"""

import os
from pathlib import Path

from parallel_orchestra.frozen import frozen
from parallel_orchestra.git import Conflicted as ConflictedTrees
from parallel_orchestra.git import MergedTree, RefMoved, Repo, Update, Verify
from parallel_orchestra.merge_queue import trailers
from parallel_orchestra.merge_queue.history import MergeFact, state_before
from parallel_orchestra.merge_queue.outcome import Conflicted, Rejected, Verifier
from parallel_orchestra.merge_queue.queue import MergeQueue
from parallel_orchestra.states import TaskState
from parallel_orchestra.store import Entry, LostClaim, TaskName, TaskStore


@frozen
class TakeBack:
    """What is to be taken back: the task's file in `done/`, its merge, and the commit's words."""

    name: TaskName
    merge: MergeFact
    title: str
    words: str
    log: Path


@frozen
class Undone:
    """The merge is taken back by `commit`; `already` if somebody else did it meanwhile."""

    commit: str
    already: bool = False


def take_back(
    store: TaskStore, queue: MergeQueue, wanted: TakeBack, verify: Verifier | None
) -> Undone | Conflicted | Rejected:
    """Makes the commit that takes a merge back the tip of the integration branch.

    Unless it returns `Undone`, nothing was changed. The task's file is not moved yet.

    Raises:
        LostClaim: the task does not lie in `done/` any more, or somebody else took it.
        WaitsForPerson: somebody else wrote to the branch.
        GitError: git failed; the branch is as it was.
    """
    task, objects = wanted.name.task, queue.repo.objects
    while True:
        tip = queue.tip()
        before = queue.undone_of(task)
        if before is not None and before.merge == wanted.merge.commit:
            return Undone(before.commit, already=True)
        if queue.merge_of(task) != wanted.merge:
            raise LostClaim(task)
        trees = _without(queue.repo, tip, wanted.merge.commit)
        if isinstance(trees, ConflictedTrees):
            return Conflicted(trees.files)
        message = trailers.sealed(_message(queue, wanted), trees.tree, (tip,))
        commit = objects.commit(trees.tree, (tip,), message)
        rejected = verify(commit, wanted.log, queue.taken_in()) if verify else None
        if rejected is not None:
            return rejected
        if _publish(store, queue, wanted, Update(queue.refs.integration, commit, tip)):
            return Undone(commit)


def under_way(queue: MergeQueue, task: str) -> bool:
    """Returns whether a task's merge was taken back, but its file perhaps not moved yet."""
    undone = queue.undone_of(task)
    return undone is not None and queue.repo.refs.read(queue.refs.claim(task)) == undone.merge


def settle(queue: MergeQueue, task: str) -> None:
    """Says that the task's file was moved, and that its merge is none to remember.

    Whoever did so before has done the same.
    """
    repo, undone = queue.repo, queue.undone_of(task)
    if undone is None:
        return
    token = repo.objects.blob(f"undone {os.urandom(8).hex()}\n".encode())
    for ref, new in ((queue.refs.merged(task), None), (queue.refs.claim(task), token)):
        if repo.refs.read(ref) != undone.merge:
            continue
        try:
            with repo.lock():
                repo.refs.transact([Update(ref, new, undone.merge)])
        except RefMoved:
            continue


def _without(repo: Repo, tip: str, merge: str) -> MergedTree | ConflictedTrees:
    """Returns the tip's tree without what a merge brought.

    A three-way merge of the tip with the state before the merge, relative to the merge.
    """
    before, tree_of = state_before(repo.objects, merge), repo.objects.tree_of
    return repo.objects.merge_from(tree_of(merge), tree_of(tip), tree_of(before))


def _publish(store: TaskStore, queue: MergeQueue, wanted: TakeBack, update: Update) -> bool:
    repo = queue.repo
    fence, merge = queue.refs.claim(wanted.name.task), wanted.merge.commit
    while (old := repo.refs.read(fence)) != merge:
        # Looked at after the fence: whoever takes the task now moves the fence after us.
        if not store.lies(Entry.of(TaskState.DONE, wanted.name)):
            raise LostClaim(wanted.name.task)
        try:
            with repo.lock():
                repo.refs.transact([Update(fence, merge, old)])
        except RefMoved:
            continue
    try:
        with repo.lock():
            repo.refs.transact([update], [Verify(fence, merge)])
    except RefMoved as moved:
        if moved.ref == fence:
            raise LostClaim(wanted.name.task) from moved
        return False
    return True


def _message(queue: MergeQueue, wanted: TakeBack) -> str:
    task = wanted.name.task
    subject = f"Undo task `{task}`" + (f": {wanted.title}" if wanted.title else "")
    words = trailers.cleaned(wanted.words).strip()
    body = f"This takes back the merge {wanted.merge.commit}."
    lines = trailers.undo_lines(queue.refs.run, task, wanted.merge.generation)
    return "\n\n".join(part for part in (subject, words, body, lines) if part)
