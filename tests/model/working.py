"""A worker's day between its renames, one look, transaction or run at a time.

Mirrors `worker.attempt.Attempt`, `merge_queue.queue.MergeQueue` and what `board.Board` does with
locks of its own; each function names what it stands for.
"""

from collections.abc import Callable, Iterator

from model.acting import (
    Setting,
    Step,
    first_of_freeing,
    holds,
    merge_known,
    put,
    spent,
    step,
    tip_moved,
)
from model.asking import fence_read, fence_tried, lock_there, merged_already
from model.renames import after_claim
from model.rules import Fence
from model.state import AVAILABLE, IDLE, LOCKED, Actor, At, Luck, State

Doing = Callable[[Setting, State, int, Actor], Iterator[Step]]


def idle(setting: Setting, state: State, who: int, actor: Actor) -> Iterator[Step]:
    """`Recovery._death` of a lock with our own name: a move that failed left it behind."""
    if not setting.rules.own_orphans:
        return
    for file in state.files:
        if file.place == LOCKED and file.owner == who:
            freeing = Actor(first_of_freeing(setting), file)
            yield step(state, who, "sees a lock of its own left behind", freeing)


def check_claim(setting: Setting, state: State, who: int, actor: Actor) -> Iterator[Step]:
    """`TaskStore._rename` after an error: is there a lock with my name?"""
    if holds(setting, state, actor):
        yield step(state, who, "finds its name in locked", actor._replace(at=At.CHECK_SOURCE))
    else:
        yield step(state, who, "does not find its name in locked", IDLE)


def check_source(setting: Setting, state: State, who: int, actor: Actor) -> Iterator[Step]:
    """The same, second look: is the file still where it was? Judged without the owner's name."""
    before = (AVAILABLE, actor.file.attempts - 1, actor.file.failures)
    if any(file[:3] == before for file in state.files):
        yield step(state, who, "finds the task where it was", IDLE)
    else:
        yield step(state, who, "knows that it has the task", after_claim(setting, actor.file))


def write_sidecar(setting: Setting, state: State, who: int, actor: Actor) -> Iterator[Step]:
    """Of a broken variant only: the record beside the lock, which replaces any other's."""
    files = tuple(
        file._replace(owner=who) if file.place == LOCKED else file for file in state.files
    )
    yield Step(who, "writes its sidecar", put(state, who, after_claim(setting, actor.file), files))


def read_fence(setting: Setting, state: State, who: int, actor: Actor) -> Iterator[Step]:
    """`MergeQueue._move_fence`: what the fence holds."""
    fresh = Actor(At.READ_FENCE, actor.file, superseded=actor.superseded)
    then = At.HOLD_FENCE if setting.rules.look_before_fencing else At.MOVE_FENCE
    yield from fence_read(state, who, fresh, then)


def hold_fence(setting: Setting, state: State, who: int, actor: Actor) -> Iterator[Step]:
    """`MergeQueue._move_fence`: without the lock, the claim is lost."""
    yield from lock_there(setting, state, who, actor, At.MOVE_FENCE)


def move_fence(setting: Setting, state: State, who: int, actor: Actor) -> Iterator[Step]:
    """`MergeQueue._move_fence`: the ref transaction."""
    then = At.LOOK if setting.rules.fence_before_look else At.START
    yield from fence_tried(setting, state, who, actor, At.READ_FENCE, then)


def look(setting: Setting, state: State, who: int, actor: Actor) -> Iterator[Step]:
    """`Attempt._change`: is the task merged already?"""
    fenced_next = not setting.rules.fence_before_look and setting.rules.fence is not Fence.NONE
    done = actor._replace(at=At.COMPLETE)
    open_ = actor._replace(at=At.READ_FENCE if fenced_next else At.START)
    yield from merged_already(setting, state, who, done, open_)


def start(setting: Setting, state: State, who: int, actor: Actor) -> Iterator[Step]:
    """`Attempt._ask` begins. From here on all older attempts are superseded.

    One that has lost its lock may begin too, late out of a long stop: it supersedes nobody, and
    what was merged meanwhile it could not know.
    """
    has_it = holds(setting, state, actor)
    breaks = "I5" if has_it and state.merges and not setting.bounds.read_only else ""
    after = put(state, who, actor._replace(at=At.RUN))
    if has_it:
        after = after._replace(
            actors=tuple(
                one._replace(superseded=True)
                if number != who and setting.is_worker(number) and one.at in _AT_WORK
                else one
                for number, one in enumerate(after.actors)
            )
        )
    yield Step(who, "starts the agent", after, True, breaks)


#: Where a worker has a claim that a newer attempt can supersede.
_AT_WORK = frozenset(range(At.CHECK_CLAIM, At.JUDGE))


def run(setting: Setting, state: State, who: int, actor: Actor) -> Iterator[Step]:
    """`Attempt._ask` ends; then `retry.decide`."""
    straight = setting.bounds.read_only or not setting.rules.merge_before_done
    at = At.COMPLETE if straight else At.MERGE
    yield step(state, who, "sees its agent succeed", actor._replace(at=at))
    if state.left[Luck.FAILURE]:
        again = actor.file.failures + 1 <= setting.bounds.max_retries
        failed = actor._replace(at=At.RETRY if again else At.FAIL)
        base = spent(state, Luck.FAILURE)
        yield step(base, who, "sees its agent fail", failed, fair=False)
    if state.left[Luck.RELEASE]:
        base = spent(state, Luck.RELEASE)
        after = actor._replace(at=At.RELEASE)
        yield step(base, who, "fails through nobody's fault", after, fair=False)


def merge(setting: Setting, state: State, who: int, actor: Actor) -> Iterator[Step]:
    """`MergeQueue.merge`: reads the tip, looks for the task's merge, makes the commit."""
    if merge_known(setting, state):
        yield step(state, who, "sees that it is merged", actor._replace(at=At.COMPLETE))
        return
    ready = actor._replace(at=At.HOLD_MERGE, tip_seen=True)
    yield step(state, who, "makes a merge commit on the tip", ready)
    if state.left[Luck.FAILURE]:
        base = spent(state, Luck.FAILURE)
        yield step(base, who, "finds a conflict", actor._replace(at=At.FAIL), fair=False)


def hold_merge(setting: Setting, state: State, who: int, actor: Actor) -> Iterator[Step]:
    """`Integration.publish`: without the lock, the claim is lost."""
    checked = setting.rules.fence is Fence.CHECKED_BEFORE
    then = At.CHECK_FENCE if checked else At.PUBLISH
    yield from lock_there(setting, state, who, actor, then)


def check_fence(setting: Setting, state: State, who: int, actor: Actor) -> Iterator[Step]:
    """Of a broken variant only: a look at the fence that the transaction does not repeat."""
    if actor.fence_mine:
        yield step(state, who, "sees its token in the fence", actor._replace(at=At.PUBLISH))
    else:
        yield step(state, who, "sees another token in the fence", IDLE)


def publish(setting: Setting, state: State, who: int, actor: Actor) -> Iterator[Step]:
    """`Integration.publish`: one transaction verifies the fence and moves the tip."""
    rules = setting.rules
    fenced = rules.fence is Fence.IN_TRANSACTION and not actor.fence_mine
    moved = rules.compare_tip and not actor.tip_seen
    # If both are so, git names one of them.
    if fenced:
        yield step(state, who, "is refused: the fence moved", IDLE)
    if moved:
        yield step(state, who, "is refused: the tip moved", actor._replace(at=At.MERGE))
    if fenced or moved:
        return
    breaks = ""
    if state.merges:
        breaks = "I3"
    elif actor.superseded:
        breaks = "I6"
    elif not actor.tip_seen:
        breaks = "I8"
    after = actor._replace(at=At.COMPLETE) if rules.merge_before_done else IDLE
    merged = tip_moved(put(state, who, after))._replace(merges=min(2, state.merges + 1))
    yield Step(who, "MERGES the task", merged, True, breaks)


WORKING: dict[At, Doing] = {
    At.IDLE: idle,
    At.CHECK_CLAIM: check_claim,
    At.CHECK_SOURCE: check_source,
    At.WRITE_SIDECAR: write_sidecar,
    At.READ_FENCE: read_fence,
    At.HOLD_FENCE: hold_fence,
    At.MOVE_FENCE: move_fence,
    At.LOOK: look,
    At.START: start,
    At.RUN: run,
    At.MERGE: merge,
    At.HOLD_MERGE: hold_merge,
    At.CHECK_FENCE: check_fence,
    At.PUBLISH: publish,
}
