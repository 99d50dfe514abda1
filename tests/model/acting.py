"""What every step is made of: who acts, what it does to the world, and which promise it breaks."""

from typing import NamedTuple

from model.rules import Bounds, Fence, Owner, Recovery, Rules
from model.state import LOCKED, Actor, At, File, Luck, State

#: In place of an actor's number, and of a row of the table of moves.
WORLD = -1
NO_ROW = -1


class Step(NamedTuple):
    """One step of somebody. `fair`: it needs no luck, so it happens sooner or later.

    `breaks` is the promise that the step itself breaks, `row` the row of `TRANSITIONS` it takes.
    """

    who: int
    what: str
    state: State
    fair: bool = True
    breaks: str = ""
    row: int = NO_ROW


class Setting(NamedTuple):
    """What does not change during an exploration."""

    rules: Rules
    bounds: Bounds

    @property
    def conductor(self) -> int:
        """The number of the last actor."""
        return self.bounds.workers + self.bounds.recoverers

    def is_worker(self, who: int) -> bool:
        """Returns whether an actor's number is a worker's."""
        return 0 <= who < self.bounds.workers


def step(
    state: State, who: int, what: str, actor: Actor, *, fair: bool = True, breaks: str = ""
) -> Step:
    """Returns a step that changes nothing but the actor."""
    return Step(who, what, put(state, who, actor), fair, breaks)


def put(state: State, who: int, actor: Actor, files: tuple[File, ...] | None = None) -> State:
    """Returns the state with this actor, and with these files."""
    old = state.actors
    return State(
        state.files if files is None else files,
        state.fenced,
        state.merges,
        state.ahead,
        state.by_hand,
        state.undone,
        (*old[:who], actor, *old[who + 1 :]),
        state.left,
    )


def spent(state: State, luck: Luck) -> State:
    """Returns the state after a kind of luck has struck once more."""
    left = state.left
    return state._replace(left=(*left[:luck], left[luck] - 1, *left[luck + 1 :]))


def tip_moved(state: State) -> State:
    """Returns the state after a commit on the integration branch: what was read of it is old."""
    return state._replace(actors=tuple(actor._replace(tip_seen=False) for actor in state.actors))


def fence_moved(setting: Setting, state: State, who: int, actor: Actor) -> State:
    """Returns the state after `who` put a fresh token into the fence and became `actor`."""
    # What the conductor has read is another ref.
    others = [one._replace(ref_seen=False, fence_mine=False) for one in state.actors[:-1]]
    others[who] = actor._replace(ref_seen=False, fence_mine=setting.is_worker(who))
    return state._replace(fenced=True, actors=(*others, state.actors[-1]))


def merge_known(setting: Setting, state: State) -> bool:
    """Returns whether a look at the integration branch's history finds the task's merge."""
    return state.merges > 0 and setting.rules.trailer and not setting.bounds.read_only


def found(setting: Setting, state: State, name: File) -> File | None:
    """Returns the file that a path leads to, or None."""
    if setting.rules.owner is Owner.IN_NAME:
        return name if name in state.files else None
    # With owner and attempt in a sidecar, all locks of a task have the same path.
    for file in state.files:
        if file.place == name.place and (name.place == LOCKED or file[:3] == name[:3]):
            return file
    return None


def holds(setting: Setting, state: State, actor: Actor) -> bool:
    """Returns whether the lock that an actor claimed or saw is still there (`store.holds`)."""
    return found(setting, state, actor.file) is not None


def first_of_freeing(setting: Setting) -> At:
    """Returns the step by which freeing a lock begins (`Recovery._free`)."""
    if setting.bounds.read_only:
        return At.RECOVER
    if setting.rules.recovery is Recovery.FILE_ONLY or setting.rules.fence is Fence.NONE:
        return At.LOOK_FREED
    return At.READ_TOMBSTONE
