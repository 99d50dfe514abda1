"""Explores every interleaving breadth first: the first story found of a broken promise is a shortest."""

import time
from array import array
from dataclasses import dataclass, field

from model.acting import WORLD, Step
from model.protocol import Protocol
from model.state import State


@dataclass(frozen=True, slots=True)
class Story:
    """How a promise is broken: each step in words, with the picture after it."""

    promise: str
    lines: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Explored:
    """What an exploration came to. Only if it is `complete` do the figures prove anything.

    `stories` has a shortest story for each promise that is broken; `rows` the rows of the table
    of moves that were taken; `seconds` are of CPU.
    """

    states: int
    transitions: int
    depth: int
    seconds: float
    complete: bool
    rows: frozenset[int]
    stories: dict[str, Story] = field(default_factory=dict)


def explore(
    protocol: Protocol, limit: int = 10_000_000, enough: frozenset[str] = frozenset()
) -> Explored:
    """Returns what all interleavings come to, or all up to so many states.

    With `enough` it ends, incomplete, once stories of all these promises are found.
    """
    return _Walk(protocol).run(limit, enough)


class _Walk:
    """The graph as far as it is known: states by number, in the order of their discovery."""

    def __init__(self, protocol: Protocol) -> None:
        self._protocol = protocol
        self._numbers: dict[bytes, int] = {}
        self._parents = array("L")
        self._settled = bytearray()
        #: Where one can get by fair steps alone; those of state n begin at `_offsets[n]`.
        self._fair = array("L")
        self._offsets = array("L", [0])
        #: For each broken promise the state before, and the key of the state after.
        self._broken: dict[str, tuple[int, bytes]] = {}
        self._rows: set[int] = set()
        self._transitions = 0

    def run(self, limit: int, enough: frozenset[str]) -> Explored:
        began = time.process_time()
        layer, depth = [self._protocol.initial()], 0
        self._add(self._protocol.key(layer[0]), 0, layer[0])
        number, complete = 0, True
        while layer and complete:
            following: list[State] = []
            for state in layer:
                following += self._expand(number, state)
                number += 1
                found_all = bool(enough) and enough <= self._broken.keys()
                if len(self._numbers) > limit or found_all:
                    complete = False
                    break
            layer = following
            depth += bool(layer)
        stuck = self._stuck() if complete else None
        stories = {name: self._story(name, *where) for name, where in self._broken.items()}
        if stuck is not None:
            stories["I7"] = self._story("I7", stuck, None)
        return Explored(
            len(self._numbers),
            self._transitions,
            depth,
            time.process_time() - began,
            complete,
            frozenset(self._rows),
            stories,
        )

    def _add(self, name: bytes, parent: int, state: State) -> int:
        number = self._numbers[name] = len(self._numbers)
        self._parents.append(parent)
        self._settled.append(self._protocol.settled(state))
        return number

    def _expand(self, number: int, state: State) -> list[State]:
        found = []
        numbers, fair = self._numbers, self._fair
        for step in self._protocol.steps(state):
            self._transitions += 1
            name = self._protocol.key(step.state)
            after = numbers.get(name)
            breaks = step.breaks
            if after is None:
                after = self._add(name, number, step.state)
                found.append(step.state)
                breaks = breaks or self._protocol.broken(step.state)
            if breaks and breaks not in self._broken:
                self._broken[breaks] = (number, name)
            if step.fair:
                fair.append(after)
            if step.row >= 0:
                self._rows.add(step.row)
        self._offsets.append(len(fair))
        return found

    def _stuck(self) -> int | None:
        """Returns the first state from which no fair steps lead to rest, or None."""
        good, fair, offsets = bytearray(self._settled), self._fair, self._offsets
        changed = True
        while changed:
            changed = False
            # Backwards, since rest comes late: a few sweeps are enough.
            for number in range(len(good) - 1, -1, -1):
                if not good[number] and any(
                    good[after] for after in fair[offsets[number] : offsets[number + 1]]
                ):
                    good[number] = changed = True
        number = good.find(0)
        return None if number < 0 else number

    def _story(self, promise: str, last: int, broken: bytes | None) -> Story:
        """Walks from the beginning to a state, and on to the one that breaks the promise.

        The walk is in one world, so that everybody keeps their name.
        """
        path = [last]
        while path[-1]:
            path.append(self._parents[path[-1]])
        names = {number: name for name, number in self._numbers.items() if number in set(path)}
        wanted = [names[number] for number in reversed(path)][1:]
        if broken is not None:
            wanted.append(broken)
        state, lines = self._protocol.initial(), []
        for number, name in enumerate(wanted, 1):
            breaking = promise if broken is not None and number == len(wanted) else ""
            step = self._step_to(state, name, breaking)
            actor = "" if step.who == WORLD else f"{self._protocol.name(step.who)} "
            lines.append((actor + step.what, self._protocol.picture(step.state)))
            state = step.state
        return Story(promise, tuple(lines))

    def _step_to(self, state: State, name: bytes, breaking: str) -> Step:
        ways = [one for one in self._protocol.steps(state) if self._protocol.key(one.state) == name]
        # Two steps may lead to one state, one of them keeping the promise.
        return next((one for one in ways if one.breaks == breaking), ways[0])
