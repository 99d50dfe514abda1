"""The protocol as a graph: where it begins, which steps lead on, which promises a state breaks."""

from collections.abc import Iterator, Sequence

from model.acting import Setting, Step
from model.healing import FREEING, listing, look_ahead, take_in, unlink
from model.renames import renames, rows
from model.rules import Bounds, Owner, Recovery, Rules
from model.state import (
    AVAILABLE,
    DONE,
    FAILED,
    IDLE,
    NOBODY,
    PLACES,
    At,
    File,
    State,
    key,
)
from model.working import WORKING
from model.world import commits, deaths, lives, moves_by_hand, parked, undoing
from parallel_orchestra.states import TRANSITIONS, Transition

#: What the protocol promises (docs/explanation/model.md tells each with its limits).
PROMISES = {
    "I1": "no task is lost",
    "I2": "a task lies in one place",
    "I3": "a task is merged at most once",
    "I4": "done means merged, or done by hand",
    "I5": "no run starts for a merged task",
    "I6": "no superseded attempt merges",
    "I7": "a task can still finish, whatever has happened",
    "I8": "nobody else's commit is overwritten",
}


class Protocol:
    """One protocol within bounds; `checker.explore` walks it."""

    def __init__(
        self,
        bounds: Bounds,
        rules: Rules | None = None,
        table: Sequence[Transition] = TRANSITIONS,
    ) -> None:
        """Takes the table of moves, to be shown others by a test.

        Raises:
            LookupError: the table has a move of which the model knows nothing.
        """
        self.setting = Setting(rules or Rules(), bounds)
        self._rows = rows(table)
        self._freeing = dict(FREEING)
        if self.setting.rules.recovery is Recovery.UNLINK_AND_CREATE:
            self._rows = tuple(
                row for row in self._rows if table[row.number].move.value != "recover"
            )
            self._freeing[At.RECOVER] = unlink

    def initial(self) -> State:
        """Returns the task as it was published, and everybody at rest."""
        bounds = self.setting.bounds
        actors = (IDLE,) * (bounds.workers + bounds.recoverers + 1)
        published = (File(AVAILABLE, 0, 0, NOBODY),)
        return State(published, False, 0, False, False, False, actors, bounds.luck)

    def key(self, state: State) -> bytes:
        """Returns the name of a state and of all its mirror images."""
        return key(state, self.setting.bounds.workers)

    def steps(self, state: State) -> Iterator[Step]:
        """Returns all that can happen next."""
        setting = self.setting
        for row in self._rows:
            yield from renames(setting, state, row)
        for who, actor in enumerate(state.actors):
            if actor.at in self._freeing:
                yield from self._freeing[actor.at](setting, state, who, actor)
            elif setting.is_worker(who):
                if actor.at in WORKING:
                    yield from WORKING[actor.at](setting, state, who, actor)
            elif actor.at is At.IDLE:
                rest = look_ahead if who == setting.conductor else listing
                yield from rest(setting, state, who, actor)
            elif actor.at is At.TAKE_IN:
                yield from take_in(setting, state, who, actor)
        for happening in (deaths, lives, moves_by_hand, commits, undoing):
            yield from happening(setting, state)

    def broken(self, state: State) -> str:
        """Returns the promise that a state breaks, or an empty string."""
        if len(state.files) > 1:
            return "I2"
        if not state.files:
            # Somebody who has taken it away may still put it back.
            under_way = any(actor.at is At.CREATE_AGAIN for actor in state.actors)
            return "" if under_way else "I1"
        if state.files[0].place == DONE and not (state.merges or state.by_hand or state.undone):
            return "I4"
        return ""

    def settled(self, state: State) -> bool:
        """Returns whether a task has come to rest: done, or waiting for a person."""
        if len(state.files) != 1:
            return False
        (file,) = state.files
        if file.place == DONE:
            return bool(state.merges or state.by_hand)
        if file.place == FAILED:
            return not (state.merges and not self.setting.bounds.read_only)
        return parked(file) and self.setting.rules.owner is Owner.IN_NAME

    def picture(self, state: State) -> str:
        """Returns where the task lies and what git knows of it, in one line."""
        words = [_path(file) for file in state.files] or ["no file"]
        holders = [self.name(who) for who, actor in enumerate(state.actors) if actor.fence_mine]
        if state.fenced:
            words.append(f"fence: {holders[0] if holders else 'nobody at work'}")
        if state.merges and not self.setting.bounds.read_only:
            words.append("merged" if state.merges == 1 else "merged TWICE")
        return ", ".join(words)

    def name(self, who: int) -> str:
        """Returns what an actor is called in a story."""
        bounds = self.setting.bounds
        if self.setting.is_worker(who):
            return f"worker {who + 1}"
        return (
            "conductor"
            if who == self.setting.conductor
            else f"recoverer {who - bounds.workers + 1}"
        )


def _path(file: File) -> str:
    counters = f".a{file.attempts}f{file.failures}" if file.attempts or file.failures else ""
    owner = "" if file.owner == NOBODY else f".worker-{file.owner + 1}"
    return f"{PLACES[file.place].value}/task{counters}{owner}.md"
