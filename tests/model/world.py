"""What happens to the protocol: kills, new workers, people with `mv`, commits on the user's branch."""

from collections.abc import Iterator

from model.acting import WORLD, Setting, Step, put, spent, step
from model.state import DONE, IDLE, LOCKED, NOBODY, PLACES, Actor, At, File, Luck, State

#: What a person may do to a name while moving a file.
_NAMINGS = ("as it is", "without its owner", "without owner and counters")


def deaths(setting: Setting, state: State) -> Iterator[Step]:
    """A kill at any step. A recoverer or the conductor has no name in `_tasks/`: it begins anew."""
    if not state.left[Luck.KILL]:
        return
    base = spent(state, Luck.KILL)
    for who, actor in enumerate(state.actors):
        if actor.at in _DEAD or (actor.at is At.IDLE and not _named(state, who)):
            continue
        after = Actor(At.DEAD) if setting.is_worker(who) else IDLE
        yield step(base, who, "is KILLED", after, fair=False)


def lives(setting: Setting, state: State) -> Iterator[Step]:
    """What follows a death: its process number is taken by another, a new worker begins.

    The new worker has a name of its own. It may have the dead one's number here once nobody
    knows that any more.
    """
    for who in range(setting.bounds.workers):
        at = state.actors[who].at
        if at is At.DEAD and state.left[Luck.REUSE]:
            base = spent(state, Luck.REUSE)
            what = "is dead, and its process number is another's"
            yield step(base, who, what, Actor(At.DEAD_REUSED), fair=False)
        if at in _DEAD and not _named(state, who):
            yield step(state, who, "is followed by a new worker", IDLE)


_DEAD = (At.DEAD, At.DEAD_REUSED)


def _named(state: State, who: int) -> bool:
    return any(file.owner == who for file in state.files) or any(
        actor.file.owner == who for actor in state.actors
    )


def moves_by_hand(setting: Setting, state: State) -> Iterator[Step]:
    """A person with `mv`: between any two directories, the name kept or stripped."""
    if not state.left[Luck.MOVE]:
        return
    base = spent(state, Luck.MOVE)
    for file in state.files:
        # A name that has nothing to strip is named by the least that was done to it.
        names = dict(reversed(tuple(zip(_names(file), _NAMINGS, strict=True))))
        for place, state_of in enumerate(PLACES):
            if place == file.place:
                continue
            for name, naming in names.items():
                files = tuple(sorted({*state.files, name.in_place(place)} - {file}))
                moved = base._replace(files=files, by_hand=place == DONE, undone=False)
                what = f"a person moves the file to {state_of.value}, its name {naming}"
                yield Step(WORLD, what, moved, fair=False)


def _names(file: File) -> tuple[File, File, File]:
    return file, file.freed(file.place), File(file.place, 0, 0, NOBODY)


def commits(setting: Setting, state: State) -> Iterator[Step]:
    """The user commits on their own branch; what the conductor has read of it is old."""
    if state.left[Luck.COMMIT]:
        conductor = state.actors[-1]._replace(ref_seen=False)
        base = spent(put(state, setting.conductor, conductor), Luck.COMMIT)
        what = "the user commits on the base branch"
        yield Step(WORLD, what, base._replace(ahead=True), fair=False)


def undoing(setting: Setting, state: State) -> Iterator[Step]:
    """`undo`: one transaction reverts the merge and moves the fence; the file's move comes after.

    The task is then another generation: it may be merged once more.
    """
    if state.left[Luck.UNDO] and state.merges and any(file.place == DONE for file in state.files):
        actors = tuple(
            one._replace(tip_seen=False, fence_mine=False, ref_seen=False) for one in state.actors
        )
        undone = spent(state, Luck.UNDO)._replace(merges=0, undone=True, actors=actors)
        yield Step(WORLD, "the user undoes the merge", undone, fair=False)


def parked(file: File) -> bool:
    """Returns whether a file is a lock without an owner: a person's, until one moves it."""
    return file.place == LOCKED and file.owner == NOBODY
