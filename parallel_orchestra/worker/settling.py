"""The end of an attempt: what is written of it, and the last move that it makes of its task."""

from dataclasses import replace
from pathlib import Path

from parallel_orchestra import files
from parallel_orchestra.events import AttemptEnded, Completed, Failed, Returned
from parallel_orchestra.frozen import frozen
from parallel_orchestra.model import FailureClass, OnConflict
from parallel_orchestra.retry import Verdict, decide
from parallel_orchestra.states import TaskState
from parallel_orchestra.store import AttemptResult, Claim, TaskName
from parallel_orchestra.store.records import attempt_results, write_result
from parallel_orchestra.worker.ended import Finished
from parallel_orchestra.worker.shop import Shop

#: How much of an agent's last words is kept in its result, in characters.
_TEXT_LIMIT = 20_000


@frozen
class Settled:
    """Where a task went: its new name, its state, and before when it is not to be claimed.

    That is an instant (epoch); `delay` is the same in seconds from the end of the attempt.
    """

    name: TaskName
    state: TaskState
    not_before: float = 0.0
    delay: float = 0.0


def settle(shop: Shop, claim: Claim, finished: Finished, started: float, seconds: float) -> Settled:
    """Writes the result, then makes the task's last move of this attempt.

    `started` is an instant (epoch). The events are told once the move is on the disk.

    Raises:
        LostClaim: the claim is not ours any more; nothing moved.
        OSError: the move is not possible; the task is still locked.
    """
    failure = finished.failure
    verdict = _verdict(shop, claim, finished) if failure is not None else Verdict(again=False)
    delay = verdict.delay if verdict.again else 0.0
    not_before = shop.clock.now() + delay if delay else 0.0
    # An output was masked as it came. In what was read in it, in files and in commits, secrets may
    # look different: this is the door through which all of it goes out.
    finished = _without_secrets(shop, claim.task, finished)
    result = _result(shop, claim, finished, started, seconds, not_before)
    directory = shop.store.layout.attempt(claim.task, claim.attempt, claim.name.owner)
    _write(shop, directory, result, always=shop.board.granted(claim) is not None)
    now = shop.clock.now()
    ended = _ended(now, result, finished.log)
    why = (claim.task, claim.attempt, result.failure, result.reason)
    if failure is None:
        done = shop.store.complete(claim, (ended, Completed(now, claim.task, claim.attempt)))
        if finished.commit:
            shop.queue.remember(claim.task, finished.commit)
        return Settled(done, TaskState.DONE)
    if verdict.again:
        event = Returned(now, *why, not_before)
        back = shop.store.give_back(claim, counted=verdict.counted, then=(ended, event))
        return Settled(back, TaskState.AVAILABLE, not_before, delay)
    end = (ended, Failed(now, *why))
    gone = shop.store.fail(claim, counted=verdict.counted, then=end)
    return Settled(gone, TaskState.FAILED)


def _without_secrets(shop: Shop, task: str, finished: Finished) -> Finished:
    answer = finished.answer
    if not (finished.reason or finished.detail or answer.text):
        return finished
    return replace(
        finished,
        reason=shop.hide(task, finished.reason),
        detail=shop.hide(task, finished.detail),
        answer=replace(answer, text=shop.hide(task, answer.text[-_TEXT_LIMIT:])),
    )


def _verdict(shop: Shop, claim: Claim, finished: Finished) -> Verdict:
    if finished.final or finished.again:
        return Verdict(again=finished.again)
    failure = finished.failure or FailureClass.ENVIRONMENT
    qa = shop.plan.qa_of(shop.tasks[claim.task])
    return decide(
        failure,
        attempts=claim.name.failures + _uncounted(shop, claim, failure) + 1,
        failures=claim.name.failures,
        max_retries=shop.tasks[claim.task].max_retries,
        retry_after=finished.answer.retry_after,
        dice=shop.dice(),
        # The published tool tries a rate limit again after a second, as often as it may.
        limits_count=shop.agents.published,
        conflicts_again=shop.plan.merge.on_conflict is OnConflict.RETRY,
        rejections=_rejections(shop, claim) + 1,
        max_rejections=qa.rejections if qa is not None else 0,
    )


def _uncounted(shop: Shop, claim: Claim, failure: FailureClass) -> int:
    """Returns how many attempts before this one ended so, through nobody's fault."""
    if claim.attempt - 1 == claim.name.failures:
        return 0
    before = attempt_results(shop.store.layout, claim.task)
    return sum(result.failure == failure.value for result in before)


def _rejections(shop: Shop, claim: Claim) -> int:
    """Returns how often QA rejected what this task is now, since it was last done."""
    definition = shop.run.fingerprints.get(claim.task, "")
    count = 0
    for one in reversed(attempt_results(shop.store.layout, claim.task)):
        if not one.failure:
            break
        rejected = one.failure == FailureClass.QA_REJECTED.value
        count += rejected and one.definition == definition
    return count


def _write(shop: Shop, directory: Path, result: AttemptResult, *, always: bool) -> None:
    something = result.failure or result.text or result.commit or directory.exists()
    if not (something or always):
        # It had no prompt, said nothing and went well: the journal has all there is to say. But
        # of a budget, what has no result has used all that it reserved.
        return
    try:
        files.make_directory(directory)
        write_result(directory, result)
    except OSError as error:
        # Advisory: on a full disk the move that follows may still succeed, and it counts.
        shop.warn(result.task, f"its result could not be written: {error.strerror}")


def _result(
    shop: Shop,
    claim: Claim,
    finished: Finished,
    started: float,
    seconds: float,
    not_before: float,
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
        text=finished.answer.text,
        commit=finished.commit,
        ref=finished.ref,
        files=list(finished.files),
        not_before=not_before,
        cost_usd=usage.cost_usd,
        input_tokens=usage.input_tokens,
        output_tokens=usage.output_tokens,
        turns=usage.turns,
        session=usage.session,
        asked=finished.asked,
        way=finished.way,
        directory=finished.directory,
        base=finished.base,
        definition=shop.run.fingerprints.get(claim.task, ""),
        qa=finished.qa,
        qa_failure=finished.qa_failure,
        qa_cost_usd=finished.qa_usage.cost_usd,
        qa_input_tokens=finished.qa_usage.input_tokens,
        qa_output_tokens=finished.qa_usage.output_tokens,
    )


def _ended(now: float, result: AttemptResult, log: str) -> AttemptEnded:
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
        result.way,
        result.directory,
        log,
    )
