"""A person says that work is to be merged after all: what conflicted is resolved, say.

The task is taken up where it lies, as a claim by hand, so that the merge is fenced like any other.
If it can't be merged it goes back to where it was. Killed half-way, the next call goes on with the
claim that was made.
"""

import contextlib
from dataclasses import replace

from parallel_orchestra.conductor.byhand.claiming import BY_HAND, Held, beat, held_by_hand
from parallel_orchestra.conductor.byhand.desk import workshop
from parallel_orchestra.conductor.byhand.hand import Hand, at_work, is_attempt
from parallel_orchestra.conductor.byhand.whose import entry_of, path_of
from parallel_orchestra.conductor.workshop import Workshop
from parallel_orchestra.config import Settings
from parallel_orchestra.errors import Problem, UsageError
from parallel_orchestra.events import Claimed
from parallel_orchestra.frozen import frozen
from parallel_orchestra.isolation import Unusable, labelled
from parallel_orchestra.model import FailureClass
from parallel_orchestra.states import TaskState
from parallel_orchestra.store import Entry, Layout, LostClaim
from parallel_orchestra.store.records import attempt_results, write_worker
from parallel_orchestra.worker.ended import Ended, Finished
from parallel_orchestra.worker.landing import Contradicted
from parallel_orchestra.worker.markers import marked


@frozen
class Accepted:
    """A task whose work is merged: `commit` is the merge, `work` what was merged.

    `already` if it had been merged before.
    """

    task: str
    attempt: int
    commit: str
    work: str
    already: bool = False


@frozen
class Declined:
    """A task whose work could not be merged; it lies where it lay, its work under `ref`.

    `detail` is the end of what a failed `verify` said. `files` are those in conflict, `against`
    the tasks whose merges they conflict with, `integration` the branch that has these.
    """

    task: str
    failure: FailureClass
    reason: str
    detail: str
    ref: str
    files: tuple[str, ...] = ()
    against: tuple[str, ...] = ()
    integration: str = ""


@frozen
class _Work:
    """What is to be merged: a commit, and the ref that keeps the task's work so far (or '').

    `whole` if the commit has all of what is kept.
    """

    commit: str
    ref: str
    whole: bool


def merge_task(
    layout: Layout, settings: Settings, task: str, *, revision: str = ""
) -> Accepted | Declined:
    """Verifies and merges what a failed or waiting task left, or the commit `revision`.

    Files that the task was not to touch only warn: the person has seen them.

    Raises:
        UsageError: there is no such task or revision, it has no work to merge, is at work, or
            files of it have conflict markers.
        HeldElsewhere: another command is at work with it.
        WaitsForPerson: the claim was lost, or the branch was changed from outside.
        GitError: git failed; nothing was merged.
    """
    held = held_by_hand(layout, task)
    with workshop(layout, settings) as shop:
        entry = entry_of(layout, shop.job.run, shop.store, task)
        shop.queue.tip()
        if held is None and (done := _merged_before(shop, entry)) is not None:
            return done
        _demand_open(shop, entry, held)
        work = _work_of(shop, task, revision)
        _demand_resolved(shop, task, work.commit)
        if held is None:
            held = _taken_up(shop, entry)
    with at_work(layout, settings, held) as hand:
        return _merge(hand, work, waits=entry.state is TaskState.AVAILABLE)


def _merge(hand: Hand, work: _Work, *, waits: bool) -> Accepted | Declined:
    task, attempt = hand.claim.task, hand.claim.attempt
    try:
        # An earlier call may have been killed between the merge and the last move.
        finished = _landed_before(hand) or hand.landed(
            "", work.commit, accepted=True, may_be_empty=work.whole
        )
    except (Ended, Unusable) as why:
        return _declined(hand, work, why, waits=waits)
    except LostClaim:
        raise
    except BaseException as error:
        # It must not lie in `locked/` until the lease is over, with nobody at work on it.
        why_not = Finished(FailureClass.ENVIRONMENT, str(error) or "was interrupted")
        with contextlib.suppress(Exception):
            _put_back(hand, work, why_not, waits=waits)
        raise
    hand.settled(finished)
    hand.put_away()
    return Accepted(task, attempt, finished.commit, work.commit)


def _landed_before(hand: Hand) -> Finished | None:
    shop, claim = hand.shop, hand.claim
    shop.queue.tip()
    fact = shop.queue.merge_of(claim.task)
    if fact is None or fact.generation < shop.store.generation(TaskState.LOCKED, claim.name):
        return None
    return Finished(commit=fact.commit)


def _declined(hand: Hand, work: _Work, why: Ended | Unusable, *, waits: bool) -> Declined:
    how = why.finished if isinstance(why, Ended) else Finished(FailureClass.UNUSABLE, str(why))
    conflict = why if isinstance(why, Contradicted) else None
    ref = _put_back(hand, work, how, conflict, waits=waits)
    return Declined(
        hand.claim.task,
        how.failure or FailureClass.ENVIRONMENT,
        how.reason,
        how.detail,
        ref,
        how.files,
        conflict.tasks if conflict is not None else (),
        hand.shop.refs.branch,
    )


def _put_back(
    hand: Hand,
    work: _Work,
    how: Finished,
    conflict: Contradicted | None = None,
    *,
    waits: bool,
) -> str:
    """Moves the task back to where it was taken from; returns the ref that keeps its work."""
    ref = work.ref or hand.keep_for_a_person(work.commit)
    if conflict is not None or not work.ref:
        hand.note_kept(ref, conflict)
    hand.settled(replace(how, ref=ref, final=not waits, again=waits))
    hand.put_away()
    return ref


def _merged_before(shop: Workshop, entry: Entry) -> Accepted | None:
    fact = shop.queue.merge_of(entry.task)
    if fact is None or fact.generation < shop.store.generation(entry.state, entry.name):
        return None
    if entry.state in (TaskState.AVAILABLE, TaskState.FAILED):
        shop.store.roll_forward(entry)
    return Accepted(entry.task, entry.name.attempts, fact.commit, "", already=True)


def _demand_open(shop: Workshop, entry: Entry, held: Held | None) -> None:
    """Raises if the task is not one whose work a person may have merged.

    Raises:
        UsageError: it is not; nothing was changed.
    """
    task, where = entry.task, path_of(shop.job.layout, entry)
    why = f"`parallel-orchestra why {task}`"
    if shop.tasks[task].read_only:
        problem = Problem(f"task `{task}` is read-only: it has nothing to merge", where, why)
    elif entry.state is TaskState.DONE:
        problem = Problem(f"task `{task}` is done already, without a merge", where, why)
    elif entry.state is TaskState.LOCKED and held is None:
        hint = f"wait for its end, or take it away: `parallel-orchestra unlock {task}`"
        problem = Problem(f"task `{task}` is at work, held by {entry.name.owner}", where, hint)
    elif held is not None and _claimed_with_a_worktree(shop, held):
        hint = f"`parallel-orchestra complete {task}` merges what lies in your worktree"
        problem = Problem(f"task `{task}` is claimed by hand", where, hint)
    elif shop.recovery.undone(entry):
        hint = f"`parallel-orchestra retry {task}` has it done again"
        problem = Problem(f"task `{task}` was undone, and stays so", where, hint)
    else:
        return
    raise UsageError(problem)


def _claimed_with_a_worktree(shop: Workshop, held: Held) -> bool:
    mine = (held.claim.task, held.record.owner)
    worktrees = (left for _, left in labelled(shop.job.repo) if is_attempt(shop, left))
    return any((left.task, left.owner) == mine for left in worktrees)


def _work_of(shop: Workshop, task: str, revision: str) -> _Work:
    repo = shop.job.repo
    ref, kept = _kept(shop, task)
    if not revision:
        if not kept:
            what = f"task `{task}` has left no work that could be merged"
            hint = f"name a commit: `parallel-orchestra merge {task} --from COMMIT`"
            raise UsageError(Problem(what, str(shop.job.layout.root), hint))
        return _Work(kept, ref, whole=True)
    commit = repo.resolve(revision)
    if commit is None:
        raise UsageError(
            Problem(f"git knows no commit `{revision}`", str(repo.top), "see `git log --all`")
        )
    return _Work(commit, ref, whole=bool(kept) and repo.is_ancestor(kept, commit))


def _kept(shop: Workshop, task: str) -> tuple[str, str]:
    """Returns the ref that keeps a task's newest work, and what it points to; empty if none does."""
    refs = (shop.refs.prefix, f"{shop.refs.kept_prefix}/")
    for one in reversed(attempt_results(shop.job.layout, task)):
        # what a result says lies where agents can write, too
        if one.ref.startswith(refs) and (commit := shop.job.repo.refs.read(one.ref)):
            return one.ref, commit
    return "", ""


def _demand_resolved(shop: Workshop, task: str, commit: str) -> None:
    """Raises if files that were in conflict have markers that nobody took out."""
    objects, tip = shop.job.repo.objects, shop.queue.tip()
    results = [one for one in attempt_results(shop.job.layout, task) if one.files]
    files = results[-1].files if results else []
    left = marked(objects, commit, files, (tip,))
    if left:
        raise UsageError(
            Problem(
                f"conflict markers are left in {len(left)} file{'s' if len(left) > 1 else ''}",
                ", ".join(left),
                f"resolve, commit, then `parallel-orchestra merge {task}`",
            )
        )


def _taken_up(shop: Workshop, entry: Entry) -> Held:
    layout, me = shop.job.layout, shop.me
    write_worker(layout, me)
    claim = shop.store.claim(entry.name, entry.state)
    if claim is None:
        what = f"somebody else moved task `{entry.task}` first"
        why = f"`parallel-orchestra why {entry.task}`"
        raise UsageError(Problem(what, path_of(layout, entry), why))
    held = Held(claim, me)
    beat(layout, held)
    shop.journal.write(Claimed(shop.clock.now(), claim.task, claim.attempt, BY_HAND))
    return held
