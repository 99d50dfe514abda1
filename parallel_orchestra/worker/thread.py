"""The loop around attempts: claim the next task, work on it, say where it goes."""

import threading
from dataclasses import replace

from parallel_orchestra.errors import GitError, OrchestraError, WaitsForPerson
from parallel_orchestra.events import Claimed
from parallel_orchestra.model import FailureClass
from parallel_orchestra.process import Supervisor
from parallel_orchestra.states import TaskState
from parallel_orchestra.store import Claim, LostClaim, steering
from parallel_orchestra.store.records import last_result
from parallel_orchestra.worker.attempt import Attempt
from parallel_orchestra.worker.berths import Berth, Berths
from parallel_orchestra.worker.blame import blamed
from parallel_orchestra.worker.ended import Finished
from parallel_orchestra.worker.settling import settle
from parallel_orchestra.worker.shop import Shop


class Worker:
    """One worker thread's work: `run` until there is nothing left, `cancel` from any thread."""

    def __init__(self, shop: Shop, number: int, berths: Berths, supervisor: Supervisor) -> None:
        """Takes the number of its slot, from 1, the berths of all workers, and a supervisor to close."""
        self.number = number
        self.claim: Claim | None = None
        self.since = 0.0
        self._shop = shop
        self._supervisor = supervisor
        self._berths = berths
        berths.add(Berth(shop, number))
        self._cancelled = threading.Event()

    def run(self) -> None:
        """Works on one task after the other until the board has none for us any more.

        Raises:
            OrchestraError: the run can't go on; our own task was given back.
        """
        try:
            while not self._cancelled.is_set():
                claim = self._shop.board.next()
                if claim is None:
                    return
                self._perform(claim)
        finally:
            self._supervisor.close()
            self._berths.retired(self.number).take_down()

    def cancel(self) -> None:
        """Ends what this worker does; its task is given back. Call until `run` has returned."""
        self._cancelled.set()
        self._supervisor.cancel()

    def lose(self, claim: Claim) -> None:
        """Ends the agent of a claim that is not ours any more, or that a person cancels."""
        if self.claim == claim:
            self._supervisor.cancel()

    def _perform(self, claim: Claim) -> None:
        shop = self._shop
        started, begun = shop.clock.now(), shop.clock.monotonic()
        shop.journal.write(Claimed(started, claim.task, claim.attempt, self.number))
        self.claim, self.since = claim, started
        fatal: OrchestraError | None = None
        attempt: Attempt | None = None
        try:
            with self._berths.lent(self.number, self._had(claim)) as berth:
                place = berth.place(shop.tasks[claim.task])
                attempt = Attempt(shop, claim, self._supervisor, place, berth.seat, berth.bench)
                finished = attempt.run()
            finished = blamed(finished, shop.board.lack(begun))
        except LostClaim:
            shop.warn(claim.task, f"attempt {claim.attempt} lost its claim; its work is kept")
            if not shop.store.holds(claim):
                shop.board.lost(claim)
                return
            # The fence alone was moved. Whoever recovers the task moves its file next; if nobody
            # does, it was an agent, and the task must not begin anew without an end.
            reason = "its fence was moved, though it was not taken away"
            finished = Finished(FailureClass.ENVIRONMENT, reason)
        except WaitsForPerson as error:
            fatal = error
            finished = Finished(FailureClass.CANCELLED, str(error))
        except (OrchestraError, OSError) as error:
            finished = Finished(FailureClass.ENVIRONMENT, _reason(error))
        finally:
            self.claim = None
        if attempt is None or not attempt.asked:
            finished = replace(finished, asked=False)
        if finished.failure is not None:
            finished = self._given_up(claim, finished)
        try:
            self._settle(claim, finished, started, shop.clock.monotonic() - begun)
        except LostClaim:
            shop.warn(claim.task, f"attempt {claim.attempt} lost its claim before it could end")
            shop.board.lost(claim)
        except OSError as error:
            # Our own lock stays behind; the next look frees it or finds its merge.
            shop.warn(claim.task, f"its last move failed: {error.strerror or error}")
            shop.board.lost(claim)
        if fatal is not None:
            raise fatal

    def _given_up(self, claim: Claim, finished: Finished) -> Finished:
        """Returns a failed attempt's end, or that it was ended because somebody wanted it so."""
        asked = steering.cancel_of(self._shop.store.layout, claim.task)
        if asked is not None:
            why = f"cancelled {asked.words}"
            end = FailureClass.CANCELLED
            return replace(finished, failure=end, reason=why, final=True, again=False)
        if self._cancelled.is_set():
            why = "the run was stopped"
            end = FailureClass.CANCELLED
            return replace(finished, failure=end, reason=why, final=False, again=False)
        return finished

    def _had(self, claim: Claim) -> str:
        """Returns where the attempt before this one worked; empty for a first one."""
        if claim.attempt == 1:
            return ""
        last = last_result(self._shop.store.layout, claim.task)
        return last.directory if last is not None else ""

    def _settle(self, claim: Claim, finished: Finished, started: float, seconds: float) -> None:
        shop = self._shop
        # Before the task moves: from then on another process may start it.
        answer = finished.answer
        shop.board.answered(claim, finished.failure, finished.reason, answer.retry_after)
        settled = settle(shop, claim, finished, started, seconds)
        if finished.final:
            steering.forget_cancel(shop.store.layout, claim.task)
        if settled.state is TaskState.FAILED and finished.failure is FailureClass.AUTH:
            shop.board.bar(claim.task)
        shop.board.ended(settled.name, settled.state, settled.delay)


def _reason(error: OrchestraError | OSError) -> str:
    """Returns an error in one line; of a failed git command, the first thing that git said."""
    said = error.problems[0].hint.strip() if isinstance(error, GitError) else ""
    return f"{error}: {said.splitlines()[0]}" if said else str(error)
