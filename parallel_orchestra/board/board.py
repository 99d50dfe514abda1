"""What this process knows of the tasks; hands out claims to its worker threads.

Joins the schedule (what may run next) with the store (who really has it). The schedule is
only told: every claim is decided by a rename, and every now and then the board looks at the
directories again, since other processes and people move files too. Between two looks, which
cost time for every task there is, a glance at `available/` tells what others took meanwhile, and
a peek at two times of change whether others ended a task, if workers here wait.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from parallel_orchestra.board.budget import Purse
from parallel_orchestra.board.knowledge import Knowledge
from parallel_orchestra.board.rounds import LOOK_WAITING, PEEK
from parallel_orchestra.board.sight import HELD, held_in, seen_in
from parallel_orchestra.errors import EnvironmentProblem
from parallel_orchestra.garbage import stay, undisturbed
from parallel_orchestra.model import HaltWhen
from parallel_orchestra.schedule import Seen
from parallel_orchestra.spending import Short
from parallel_orchestra.states import TaskState
from parallel_orchestra.store import Claim, Listing

#: Seconds that a claim which does not wait for work waits for `claim.lock`, and its tries.
_LOCK_PATIENCE = 5.0
_TRIES = 50
#: Seconds until the next try while a disk is full or does not answer.
_PAUSE = 0.5


class Board(Knowledge):
    """The tasks as this process sees them. Any thread may call; claims are given to one each."""

    def next(self) -> Claim | None:
        """Waits for a task that may run and claims it; None when there will be none any more.

        Raises:
            EnvironmentProblem: tasks can't be claimed, and it has been so for a minute.
            WaitsForPerson: the integration branch was changed from outside, or the run paused too long.
        """
        with self._changed:
            while not self._stopping:
                now, fresh, paused = self._clock.monotonic(), False, False
                if not self._sure(now):
                    if self._short_of_room():
                        self._changed.wait(_PAUSE)
                        continue
                    if self._breaker.heed(self._schedule):
                        self._rounds.ask()
                    fresh = self._rounds.due()
                    if not self._looked():
                        self._changed.wait(_PAUSE)
                        continue
                    now = self._clock.monotonic()
                    paused = self._orders.paused(idle=not self._active)
                    if not paused and self._shut(now):
                        self._changed.wait(_PAUSE)
                        continue
                    if not paused and not self._gate.short:
                        self._rounds.made_sure(now)
                task = None if paused or self._halted else self._schedule.take(now)
                if task is None:
                    if self._is_over(fresh=fresh):
                        self._stopping = True
                        self._changed.notify_all()
                        break
                    if not (paused or self._active or self._schedule.next_wake() is not None):
                        self._recovery.wait_for(held_in(self._entries, self._tasks))
                    self._rest(_PAUSE if paused else self._patience())
                    continue
                claim = self._claim(task)
                if claim is not None:
                    self._active[task] = claim
                    self._gate.space(self._tasks[task].backend, self._schedule)
                    self._breaker.brake(self._schedule)
                    return claim
            return None

    def now(self, register: Callable[[], None], only: str = "") -> Claim | None:
        """Claims the best task that may run at this moment, or `only` that one; waits for no work.

        `register` is called before the claim. None: nothing may run at this moment; `exhausted`
        and `why` say more.

        Raises:
            OSError: tasks can't be claimed: the disk is full, say.
            WaitsForPerson: the integration branch was changed from outside.
        """
        with self._changed:
            for _ in range(_TRIES):
                self._look()
                paused = self._orders.paused(idle=False)
                task = None if paused else self._schedule.take(self._clock.monotonic(), only)
                if task is None:
                    return None
                register()
                with self._limits.held(task, _LOCK_PATIENCE) as free:
                    claim = self._store.claim(self._entries[task].name) if free else None
                if claim is not None:
                    self._active[task] = claim
                    return claim
                # Somebody was faster: the next look sees what is left.
            return None

    def revived(self) -> bool:
        """Looks once more and returns whether there is work after all; then `next` hands it out."""
        with self._changed:
            self._rounds.ask()
            if self._halted or not self._looked() or self._schedule.exhausted():
                return False
            self._stopping = False
            return True

    def _sure(self, now: float) -> bool:
        if self._may_halt:
            # Who moved it to `failed/` is another process, or one of ours that tells us in a moment.
            self._rounds.heed_failures(self._store.signs_of_ends())
        return self._rounds.sure(now)

    def _shut(self, now: float) -> bool:
        return self._schedule.may_start(now) and self._gate.shut(len(self._active))

    def _short_of_room(self) -> bool:
        with self._last_resort():
            return self._troubles.short_of_room()

    def _looked(self) -> bool:
        """Looks if it is due; returns whether we know what we should."""
        if not self._rounds.due():
            return True
        try:
            self._look()
        except OSError as error:
            self._refused(error)
            return False
        return True

    def _claim(self, task: str) -> Claim | None:
        try:
            purse = self._purse if self._purse and self._purse.limits(task) else None
            if purse or self._limits.concern(task) or self._breaker.limit(task):
                return self._claim_beside(task, purse)
            claim = self._store.claim(self._entries[task].name)
        except (EnvironmentProblem, OSError) as error:
            self._refused(error)
            self._schedule.moved(task, TaskState.AVAILABLE, self._clock.monotonic() + 1.0)
            return None
        return self._known(claim)

    def _known(self, claim: Claim | None) -> Claim | None:
        self._troubles.over()
        # Until the next look, a task that somebody else got first just counts as locked.
        if claim is None and self._rounds.missed():
            self._glance()
        return claim

    def _claim_beside(self, task: str, purse: Purse | None) -> Claim | None:
        """Claims a task that others at work, a budget or a usage limit may keep from starting."""
        alone = purse is not None or self._breaker.half_open(task)
        with self._limits.held(task, alone=alone) as free:
            name = self._entries[task].name
            free = free and self._breaker.admits(task)  # noqa: PLW2901  # both must agree
            short = purse.reserve(name, self._store.owner) if purse and free else None
            if short is not None or not free:
                self._wait(task, short)
                return None
            claim = self._store.claim(name)
            if claim is not None:
                self._breaker.began(claim)
            elif purse:
                purse.give_back(name, self._store.owner)
        return self._known(claim)

    def _wait(self, task: str, short: Short | None) -> None:
        """Has a task wait for others that are at work, or for more money than there is."""
        until = self._clock.monotonic() + LOOK_WAITING
        if short is not None and short.final:
            # The look leaves it out, as long as that is so.
            self._rounds.ask()
        elif short is not None:
            # Smaller ones wait too, or it would never have its turn.
            for lane in self._schedule.lanes_of(self._tasks[task].backend):
                self._schedule.hold(lane, until, short.words)
        self._schedule.moved(task, TaskState.AVAILABLE, until)

    def _glance(self) -> None:
        available = self._store.available_tasks()
        self._schedule.glance(available)
        self._rounds.glanced(len(available))

    def _look(self) -> None:
        started, signs = self._clock.monotonic(), self._store.signs_of_ends()
        self._orders.look()
        self._breaker.heed(self._schedule, anyhow=True)
        with undisturbed():
            listing = self._listed()
            self._entries = listing.entries
            self._count_the_money()
            self._schedule.observe(self._seen(listing))
        self._undone = self._undone_in(listing)
        self._count_failures()
        if not self._rounds.begun:
            stay()
        self._rounds.looked(started, signs)
        self._changed.notify_all()

    def _listed(self) -> Listing:
        """Returns a look at all tasks, after what lay wrong was moved."""
        listing = self._store.listing()
        if listing.doubles or not self._tasks.keys() <= listing.entries.keys():
            listing = self._store.settled_listing(self._tasks.keys() - self._active.keys())
        if self._healed(listing):
            listing = self._store.settled_listing(self._tasks.keys() - self._active.keys())
        return listing

    def _count_the_money(self) -> None:
        if self._purse is not None:
            with self._limits.alone() as mine:
                if mine:
                    self._purse.look()

    def _undone_in(self, listing: Listing) -> frozenset[str]:
        """Returns the tasks that lie in `failed/` because a person took their merge back."""
        if self._halt.when is HaltWhen.KEEP_GOING:
            return frozenset()
        failed = (one for one in listing.entries.values() if one.state is TaskState.FAILED)
        return frozenset(one.name.task for one in failed if self._recovery.undone(one))

    def _healed(self, listing: Listing) -> bool:
        try:
            return self._recovery.heal(listing, self._active.keys())
        except (EnvironmentProblem, OSError) as error:
            # What was not moved stays for the next look.
            self._refused(error)
            return False

    def _seen(self, listing: Listing) -> dict[str, Seen]:
        choosy = self._barred or self._orders.selective or self._breaker.stops
        may_start = self._may_start if choosy or self._purse is not None else None
        seen = seen_in(listing.entries, self._tasks, may_start, self._backoffs.end)
        seen.update(dict.fromkeys(self._active, HELD))
        return seen

    def _may_start(self, task: str) -> bool:
        if self._purse is not None and self._purse.refuses(task):
            return False
        free = self._lane(task) not in self._barred and not self._breaker.stopped(task)
        return free and self._orders.allow(task)

    def _is_over(self, *, fresh: bool) -> bool:
        if self._halted:
            return True
        if self._active:
            return False
        if not self._mends and self._store.all_ended():
            return True
        if not self._schedule.exhausted():
            return False
        if not fresh:
            # Nothing to do as far as we know: only a fresh look may say that it is so.
            self._rounds.ask()
            if not self._looked():
                return False
        return self._schedule.exhausted()

    def _rest(self, patience: float) -> None:
        """Waits so long for something new. One of all threads that do looks out for ends elsewhere.

        What waited for them may be for us: where they ended, no worker may be free.
        """
        if self._rounds.watched:
            self._changed.wait(patience)
            return
        self._rounds.watched = True
        try:
            if not self._changed.wait(min(patience, PEEK)):
                self._rounds.peeked(self._store.signs_of_ends())
        finally:
            self._rounds.watched = False

    def _patience(self) -> float:
        wake = self._schedule.next_wake()
        until_look = self._rounds.left(idle=not self._active)
        if wake is not None:
            until_look = min(until_look, wake - self._clock.monotonic())
        return max(0.01, until_look)

    def _refused(self, error: EnvironmentProblem | OSError) -> None:
        with self._last_resort():
            self._troubles.refused(error)

    @contextmanager
    def _last_resort(self) -> Iterator[None]:
        """Ends the run for all workers if a trouble lasts too long."""
        try:
            yield
        except EnvironmentProblem:
            self._stopping = True
            raise
