"""One claim of a person's in work: its worktree, and the steps that agents' work goes too."""

import contextlib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from parallel_orchestra.conductor.byhand.claiming import BY_HAND, Held, beat, lost, worktree_name
from parallel_orchestra.conductor.byhand.desk import workshop
from parallel_orchestra.conductor.workshop import Workshop
from parallel_orchestra.config import Settings
from parallel_orchestra.engine.pulse import pulse
from parallel_orchestra.errors import Problem, UsageError, WaitsForPerson
from parallel_orchestra.frozen import frozen
from parallel_orchestra.git import Repo
from parallel_orchestra.isolation import (
    NOTHING_GIVEN,
    InPlace,
    Label,
    Left,
    Pool,
    Seat,
    SetUpFailed,
    Slot,
    Unusable,
    Work,
    Workspace,
    is_by_hand,
    keep_commit,
    labelled,
    prepared,
    take_down,
)
from parallel_orchestra.model import Answer, FailureClass, Isolation
from parallel_orchestra.process import Supervisor
from parallel_orchestra.states import TaskState
from parallel_orchestra.store import Layout, LostClaim
from parallel_orchestra.store.liveness import HEARTBEAT
from parallel_orchestra.worker.ended import Ended, Finished
from parallel_orchestra.worker.landing import Contradicted, Landing
from parallel_orchestra.worker.settling import Settled, settle


@frozen
class Refused:
    """A task that could not be completed; it is still claimed, for `lease_sec` more seconds.

    `detail` is the end of what a failed `verify` said, `files` are those in conflict.
    """

    task: str
    failure: FailureClass
    reason: str
    detail: str
    files: tuple[str, ...]
    worktree: str
    integration: str
    lease_sec: float


class Hand:
    """One claim in work: the tools, the place, and the steps that agents' work goes too."""

    def __init__(
        self,
        shop: Workshop,
        held: Held,
        supervisor: Supervisor,
        pool: Pool,
        place: Slot | InPlace,
    ) -> None:
        self.shop = shop
        self.claim = held.claim
        self._held = held
        self._task = shop.tasks[held.claim.task]
        self._pool = pool
        self._place = place
        self._check: Slot | None = None
        self._tools = shop.shop()
        seat = Seat(BY_HAND, shop.seats.take().port_base)
        self._landing = Landing(self._tools, held.claim, supervisor, place, seat)
        self._means = self._tools.means(supervisor, seat)

    def landed(
        self, message: str, revision: str, *, accepted: bool = False, may_be_empty: bool = False
    ) -> Finished:
        """Brings the work onto the branch; a read-only task's files are kept, not merged.

        For `accepted` and `may_be_empty` see `Landing.land`.
        """
        claim, landing = self._held.claim, self._landing
        workspace, work = self._work(revision)
        answer = Answer(message)
        if self._task.read_only:
            landing.check(workspace)
            return Finished(answer=answer, ref=landing.keep(work) if work.changed else "")
        generation = self.shop.store.generation(TaskState.LOCKED, claim.name)
        token = self.shop.queue.fence(claim)
        merged = landing.land(
            workspace,
            work,
            token,
            generation,
            message,
            accepted=accepted,
            may_be_empty=may_be_empty,
        )
        return replace(merged, answer=answer, ref=self._left_over(work))

    def refused(self, why: Ended | Unusable) -> Refused:
        """Tells of it, and leaves everything as it is."""
        how = why.finished if isinstance(why, Ended) else Finished(FailureClass.UNUSABLE, str(why))
        failure = how.failure or FailureClass.TRANSIENT
        self._tools.warn(self._task.id, f"could not be completed by hand: {how.reason}")
        if not beat(self.shop.job.layout, self._held):
            raise LostClaim(self._task.id)
        return Refused(
            self._task.id,
            failure,
            how.reason,
            how.detail,
            how.files,
            str(self._path()),
            self.shop.refs.branch,
            self._held.record.lease,
        )

    def keep_for_a_person(self, commit: str) -> str:
        """Keeps a commit on a branch, where somebody can go on with it; returns the ref."""
        branch = self.shop.refs.kept(self.claim.task, self.claim.attempt)
        return keep_commit(self.shop.job.repo, commit, branch)

    def note_kept(self, ref: str, conflict: Contradicted | None) -> None:
        """Writes into the journal where work is kept, and with whom it is in conflict."""
        self._landing.note_kept(ref, conflict)

    def kept(self) -> str:
        """Keeps what lies in the worktree and is in no branch; returns the ref or ''."""
        if isinstance(self._place, InPlace) or self._place.found() is None:
            return ""
        ref = self._place.save()
        if ref:
            self._landing.note_kept(ref)
        return ref

    def settled(self, finished: Finished) -> Settled:
        """Writes down the attempt's end and makes its last move; on the disk when this returns."""
        record, clock = self._held.record, self.shop.clock
        seconds = max(0.0, clock.now() - record.epoch)
        end = settle(self._tools, self._held.claim, finished, record.epoch, seconds)
        self.shop.settle()
        return end

    def put_away(self) -> None:
        """Takes its set-up down and removes the worktree, whose content is merged or kept."""
        if not isinstance(self._place, Slot):
            return
        setup = self.shop.job.plan.setup_of(self._task)
        if setup.teardown and self._place.found() is not None:
            self._place.adopt(setup)
            log = self._landing.directory / "teardown.log"
            for trouble in take_down(self._place, self._means, log):
                self._tools.warn(self._task.id, f"{trouble}; see {log}")
        self._pool.forget(self._place)

    def tidy(self) -> None:
        """Removes what only a check needed."""
        if self._check is not None:
            take_down(self._check, self._means, self._landing.directory / "teardown.log")
            self._pool.forget(self._check)

    def _left_over(self, work: Work) -> str:
        if isinstance(self._place, InPlace) or (found := self._place.found()) is None:
            return ""
        ref = left_over(self._place, found[0], work.tree)
        if ref:
            self._landing.note_kept(ref)
        return ref

    def _path(self) -> Path:
        return self._place.path if isinstance(self._place, Slot) else self._place.directory

    def _work(self, revision: str) -> tuple[Workspace, Work]:
        """Returns what is to be merged, and the place for `verify`, with the commit it builds on."""
        repo, place = self.shop.job.repo, self._place
        if isinstance(place, InPlace):
            return Workspace(place.directory, ""), Work("", "", changed=False)
        found = place.found()
        if found is None and not revision:
            words = "its worktree is gone: name its commit with `--commit`, or release the task"
            raise Ended(FailureClass.ENVIRONMENT, words)
        commit = _commit(repo, place, revision) if revision else None
        base = found[1].base if found else self.shop.job.run.base_commit
        head = commit or place.head() or base
        # Who has merged the integration branch, or sits on it, builds on what was merged since.
        base = repo.merge_base(head, self.shop.queue.tip()) or base
        if commit is None:
            given = found[0].given if found else NOTHING_GIVEN
            workspace = Workspace(place.path / self._pool.inside, base, given)
            return workspace, place.take(workspace)
        tree = repo.objects.tree_of(commit)
        work = Work(tree, commit, changed=tree != repo.objects.tree_of(base))
        return replace(self._checked_out(commit), base=base), work

    def _checked_out(self, commit: str) -> Workspace:
        """Returns a directory with that commit's files, for `verify`."""
        claim = self._held.claim
        self._check = self._pool.by_hand(f"{worktree_name(claim)}-check")
        ref = f"{self.shop.refs.prefix}checked/{claim.name.owner}"
        label = Label(self.shop.refs.run, claim.task, claim.attempt, claim.name.owner, ref)
        setup, log = self.shop.job.plan.setup_of(self._task), self._landing.directory / "setup.log"
        try:
            workspace = prepared(
                self._check, commit, label, setup, self._means, log, carry_claude=False
            )
        except SetUpFailed as failed:
            raise Ended(FailureClass.ENVIRONMENT, str(failed), failed.detail) from failed
        self._check.settled()
        return workspace


def is_attempt(shop: Workshop, left: Left) -> bool:
    """Returns whether a worktree with that label is a person's attempt at a task of this run.

    That of a check, which somebody left who was killed, is nobody's work: see `Hand`.
    """
    return left.ref == shop.refs.salvage(left.task, left.attempt, left.owner)


@contextlib.contextmanager
def at_work(layout: Layout, settings: Settings, held: Held) -> Iterator[Hand]:
    """Opens a claim for the block, and keeps it alive there.

    Raises:
        WaitsForPerson: the claim was lost meanwhile; its work is kept.
    """
    task = held.claim.task
    with workshop(layout, settings, held.record) as shop, Supervisor() as supervisor:

        def gone() -> None:
            supervisor.cancel()
            shop.cancel_checks()

        try:
            with (
                _hand(shop, held, supervisor) as hand,
                pulse(lambda: beat(layout, held), HEARTBEAT, gone),
            ):
                yield hand
        except LostClaim as loss:
            raise lost_work(shop, task, held.record.owner) from loss


@contextlib.contextmanager
def _hand(shop: Workshop, held: Held, supervisor: Supervisor) -> Iterator[Hand]:
    if shop.tasks[held.claim.task].isolation is Isolation.NONE:
        yield Hand(shop, held, supervisor, shop.pool, InPlace(shop.job.plan.cwd))
        return
    with worktree_of(shop, held.claim.task, held.record.owner) as (pool, left):
        slot = left or pool.by_hand(worktree_name(held.claim))
        hand = Hand(shop, held, supervisor, pool, slot)
        try:
            yield hand
        finally:
            hand.tidy()


@contextlib.contextmanager
def worktree_of(shop: Workshop, task: str, owner: str = "") -> Iterator[tuple[Pool, Slot | None]]:
    """Holds the worktree of a person's attempt at a task, the newest one; None if there is none.

    It is found by what it says of itself: where worktrees are made may have changed since.
    """
    job = shop.job
    found = [
        (left.attempt, path)
        for path, left in labelled(job.repo)
        if is_by_hand(path)
        and left.task == task
        and is_attempt(shop, left)
        and left.owner == (owner or left.owner)
    ]
    path = max(found)[1] if found else None
    root = shop.pool.root if path is None else path.parent.parent
    pool = Pool(job.repo, root, job.plan.cwd, owner or shop.me.owner, shop.guard.check)
    try:
        yield pool, None if path is None else pool.by_hand(path.name)
    finally:
        pool.close(remove=False)


def lost_work(shop: Workshop, task: str, owner: str = "") -> WaitsForPerson:
    """Keeps what the person made, and returns the error that says where."""
    ref = path = ""
    with worktree_of(shop, task, owner) as (_, slot):
        if slot is not None and slot.found() is not None:
            ref, path = slot.save(), str(slot.path)
    return lost(shop.job.layout, task, ref, path)


def left_over(slot: Slot, workspace: Workspace, merged: str) -> str:
    """Keeps what lies in a worktree beside the tree that was merged; returns the ref or ''.

    Somebody may have gone on writing while `verify` ran; or another commit was merged.
    """
    with contextlib.suppress(Unusable):
        if slot.take(workspace).tree == merged:
            return ""
    return slot.save()


def _commit(repo: Repo, place: Slot, revision: str) -> str:
    commit = place.resolve(revision) or repo.resolve(revision)
    if commit is None:
        raise UsageError(
            Problem(f"git knows no commit `{revision}`", str(place.path), "see `git log`")
        )
    return commit
