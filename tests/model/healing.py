"""Freeing locks and sweeping, as `recovery.Recovery` does it, and the conductor's own merges.

A recoverer is any process: another worker's look, `--resume`, `unlock`. A worker frees locks of
its own by the same steps.
"""

from collections.abc import Iterator

from model.acting import (
    Setting,
    Step,
    first_of_freeing,
    holds,
    put,
    spent,
    step,
    tip_moved,
)
from model.asking import fence_read, fence_tried, lock_there, merged_already
from model.rules import Owner
from model.state import AVAILABLE, DONE, IDLE, LOCKED, NOBODY, Actor, At, Luck, State
from model.working import Doing


def listing(setting: Setting, state: State, who: int, actor: Actor) -> Iterator[Step]:
    """`Recovery.heal`: one look at the directories; a lock without an owner is a person's."""
    for file in state.files:
        if file.place == LOCKED:
            nameless = setting.rules.owner is Owner.SIDECAR_MISSING_IS_DEAD
            if file.owner != NOBODY or nameless:
                yield step(state, who, "sees the lock", Actor(At.JUDGE, file))
        elif file.place != DONE and setting.rules.sweep and not setting.bounds.read_only:
            yield step(state, who, "sees the task waiting or failed", Actor(At.LOOK_SWEEP, file))


def judge(setting: Setting, state: State, who: int, actor: Actor) -> Iterator[Step]:
    """`Watch.death`: is the owner alive? A wrong verdict is luck."""
    owner = actor.file.owner
    freeing = actor._replace(at=first_of_freeing(setting))
    if owner == NOBODY:
        # Of a broken variant only. Counted as luck, or the claims would never end.
        if state.left[Luck.SUSPECT]:
            base = spent(state, Luck.SUSPECT)
            yield step(base, who, "takes a lock without a sidecar for stale", freeing, fair=False)
        return
    at = state.actors[owner].at
    if at is At.DEAD or (at is At.DEAD_REUSED and setting.rules.start_time_tells):
        yield step(state, who, "knows that the owner is dead", freeing)
        return
    yield step(state, who, "sees that the owner is alive", IDLE)
    if state.left[Luck.SUSPECT]:
        base = spent(state, Luck.SUSPECT)
        yield step(base, who, "wrongly takes the owner for dead", freeing, fair=False)


def read_tombstone(setting: Setting, state: State, who: int, actor: Actor) -> Iterator[Step]:
    """`MergeQueue.tombstone`: a fence that was never made needs no moving."""
    if state.fenced:
        yield from fence_read(state, who, actor, At.HOLD_TOMBSTONE)
    else:
        yield step(state, who, "finds no fence", actor._replace(at=At.LOOK_FREED))


def hold_tombstone(setting: Setting, state: State, who: int, actor: Actor) -> Iterator[Step]:
    """`MergeQueue._move_fence`: without the lock, the fence may be the next claim's."""
    yield from lock_there(setting, state, who, actor, At.MOVE_TOMBSTONE)


def move_tombstone(setting: Setting, state: State, who: int, actor: Actor) -> Iterator[Step]:
    """`MergeQueue._move_fence`: the ref transaction."""
    yield from fence_tried(setting, state, who, actor, At.READ_TOMBSTONE, At.LOOK_FREED)


def look_freed(setting: Setting, state: State, who: int, actor: Actor) -> Iterator[Step]:
    """`Recovery._free`: where does the task belong?"""
    forward, back = Actor(At.ROLL_FORWARD, actor.file), Actor(At.RECOVER, actor.file)
    yield from merged_already(setting, state, who, forward, back)


def unlink(setting: Setting, state: State, who: int, actor: Actor) -> Iterator[Step]:
    """Of a broken variant only: recovery in two halves."""
    if not holds(setting, state, actor):
        yield step(state, who, "finds the lock gone", IDLE)
        return
    rest = tuple(file for file in state.files if file != actor.file)
    gone = put(state, who, Actor(At.CREATE_AGAIN, actor.file), rest)
    yield Step(who, "unlinks the lock", gone)


def create_again(setting: Setting, state: State, who: int, actor: Actor) -> Iterator[Step]:
    """Of a broken variant only: the other half."""
    files = tuple(sorted({*state.files, actor.file.freed(AVAILABLE)}))
    yield Step(who, "creates it in available", put(state, who, IDLE, files))


def look_sweep(setting: Setting, state: State, who: int, actor: Actor) -> Iterator[Step]:
    """`Recovery.heal`: the merges on the branch, held against the listing."""
    yield from merged_already(setting, state, who, actor._replace(at=At.ROLL_FORWARD), IDLE)


def look_ahead(setting: Setting, state: State, who: int, actor: Actor) -> Iterator[Step]:
    """`delivery.catch_up`, `delivery.deliver`: has the user's branch what ours lacks?"""
    if state.ahead:
        ready = Actor(At.TAKE_IN, ref_seen=True, tip_seen=True)
        yield step(state, who, "merges the user's commits with the tip", ready)


def take_in(setting: Setting, state: State, who: int, actor: Actor) -> Iterator[Step]:
    """`MergeQueue.merge_base_branch`: the transaction; refused, it begins again."""
    if not actor.tip_seen:
        yield step(state, who, "is refused: the tip moved", IDLE)
        return
    taken = tip_moved(put(state, who, IDLE))._replace(ahead=not actor.ref_seen)
    yield Step(who, "puts the user's commits on the branch", taken)


FREEING: dict[At, Doing] = {
    At.JUDGE: judge,
    At.READ_TOMBSTONE: read_tombstone,
    At.HOLD_TOMBSTONE: hold_tombstone,
    At.MOVE_TOMBSTONE: move_tombstone,
    At.LOOK_FREED: look_freed,
    At.CREATE_AGAIN: create_again,
    At.LOOK_SWEEP: look_sweep,
}
