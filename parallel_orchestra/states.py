"""The four places where a task can lie, and the only moves between them.

A move is one rename of the task's file. Everything that affects the state machine stands in
`TRANSITIONS`; the store carries out no other move, the picture in the docs is drawn from it.
Two rules: the directory a file lies in is the whole state, and a move either happens entirely
or not at all (rename(2)).
"""

from enum import Enum

from parallel_orchestra.frozen import frozen


class TaskState(Enum):
    """A directory of `_tasks/`, in the order in which a task travels through them."""

    AVAILABLE = "available"
    LOCKED = "locked"
    DONE = "done"
    FAILED = "failed"

    # As fast as it gets: before Python 3.12 the hash of an Enum is a function in Python.
    __hash__ = object.__hash__


class Move(Enum):
    """A reason for a task's file to be renamed from one directory into another."""

    CLAIM = "claim"
    COMPLETE = "complete"
    FAIL = "fail"
    RETRY = "retry"
    RELEASE = "release"
    RECOVER = "recover"
    ROLL_FORWARD = "roll forward"
    REQUEUE = "requeue"
    UNDO = "undo"
    CANCEL = "cancel"
    TAKE_UP = "take up"

    __hash__ = object.__hash__


@frozen
class Transition:
    """One allowed move: from where to where, by whom, and what must hold before."""

    move: Move
    source: TaskState
    target: TaskState
    by: str
    guard: str


TRANSITIONS: tuple[Transition, ...] = (
    Transition(
        Move.CLAIM,
        TaskState.AVAILABLE,
        TaskState.LOCKED,
        "worker",
        "dependencies done, backoff over, limits free",
    ),
    Transition(
        Move.COMPLETE,
        TaskState.LOCKED,
        TaskState.DONE,
        "owner",
        "merged (write tasks), attempt succeeded (read-only tasks)",
    ),
    Transition(
        Move.FAIL,
        TaskState.LOCKED,
        TaskState.FAILED,
        "owner",
        "no retry left, or the failure is final",
    ),
    Transition(
        Move.RETRY,
        TaskState.LOCKED,
        TaskState.AVAILABLE,
        "owner",
        "a counted failure with a retry left",
    ),
    Transition(
        Move.RELEASE,
        TaskState.LOCKED,
        TaskState.AVAILABLE,
        "owner",
        "cancelled, or failed for a reason that is not the agent's",
    ),
    Transition(
        Move.RECOVER,
        TaskState.LOCKED,
        TaskState.AVAILABLE,
        "anybody",
        "the owner is dead and its fence is moved",
    ),
    Transition(
        Move.ROLL_FORWARD,
        TaskState.LOCKED,
        TaskState.DONE,
        "anybody",
        "the owner is dead and its merge is on the integration branch",
    ),
    Transition(
        Move.ROLL_FORWARD,
        TaskState.AVAILABLE,
        TaskState.DONE,
        "anybody",
        "its merge is on the integration branch",
    ),
    Transition(
        Move.ROLL_FORWARD,
        TaskState.FAILED,
        TaskState.DONE,
        "anybody",
        "its merge is on the integration branch",
    ),
    Transition(
        Move.REQUEUE,
        TaskState.FAILED,
        TaskState.AVAILABLE,
        "user",
        "asked for by `--resume`, `retry` or `mv`",
    ),
    Transition(
        Move.UNDO,
        TaskState.DONE,
        TaskState.FAILED,
        "user",
        "its merge was reverted on the integration branch",
    ),
    Transition(
        Move.CANCEL,
        TaskState.AVAILABLE,
        TaskState.FAILED,
        "user",
        "asked for by `cancel`; a task at work fails by its owner",
    ),
    Transition(
        Move.TAKE_UP,
        TaskState.FAILED,
        TaskState.LOCKED,
        "user",
        "asked for by `merge`: work that is there is to be merged after all",
    ),
)


_ALLOWED = frozenset((known.move, known.source, known.target) for known in TRANSITIONS)


def allowed(move: Move, source: TaskState, target: TaskState) -> bool:
    """Returns whether `TRANSITIONS` has this move from there to there."""
    return (move, source, target) in _ALLOWED
