"""The renames, row by row as `states.TRANSITIONS` has them: no other moves a file but a person's.

For each `Move` a function here says who may try it in a state, and which name becomes which. A
move without one is an error: the model would be silent about it.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from model.acting import WORLD, Setting, Step, found, put, spent
from model.rules import Fence, Owner
from model.state import (
    DONE,
    IDLE,
    NOBODY,
    PLACES,
    Actor,
    At,
    File,
    Luck,
    State,
)
from parallel_orchestra.states import Move, Transition


class Try(NamedTuple):
    """One rename that somebody may try: what becomes of its actor if it wins, or comes too late.

    `told_wrong` is the actor to whom an error was reported. `state` is what the rename starts
    from. `fair` counts for what nobody of the actors does: it happens sooner or later.
    """

    who: int
    what: str
    state: State
    source: File
    target: File
    won: Actor = IDLE
    told_wrong: Actor = IDLE
    breaks: str = ""
    fair: bool = False


#: Says who may try a move's row (from one place into another) in a state.
Guard = Callable[[Setting, State, int, int], Iterator[Try]]

_GUARDS: dict[str, Guard] = {}


def _guards(move: str) -> Callable[[Guard], Guard]:
    def register(guard: Guard) -> Guard:
        _GUARDS[move] = guard
        return guard

    return register


class Row(NamedTuple):
    """A row of the table, ready to be tried."""

    number: int
    guard: Guard
    source: int
    target: int


def rows(table: Sequence[Transition]) -> tuple[Row, ...]:
    """Returns the table's rows with their guards.

    Raises:
        LookupError: the table has a move of which the model knows nothing.
    """
    unknown = sorted({one.move.value for one in table} - _GUARDS.keys())
    if unknown:
        raise LookupError(
            f"`TRANSITIONS` has moves without a guard in tests/model/renames.py: {unknown}"
        )
    return tuple(
        Row(number, _GUARDS[one.move.value], PLACES.index(one.source), PLACES.index(one.target))
        for number, one in enumerate(table)
    )


def renames(setting: Setting, state: State, row: Row) -> Iterator[Step]:
    """Returns what may come of a row in a state: done, too late, failed, done but told wrong."""
    for one in row.guard(setting, state, row.source, row.target):
        file = found(setting, state, one.source)
        if file is None:
            gone = put(one.state, one.who, IDLE)
            yield Step(one.who, f"{one.what}: the file is gone", gone, row=row.number)
            continue
        files = tuple(sorted({*state.files, one.target} - {file}))
        base = one.state
        if one.target.place != DONE and base.by_hand:
            base = base._replace(by_hand=False)
        if one.target.place != DONE and base.undone:
            base = base._replace(undone=False)
        if one.who == WORLD:
            yield Step(WORLD, one.what, base._replace(files=files), one.fair, row=row.number)
            continue
        yield Step(
            one.who, one.what, put(base, one.who, one.won, files), True, one.breaks, row.number
        )
        if state.left[Luck.FAULT]:
            words = f"{one.what}: done, but an error is reported"
            done = spent(put(base, one.who, one.told_wrong, files), Luck.FAULT)
            yield Step(one.who, words, done, False, one.breaks, row.number)
            failed = spent(put(state, one.who, one.told_wrong), Luck.FAULT)
            yield Step(one.who, f"{one.what}: EIO, nothing is done", failed, False, "", row.number)


@_guards(Move.CLAIM.value)
def _claim(setting: Setting, state: State, source: int, target: int) -> Iterator[Try]:
    """`TaskStore.claim`, called by `Board.next`. A stale name only ends as "gone": left out."""
    rules = setting.rules
    for who in range(setting.bounds.workers):
        if state.actors[who].at is not At.IDLE:
            continue
        for file in state.files:
            if file.place != source:
                continue
            name = File(target, file.attempts + 1, file.failures, who)
            claimed = Actor(At.CHECK_CLAIM, name)
            begun = after_claim(setting, name)
            if rules.owner is not Owner.IN_NAME:
                begun = Actor(At.WRITE_SIDECAR, name)
                name = name.freed(target)
            wrong = claimed if rules.look_after_failed_rename else IDLE
            yield Try(who, "claims the task", state, file, name, begun, wrong)


def after_claim(setting: Setting, name: File) -> Actor:
    """Returns a worker that has just claimed (`Attempt.run`)."""
    if setting.bounds.read_only:
        return Actor(At.START, name)
    fenced_first = setting.rules.fence_before_look and setting.rules.fence is not Fence.NONE
    return Actor(At.READ_FENCE if fenced_first else At.LOOK, name)


def _leaving(setting: Setting, state: State, at: At) -> Iterator[tuple[int, Actor]]:
    for who in range(setting.bounds.workers):
        if state.actors[who].at is at:
            yield who, state.actors[who]


@_guards(Move.COMPLETE.value)
def _complete(setting: Setting, state: State, source: int, target: int) -> Iterator[Try]:
    """`TaskStore.complete`; for a read-only task this rename is what a merge is for others."""
    for who, actor in _leaving(setting, state, At.COMPLETE):
        name = actor.file.in_place(target)
        base, breaks, won = state, "", IDLE
        if setting.bounds.read_only:
            base = state._replace(merges=1)
            breaks = "I6" if actor.superseded else ""
        elif not setting.rules.merge_before_done and not state.merges:
            won = actor._replace(at=At.MERGE, file=name)
        yield Try(who, "completes it", base, actor.file, name, won, won, breaks)


@_guards(Move.FAIL.value)
def _fail(setting: Setting, state: State, source: int, target: int) -> Iterator[Try]:
    """`TaskStore.fail`, of a counted failure."""
    for who, actor in _leaving(setting, state, At.FAIL):
        name = File(target, actor.file.attempts, actor.file.failures + 1, who)
        yield Try(who, "fails it", state, actor.file, name)


@_guards(Move.RETRY.value)
def _retry(setting: Setting, state: State, source: int, target: int) -> Iterator[Try]:
    """`TaskStore.give_back`, counted."""
    for who, actor in _leaving(setting, state, At.RETRY):
        name = File(target, actor.file.attempts, actor.file.failures + 1, NOBODY)
        yield Try(who, "puts it back for a retry", state, actor.file, name)


@_guards(Move.RELEASE.value)
def _release(setting: Setting, state: State, source: int, target: int) -> Iterator[Try]:
    """`TaskStore.give_back`, uncounted."""
    for who, actor in _leaving(setting, state, At.RELEASE):
        yield Try(who, "gives it back", state, actor.file, actor.file.freed(target))


@_guards(Move.RECOVER.value)
def _recover(setting: Setting, state: State, source: int, target: int) -> Iterator[Try]:
    """`TaskStore.recover`, the end of `Recovery._free`."""
    for who, actor in enumerate(state.actors):
        if actor.at is not At.RECOVER:
            continue
        yield Try(who, "moves the lock to available", state, actor.file, actor.file.freed(target))


@_guards(Move.ROLL_FORWARD.value)
def _roll_forward(setting: Setting, state: State, source: int, target: int) -> Iterator[Try]:
    """`TaskStore.roll_forward`, the end of `Recovery._free` and `Recovery._sweep`."""
    for who, actor in enumerate(state.actors):
        if actor.at is At.ROLL_FORWARD and actor.file.place == source:
            what = f"rolls it forward from {PLACES[source].value}"
            yield Try(who, what, state, actor.file, actor.file.in_place(target))


@_guards(Move.REQUEUE.value)
def _requeue(setting: Setting, state: State, source: int, target: int) -> Iterator[Try]:
    """`TaskStore.requeue`, by `opening.publish` (`--resume`) and `byhand.retrying`."""
    if not state.left[Luck.REQUEUE]:
        return
    for file in state.files:
        if file.place == source:
            base = spent(state, Luck.REQUEUE)
            yield Try(WORLD, "the user requeues it", base, file, file.freed(target))


@_guards(Move.TAKE_UP.value)
def _take_up(setting: Setting, state: State, source: int, target: int) -> Iterator[Try]:
    """`TaskStore.claim` of a failed task, by `byhand.resolving`: a worker with a person's work."""
    if not state.left[Luck.TAKING]:
        return
    for who in range(setting.bounds.workers):
        if state.actors[who].at is not At.IDLE:
            continue
        for file in state.files:
            if file.place == source:
                name = File(target, file.attempts + 1, file.failures, who)
                base, begun = spent(state, Luck.TAKING), after_claim(setting, name)
                wrong = Actor(At.CHECK_CLAIM, name)
                yield Try(who, "takes the failed task up", base, file, name, begun, wrong)


@_guards(Move.CANCEL.value)
def _cancel(setting: Setting, state: State, source: int, target: int) -> Iterator[Try]:
    """`TaskStore.cancel`, by `cancel` or the next look: what a person could do with `mv` as well."""
    if not state.left[Luck.MOVE]:
        return
    for file in state.files:
        if file.place == source:
            base = spent(state, Luck.MOVE)
            yield Try(WORLD, "the user cancels it", base, file, file.in_place(target))


@_guards("undo")
def _undo(setting: Setting, state: State, source: int, target: int) -> Iterator[Try]:
    """The end of an undo, whose commit is on the branch (`world.undoing`); any look makes up for it."""
    for file in state.files:
        if state.undone and file.place == source:
            name = file.in_place(target)
            yield Try(WORLD, "the undone task is moved on", state, file, name, fair=True)
