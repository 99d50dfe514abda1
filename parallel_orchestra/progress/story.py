"""What the journal tells of one task, gathered event by event."""

from dataclasses import dataclass, replace

from parallel_orchestra.events import (
    NO_ATTEMPT,
    AttemptEnded,
    Claimed,
    Completed,
    Entered,
    Event,
    Failed,
    Judged,
    Kept,
    Recovered,
    Returned,
    Undone,
    Warned,
)
from parallel_orchestra.progress.picture import Attempt, Judgement, Silence, Stretch
from parallel_orchestra.retry import Way
from parallel_orchestra.states import TaskState

_OF_ATTEMPTS = (Claimed, AttemptEnded, Entered, Judged)
#: The log of who judges, beside the agent's.
_QA_LOG = "qa.log"


@dataclass(frozen=True, slots=True)
class Place:
    """Where a task lies, what its file's name says, and whether its agent shows no sign of life."""

    state: TaskState
    attempts: int
    failures: int
    owner: str
    silence: Silence | None = None


class Story:
    """What the journal tells of one task, gathered in order of time."""

    __slots__ = (
        "against",
        "attempts",
        "completed",
        "failed",
        "files",
        "kept",
        "taken",
        "warnings",
    )

    def __init__(self) -> None:
        self.attempts: dict[tuple[int, str], Attempt] = {}
        self.kept: list[str] = []
        self.files: tuple[str, ...] = ()
        self.against: tuple[str, ...] = ()
        self.warnings: list[str] = []
        self.failed: Failed | Returned | None = None
        self.completed: float | None = None
        self.taken = False

    def unended(self, place: Place) -> bool:
        """Returns whether the attempt that the file's name tells of began but never ended.

        It runs, or its last move was made and the word on it was lost: events follow moves.
        """
        return any(
            attempt.seconds is None
            for (number, owner), attempt in self.attempts.items()
            if number == place.attempts and owner == place.owner
        )


def tell(story: Story, writer: str, event: Event) -> None:
    """Takes an event of one task into its story; `writer` is who wrote it."""
    if isinstance(event, _OF_ATTEMPTS):
        _tell_attempt(story, writer, event)
    elif isinstance(event, Completed):
        story.completed = event.time
        story.taken = event.attempt == NO_ATTEMPT
    elif isinstance(event, (Failed, Returned)):
        story.failed = event
    elif isinstance(event, Undone):
        story.failed, story.completed = None, None
    elif isinstance(event, Kept):
        _keep(story, event)
    elif isinstance(event, Recovered):
        story.completed = event.time if event.target == TaskState.DONE.value else None
        story.warnings.append(f"was recovered to `{event.target}/`: {event.reason}")
    elif isinstance(event, Warned):
        story.warnings.append(event.text)


def _tell_attempt(story: Story, writer: str, event: Event) -> None:
    if isinstance(event, Claimed):
        story.attempts[event.attempt, writer] = _begun(writer, event, event.slot, event.time)
        story.failed, story.completed, story.files, story.against = None, None, (), ()
    elif isinstance(event, Entered):
        if entered := story.attempts.get((event.attempt, writer)):
            phases = (*entered.phases, Stretch(event.phase, event.time))
            story.attempts[event.attempt, writer] = replace(entered, phases=phases)
    elif isinstance(event, Judged):
        if known := story.attempts.get((event.attempt, writer)):
            qa = _judgement(event, known.log)
            story.attempts[event.attempt, writer] = replace(known, qa=qa)
    elif isinstance(event, AttemptEnded):
        known = story.attempts.get((event.attempt, writer))
        if known is None:
            # Its beginning was lost: a full disk, a torn line.
            known = _begun(writer, event, 0, event.time - event.seconds)
        story.attempts[event.attempt, writer] = _ended(known, event)


def _ended(known: Attempt, event: AttemptEnded) -> Attempt:
    judged_only = event.way == Way.JUDGE.value
    return replace(
        known,
        seconds=event.seconds,
        failure=event.failure,
        reason=event.reason,
        cost_usd=event.cost_usd,
        input_tokens=event.input_tokens,
        output_tokens=event.output_tokens,
        turns=event.turns,
        session=event.session,
        way=event.way,
        directory=event.directory,
        log=_beside(known.log, _QA_LOG) if judged_only else known.log,
        told_in=_beside(known.log, event.log) if event.log else "",
    )


def _judgement(event: Judged, log: str) -> Judgement:
    return Judgement(
        event.verdict,
        event.reason,
        event.backend,
        event.model,
        event.seconds,
        event.cost_usd,
        event.input_tokens,
        event.output_tokens,
        event.session,
        _beside(log, _QA_LOG),
    )


def _beside(log: str, name: str) -> str:
    return f"{log.rpartition('/')[0]}/{name}"


def _keep(story: Story, event: Kept) -> None:
    if event.ref not in story.kept:
        story.kept.append(event.ref)
    if event.files:
        story.files, story.against = event.files, event.against


def _begun(writer: str, event: Claimed | AttemptEnded, slot: int, started: float) -> Attempt:
    log = f"attempts/{event.task}/{event.attempt}.{writer}/agent.log"
    return Attempt(event.attempt, writer, slot, started, log=log)
