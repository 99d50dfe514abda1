"""The line of candidates that wait for the plan's `verify`, as the threads of one process form it.

Each thread hands its candidate in and waits. One of them leads: it takes all that wait, chains
them, checks the end of the chain, publishes or searches; then anyone else may lead the next step.
Nobody leads for longer than a step, so that a worker whose task is merged goes on. Who waits while
a check goes on prepares the next one.
"""

import contextlib
import threading
from collections.abc import Sequence
from dataclasses import replace
from enum import Enum

from parallel_orchestra.errors import GitError, OrchestraError
from parallel_orchestra.merge_queue.chain import Chain, Joint, Link, chained
from parallel_orchestra.merge_queue.hearing import Hearing
from parallel_orchestra.merge_queue.integration import FencesLost, Integration
from parallel_orchestra.merge_queue.outcome import (
    CANCELLED,
    Candidate,
    Conflicted,
    Merged,
    Outcome,
    Rejected,
    Verifier,
)
from parallel_orchestra.merge_queue.search import Search
from parallel_orchestra.store import LostClaim, steering

#: How many candidates are checked together at most.
MOST = 32


class _Role(Enum):
    LEAD = "lead"
    PREPARE = "prepare"


class Ticket:
    """One candidate in the line, and what became of it."""

    def __init__(self, candidate: Candidate) -> None:
        self.candidate = candidate
        self._end: Outcome | Exception | None = None

    @property
    def settled(self) -> bool:
        """Whether it is known what became of it."""
        return self._end is not None

    def settle(self, end: Outcome | Exception) -> None:
        """Says what became of it, or what its thread is to raise; the first word counts."""
        if self._end is None:
            self._end = end

    def ended(self) -> Outcome:
        """Returns what became of it, or raises that."""
        if self._end is None:
            raise RuntimeError("a candidate left the line unsettled")
        if isinstance(self._end, Exception):
            raise self._end
        return self._end


class Line:
    """Those who wait in this process; `merge` is for any thread."""

    def __init__(self, trunk: Integration, verify: Verifier, most: int = MOST) -> None:
        """Takes how many are checked together at most."""
        self._trunk = trunk
        self._verify = verify
        self._most = most
        self._search: Search[Ticket] = Search(most)
        self._changed = threading.Condition()
        self._waiting: list[Ticket] = []
        self._led = False
        self._tip = ""
        #: What is being checked, if those behind it may prepare; and who was prepared for.
        self._under_check: Chain[Ticket] | None = None
        self._preparing = False
        self._prepared: tuple[Ticket, ...] = ()
        self._bases: dict[str, bool] = {}

    def __len__(self) -> int:
        """Returns how many wait."""
        with self._changed:
            return len(self._waiting)

    def merge(self, candidate: Candidate) -> Outcome:
        """Waits in the line until it is known what becomes of a candidate; see `MergeQueue.merge`."""
        ticket = Ticket(candidate)
        with self._changed:
            self._waiting.append(ticket)
            self._changed.notify_all()
        try:
            while role := self._role(ticket):
                if role is _Role.LEAD:
                    self._lead()
                else:
                    self._prepare()
        finally:
            self._leave(ticket)
        return ticket.ended()

    def _role(self, ticket: Ticket) -> _Role | None:
        """Waits until there is something to do, and returns what; None once the ticket is settled."""
        with self._changed:
            while not ticket.settled:
                if not self._led:
                    self._led = True
                    return _Role.LEAD
                if self._behind():
                    self._preparing = True
                    return _Role.PREPARE
                self._changed.wait()
            return None

    def _lead(self) -> None:
        try:
            with self._trunk.turn, self._verify.turn() as mine:
                if mine:
                    self._step()
                else:
                    self._settle(self._snapshot(), CANCELLED)
        except (OrchestraError, OSError) as error:
            # Nobody's fault in particular: each of them would have met the same.
            self._settle(self._snapshot(), error)
        finally:
            with self._changed:
                self._waiting = [one for one in self._waiting if not one.settled]
                self._led = False
                self._changed.notify_all()

    def _step(self) -> None:
        self._trunk.check()
        tip = self._trunk.tip()
        if tip != self._tip:
            self._search.forget()
            self._tip = tip
        chosen = self._search.next(self._admitted())
        chain = chained(tip, chosen, self._join)
        for ticket, conflict in chain.contradicted:
            ticket.settle(conflict)
        self._arrange(chain)
        if chain.keys != chosen:
            self._search.forget()
        if not chain.links:
            return
        try:
            if self._search.on_trial(chain.keys):
                self._try(tip, chain.links[0])
            else:
                self._check(tip, chain)
        except (OrchestraError, OSError) as error:
            self._settle(chain.keys, error)

    def _admitted(self) -> tuple[Ticket, ...]:
        """Returns those that wait and may still be merged; the others are settled."""
        for ticket in self._snapshot():
            candidate, store = ticket.candidate, self._trunk.store
            known = self._trunk.merge_of(candidate.claim.task)
            if known is not None and known.generation >= candidate.generation:
                ticket.settle(Merged(known.commit, already=True))
            elif not (store.holds(candidate.claim) and self._trunk.fenced(candidate)):
                # The transaction would refuse it, but only after a check.
                ticket.settle(LostClaim(candidate.claim.task))
            elif asked := steering.cancel_of(store.layout, candidate.claim.task):
                ticket.settle(replace(CANCELLED, blame=f"cancelled {asked.words}"))
        return self._snapshot()

    def _join(self, tip: str, ticket: Ticket) -> Joint | Conflicted:
        try:
            return self._trunk.join(tip, ticket.candidate)
        except GitError as error:
            # Its commit is gone, or has nothing in common with ours: no fault of the others.
            ticket.settle(error)
            return Conflicted(())

    def _arrange(self, chain: Chain[Ticket]) -> None:
        """Puts those who only contradict somebody in the chain right behind it."""
        first = (*chain.keys, *chain.postponed)
        with self._changed:
            self._waiting = [*first, *(one for one in self._waiting if one not in first)]

    def _check(self, tip: str, chain: Chain[Ticket]) -> None:
        if not self._search.searching:
            self._announce(chain)
        log = chain.keys[0].candidate.log
        try:
            rejected = self._verify.check(chain.end.commit, log, self._trunk.taken_in())
        finally:
            self._announce(None)
        if rejected is None:
            self._publish(tip, chain.links)
        elif rejected.cancelled:
            self._settle(chain.keys, rejected)
        else:
            self._search.red(chain.keys)

    def _try(self, tip: str, link: Link[Ticket]) -> None:
        candidate, bases = link.key.candidate, self._bases
        heard = Hearing(self._trunk, self._verify, tip, candidate, link.joint, bases).held()
        if not isinstance(heard, Rejected):
            self._publish(tip, (link,), heard)
            return
        link.key.settle(heard)
        if not heard.cancelled:
            self._search.condemned()

    def _publish(self, tip: str, links: Sequence[Link[Ticket]], remark: str = "") -> None:
        merges = [(link.key.candidate, link.joint) for link in links]
        joint = self._trunk.bundle(tip, merges)
        try:
            published = self._trunk.publish([one for one, _ in merges], joint, tip)
        except FencesLost as lost:
            # The others are chained anew, without them.
            for link in links:
                if link.key.candidate in lost.candidates:
                    link.key.settle(LostClaim(link.key.candidate.claim.task))
            self._search.forget()
            return
        if not published:
            return
        self._tip = joint.commit
        self._search.green([link.key for link in links])
        for link in links:
            link.key.settle(Merged(link.joint.commit, remark=remark))

    def _announce(self, chain: Chain[Ticket] | None) -> None:
        with self._changed:
            self._under_check = chain
            self._prepared = ()
            self._changed.notify_all()

    def _behind(self) -> tuple[Ticket, ...]:
        """Returns whom the next check could be prepared for; for who holds the condition."""
        if self._under_check is None or self._preparing:
            return ()
        checked = self._under_check.keys
        rest = tuple(one for one in self._waiting if one not in checked)[: self._most]
        return rest if rest != self._prepared else ()

    def _prepare(self) -> None:
        with self._changed:
            chain = self._under_check
            rest = tuple(one for one in self._waiting if chain and one not in chain.keys)
            rest = self._prepared = rest[: self._most]
        try:
            # Only a head start: who leads next meets whatever is wrong, and says so.
            with contextlib.suppress(OrchestraError, OSError):
                following = self._following(chain, rest) if chain else None
                if following is not None and following.links:
                    self._verify.prepare(following.end.commit, following.keys[0].candidate.log)
        finally:
            with self._changed:
                self._preparing = False
                self._changed.notify_all()

    def _following(self, chain: Chain[Ticket], rest: Sequence[Ticket]) -> Chain[Ticket]:
        trunk = self._trunk
        return chained(chain.end.commit, rest, lambda tip, one: trunk.join(tip, one.candidate))

    def _settle(self, tickets: Sequence[Ticket], end: Outcome | Exception) -> None:
        for ticket in tickets:
            ticket.settle(end)

    def _snapshot(self) -> tuple[Ticket, ...]:
        with self._changed:
            return tuple(one for one in self._waiting if not one.settled)

    def _leave(self, ticket: Ticket) -> None:
        with self._changed:
            self._waiting = [one for one in self._waiting if one is not ticket]
            self._changed.notify_all()
