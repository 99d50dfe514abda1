"""What a worker with a claim and whoever frees it do alike: look at the lock and at the branch, and
move the fence.
"""

from collections.abc import Iterator

from model.acting import Setting, Step, fence_moved, holds, merge_known, put, step
from model.state import IDLE, Actor, At, State


def lock_there(setting: Setting, state: State, who: int, actor: Actor, then: At) -> Iterator[Step]:
    """`TaskStore.holds`: whoever finds the lock gone has nothing more to do here."""
    if holds(setting, state, actor):
        yield step(state, who, "still sees the lock", actor._replace(at=then))
    else:
        yield step(state, who, "finds the lock gone", IDLE)


def merged_already(
    setting: Setting, state: State, who: int, yes: Actor, no: Actor
) -> Iterator[Step]:
    """`MergeQueue.merge_of`: is the task's merge on the branch?"""
    if merge_known(setting, state):
        yield step(state, who, "sees that it is merged", yes)
    else:
        yield step(state, who, "sees that it is not merged", no)


def fence_read(state: State, who: int, actor: Actor, then: At) -> Iterator[Step]:
    """`MergeQueue._move_fence`: what the fence holds."""
    yield step(state, who, "reads the fence", actor._replace(at=then, ref_seen=True))


def fence_tried(
    setting: Setting, state: State, who: int, actor: Actor, again: At, then: At
) -> Iterator[Step]:
    """`MergeQueue._move_fence`: the ref transaction; refused, it begins again."""
    if not actor.ref_seen:
        yield step(state, who, "is refused: the fence moved", actor._replace(at=again))
        return
    moved = fence_moved(setting, state, who, actor._replace(at=then))
    if then is At.LOOK_FREED:
        # Who frees a task leaves a fence that lets nobody merge.
        moved = put(moved, who, moved.actors[who]._replace(fence_mine=False))
    yield Step(who, "moves the fence", moved)
