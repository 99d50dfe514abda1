"""What the journal tells of one task, gathered event by event."""

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
from parallel_orchestra.frozen import frozen
from parallel_orchestra.progress.picture import Attempt, Judgement, Silence, Stretch
from parallel_orchestra.retry import Way
from parallel_orchestra.states import TaskState

_OF_ATTEMPTS = (Claimed, AttemptEnded, Entered, Judged)
#: The log of who judges, beside the agent's.
_QA_LOG = "qa.log"


@frozen
class Place:
    """Where a task lies, what its file's name says, and whether its agent shows no sign of life."""

    state: TaskState
    attempts: int
    failures: int
    owner: str
    silence: Silence | None = None


class Tried:
    """What the journal tells of one attempt. Tens of thousands are gathered, so each is made once.

    `begun` is its end if its beginning was lost: a full disk, a torn line.
    """

    __slots__ = ("begun", "ended", "judged", "phases", "writer")

    def __init__(self, writer: str, begun: Claimed | AttemptEnded) -> None:
        self.writer = writer
        self.begun = begun
        self.phases: tuple[Stretch, ...] = ()
        self.judged: Judged | None = None
        self.ended: AttemptEnded | None = None

    @property
    def started(self) -> float:
        """When it began, in epoch seconds UTC."""
        begun = self.begun
        return begun.time if isinstance(begun, Claimed) else begun.time - begun.seconds

    def attempt(self, *, unseen: bool) -> Attempt:
        """Returns the attempt; `unseen` if it runs no more, but nobody wrote down how it ended."""
        begun, ended, judged = self.begun, self.ended, self.judged
        slot = begun.slot if isinstance(begun, Claimed) else 0
        folder = f"attempts/{begun.task}/{begun.attempt}.{self.writer}"
        log, qa_log = f"{folder}/agent.log", f"{folder}/{_QA_LOG}"
        qa = None if judged is None else _judgement(judged, qa_log)
        if ended is None:
            return Attempt(
                number=begun.attempt,
                owner=self.writer,
                slot=slot,
                started=self.started,
                log=log,
                unseen=unseen,
                phases=self.phases,
                qa=qa,
            )
        return Attempt(
            number=begun.attempt,
            owner=self.writer,
            slot=slot,
            started=self.started,
            seconds=ended.seconds,
            failure=ended.failure,
            reason=ended.reason,
            cost_usd=ended.cost_usd,
            input_tokens=ended.input_tokens,
            output_tokens=ended.output_tokens,
            turns=ended.turns,
            session=ended.session,
            log=qa_log if ended.way == Way.JUDGE.value else log,
            way=ended.way,
            directory=ended.directory,
            phases=self.phases,
            qa=qa,
            told_in=f"{folder}/{ended.log}" if ended.log else "",
        )


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
        self.attempts: dict[tuple[int, str], Tried] = {}
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
            tried.ended is None
            for (number, owner), tried in self.attempts.items()
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


def _tell_attempt(
    story: Story, writer: str, event: Claimed | AttemptEnded | Entered | Judged
) -> None:
    key = event.attempt, writer
    if isinstance(event, Claimed):
        story.attempts[key] = Tried(writer, event)
        story.failed, story.completed, story.files, story.against = None, None, (), ()
        return
    tried = story.attempts.get(key)
    if isinstance(event, AttemptEnded):
        if tried is None:
            tried = story.attempts[key] = Tried(writer, event)
        tried.ended = event
    elif tried is None:
        return
    elif isinstance(event, Entered):
        tried.phases = (*tried.phases, Stretch(event.phase, event.time))
    else:
        tried.judged = event


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
        log,
    )


def _keep(story: Story, event: Kept) -> None:
    if event.ref not in story.kept:
        story.kept.append(event.ref)
    if event.files:
        story.files, story.against = event.files, event.against
