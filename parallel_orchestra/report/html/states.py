"""How the states of tasks look: never by their colour alone, each has a sign and a word."""

from enum import Enum

from parallel_orchestra.progress import Outcome


class State(Enum):
    """A look: the names of its colour and sign in the templates."""

    OK = "ok"
    FAILED = "failed"
    SKIPPED = "skipped"
    RUNNING = "running"
    WAITING = "waiting"
    MISSING = "missing"


_STATES = {
    Outcome.SUCCEEDED: State.OK,
    Outcome.RESUMED: State.OK,
    Outcome.BY_HAND: State.OK,
    Outcome.FAILED: State.FAILED,
    Outcome.SKIPPED: State.SKIPPED,
    Outcome.RUNNING: State.RUNNING,
    Outcome.WAITING: State.WAITING,
    Outcome.MISSING: State.MISSING,
}


def state_of(outcome: Outcome) -> State:
    """Returns how tasks of an outcome look."""
    return _STATES[outcome]


def word_for(outcome: Outcome, *, killed: bool) -> str:
    """Returns the word for an outcome; what ran when the run was killed does so no longer."""
    return "deserted" if killed and outcome is Outcome.RUNNING else outcome.value
