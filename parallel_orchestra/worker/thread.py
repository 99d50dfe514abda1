"""The loop around attempts: claim the next task, work on it, say where it goes."""

import threading
from dataclasses import replace
from pathlib import Path

from parallel_orchestra import files
from parallel_orchestra.errors import GitError, OrchestraError, WaitsForPerson
from parallel_orchestra.events import AttemptEnded, Claimed, Completed, Failed, Returned
from parallel_orchestra.isolation import InPlace, Isolation, Slot
from parallel_orchestra.model import FailureClass
from parallel_orchestra.model import Isolation as IsolationKind
from parallel_orchestra.process import Supervisor
from parallel_orchestra.retry import Verdict, decide
from parallel_orchestra.states import TaskState
from parallel_orchestra.store import AttemptResult, Claim, LostClaim
from parallel_orchestra.store.records import attempt_results, write_result
from parallel_orchestra.worker.attempt import Attempt, Finished
from parallel_orchestra.worker.shop import Shop

#: How much of an agent's last words is kept in its result, in characters.
_TEXT_LIMIT = 20_000


class Worker:
    """One worker thread's work: `run` until there is nothing left, `cancel` from any thread."""

    def __init__(self, shop: Shop, number: int) -> None:
        """Takes the number of its slot, from 1."""
        self.number = number
        self.claim: Claim | None = None
        self.since = 0.0
        self._shop = shop
        self._supervisor = Supervisor()
        self._slot: Slot | None = None
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

    def cancel(self) -> None:
        """Ends what this worker does; its task is given back. Call until `run` has returned."""
        self._cancelled.set()
        self._supervisor.cancel()

    def lose(self, claim: Claim) -> None:
        """Ends the agent of a claim that is not ours any more."""
        if self.claim == claim:
            self._supervisor.cancel()

    def _perform(self, claim: Claim) -> None:
        shop = self._shop
        started, begun = shop.clock.now(), shop.clock.monotonic()
        shop.journal.write(Claimed(started, claim.task, claim.attempt, self.number))
        self.claim, self.since = claim, started
        fatal: OrchestraError | None = None
        try:
            place = self._place(claim)
            finished = Attempt(shop, claim, self._supervisor, place, self.number).run()
        except LostClaim:
            shop.warn(claim.task, f"attempt {claim.attempt} lost its claim; its work is kept")
            shop.board.lost(claim)
            return
        except WaitsForPerson as error:
            fatal = error
            finished = Finished(FailureClass.CANCELLED, str(error))
        except (OrchestraError, OSError) as error:
            finished = Finished(FailureClass.ENVIRONMENT, _reason(error))
        finally:
            self.claim = None
        if self._cancelled.is_set() and finished.failure is not None:
            reason = "the run was stopped"
            finished = replace(finished, failure=FailureClass.CANCELLED, reason=reason)
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

    def _place(self, claim: Claim) -> Isolation:
        if self._shop.tasks[claim.task].isolation is IsolationKind.NONE:
            return InPlace(self._shop.plan.cwd)
        if self._slot is None or self._shop.keep_worktrees:
            self._slot = self._shop.pool.slot()
        return self._slot

    def _settle(self, claim: Claim, finished: Finished, started: float, seconds: float) -> None:
        """Writes the result, then makes the task's last move of this attempt."""
        shop, failure = self._shop, finished.failure
        verdict = self._verdict(claim, finished) if failure is not None else Verdict(again=False)
        delay = verdict.delay if verdict.again else 0.0
        not_before = shop.clock.now() + delay if delay else 0.0
        result = _result(claim, finished, started, seconds, not_before)
        self._write(shop.store.layout.attempt(claim.task, claim.attempt, claim.name.owner), result)
        now = shop.clock.now()
        ended = _ended(now, result)
        why = (claim.task, claim.attempt, result.failure, result.reason)
        if failure is None:
            done = shop.store.complete(claim, (ended, Completed(now, claim.task, claim.attempt)))
            if finished.commit:
                shop.queue.remember(claim.task, finished.commit)
            shop.board.ended(done, TaskState.DONE)
        elif verdict.again:
            event = Returned(now, *why, not_before)
            back = shop.store.give_back(claim, counted=verdict.counted, then=(ended, event))
            shop.board.ended(back, TaskState.AVAILABLE, not_before)
        else:
            if failure is FailureClass.AUTH:
                shop.board.bar(shop.tasks[claim.task].backend)
            end = (ended, Failed(now, *why))
            gone = shop.store.fail(claim, counted=verdict.counted, then=end)
            shop.board.ended(gone, TaskState.FAILED)

    def _verdict(self, claim: Claim, finished: Finished) -> Verdict:
        failure = finished.failure or FailureClass.ENVIRONMENT
        return decide(
            failure,
            attempts=claim.name.failures + self._uncounted(claim, failure) + 1,
            failures=claim.name.failures,
            max_retries=self._shop.tasks[claim.task].max_retries,
            retry_after=finished.answer.retry_after,
            dice=self._shop.dice(),
            # The published tool tries a rate limit again after a second, as often as it may.
            limits_count=self._shop.agents.published,
        )

    def _uncounted(self, claim: Claim, failure: FailureClass) -> int:
        """Returns how many attempts before this one ended so, through nobody's fault."""
        if claim.attempt - 1 == claim.name.failures:
            return 0
        before = attempt_results(self._shop.store.layout, claim.task)
        return sum(result.failure == failure.value for result in before)

    def _write(self, directory: Path, result: AttemptResult) -> None:
        if not (result.failure or result.text or result.commit or directory.exists()):
            # It had no prompt, said nothing and went well: the journal has all there is to say.
            return
        try:
            files.make_directory(directory)
            write_result(directory, result)
        except OSError as error:
            # Advisory: on a full disk the move that follows may still succeed, and it counts.
            self._shop.warn(result.task, f"its result could not be written: {error.strerror}")


def _reason(error: OrchestraError | OSError) -> str:
    """Returns an error in one line; of a failed git command, the first thing that git said."""
    said = error.problems[0].hint.strip() if isinstance(error, GitError) else ""
    return f"{error}: {said.splitlines()[0]}" if said else str(error)


def _result(
    claim: Claim, finished: Finished, started: float, seconds: float, not_before: float
) -> AttemptResult:
    usage = finished.answer.usage
    return AttemptResult(
        task=claim.task,
        attempt=claim.attempt,
        owner=claim.name.owner,
        started=started,
        seconds=seconds,
        failure=finished.failure.value if finished.failure else "",
        reason=finished.reason,
        detail=finished.detail,
        text=finished.answer.text[-_TEXT_LIMIT:],
        commit=finished.commit,
        ref=finished.ref,
        files=list(finished.files),
        not_before=not_before,
        cost_usd=usage.cost_usd,
        input_tokens=usage.input_tokens,
        output_tokens=usage.output_tokens,
        turns=usage.turns,
        session=usage.session,
    )


def _ended(now: float, result: AttemptResult) -> AttemptEnded:
    return AttemptEnded(
        now,
        result.task,
        result.attempt,
        result.seconds,
        result.failure,
        result.reason,
        result.cost_usd,
        result.input_tokens,
        result.output_tokens,
        result.turns,
        result.session,
    )
