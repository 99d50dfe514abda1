"""What the model knows of the world at one moment: one task, its files, its fence, all who act.

A state is a tuple of small values. Two states that differ only in which worker is which, or which
recoverer, are one (`key`): whatever can happen to one of them can happen to the other.
"""

from enum import IntEnum
from typing import NamedTuple

from parallel_orchestra.states import TaskState

PLACES = tuple(TaskState)
AVAILABLE, LOCKED, DONE, FAILED = range(len(PLACES))

#: In place of an owner's number.
NOBODY = 255


class At(IntEnum):
    """The step that an actor takes next: one look, rename, transaction or agent's run each."""

    IDLE = 0
    # a worker's day
    CHECK_CLAIM = 1
    CHECK_SOURCE = 2
    WRITE_SIDECAR = 3
    READ_FENCE = 4
    HOLD_FENCE = 5
    MOVE_FENCE = 6
    LOOK = 7
    START = 8
    RUN = 9
    MERGE = 10
    HOLD_MERGE = 11
    CHECK_FENCE = 12
    PUBLISH = 13
    COMPLETE = 14
    FAIL = 15
    RETRY = 16
    RELEASE = 17
    # freeing a lock: a recoverer's, and a worker's of its own that was left behind
    JUDGE = 18
    READ_TOMBSTONE = 19
    HOLD_TOMBSTONE = 20
    MOVE_TOMBSTONE = 21
    LOOK_FREED = 22
    RECOVER = 23
    ROLL_FORWARD = 24
    CREATE_AGAIN = 25
    LOOK_SWEEP = 26
    # the conductor's
    TAKE_IN = 27
    # the end of a worker; its number may belong to a process that was started later
    DEAD = 28
    DEAD_REUSED = 29


class Luck(IntEnum):
    """What the world, its people and the agents may do to us, each so often as `Bounds` says."""

    KILL = 0
    SUSPECT = 1
    MOVE = 2
    COMMIT = 3
    FAULT = 4
    FAILURE = 5
    RELEASE = 6
    REUSE = 7
    REQUEUE = 8
    UNDO = 9
    TAKING = 10


class File(NamedTuple):
    """A task file: the directory it lies in, and what its name says."""

    place: int
    attempts: int
    failures: int
    owner: int

    def in_place(self, place: int) -> "File":
        """Returns this name in another directory."""
        return File(place, self.attempts, self.failures, self.owner)

    def freed(self, place: int) -> "File":
        """Returns the name without an owner, in that directory."""
        return File(place, self.attempts, self.failures, NOBODY)


NO_FILE = File(0, 0, 0, NOBODY)


class Actor(NamedTuple):
    """Somebody who acts: `file` is what it claimed, or saw in its last look.

    `ref_seen`: the ref that it read has not moved since (workers and recoverers: the fence; the
    conductor: the user's branch). `fence_mine`: the fence has its token. `tip_seen`: the
    integration branch has not moved since it looked. `superseded`: a newer attempt has started.
    """

    at: At = At.IDLE
    file: File = NO_FILE
    ref_seen: bool = False
    fence_mine: bool = False
    tip_seen: bool = False
    superseded: bool = False


IDLE = Actor()


class State(NamedTuple):
    """One moment. Actors are workers first, then recoverers, then the conductor.

    `fenced`: the fence's ref exists. `merges`: how many of the integration branch's commits merge
    this generation of the task (of a read-only task: whether a run of it has succeeded).
    `ahead`: the user's branch has commits that the integration branch lacks. `by_hand`: a person
    moved the task to `done/`. `undone`: it lies there, but a commit took its merge back. `left`: how often each kind of luck may still strike.
    """

    files: tuple[File, ...]
    fenced: bool
    merges: int
    ahead: bool
    by_hand: bool
    undone: bool
    actors: tuple[Actor, ...]
    left: tuple[int, ...]


def key(state: State, workers: int) -> bytes:
    """Returns the name of a state and of all its mirror images."""
    actors = state.actors
    owners = [file.owner for file in state.files]
    coded = [_code(actor) for actor in actors]
    watchers = range(workers, len(actors) - 1)
    traits = []
    for one in range(workers):
        # All that others know of this worker, so that two of equal traits are interchangeable.
        seen_by = sorted(coded[other] for other in watchers if actors[other].file.owner == one)
        named = bytes(owner == one for owner in owners)
        traits.append((coded[one], named, seen_by, one))
    traits.sort()
    rank = {trait[3]: number for number, trait in enumerate(traits)}
    rank[NOBODY] = NOBODY
    flags = (state.fenced, state.ahead, state.by_hand, state.undone)
    parts = [bytes((len(owners), state.merges, *flags))]
    parts += sorted(
        bytes((file.place, file.attempts, file.failures, rank[file.owner])) for file in state.files
    )
    parts += [trait[0] for trait in traits]
    parts += sorted(coded[other] + bytes((rank[actors[other].file.owner],)) for other in watchers)
    parts += (coded[-1], bytes(state.left))
    return b"".join(parts)


_CODES: dict[Actor, bytes] = {}


def _code(actor: Actor) -> bytes:
    """Returns what is known of an actor apart from the owner in the name that it knows."""
    code = _CODES.get(actor)
    if code is None:
        at, file, *flags = actor
        bits = sum(flag << number for number, flag in enumerate(flags))
        code = _CODES[actor] = bytes((at, file.place, file.attempts, file.failures, bits))
    return code
