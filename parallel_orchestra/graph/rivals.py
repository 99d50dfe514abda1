"""Who may write the same files at the same time.

What a pattern covers, and which patterns meet, is known to `ownership`; here it becomes a
relation between tasks. The answer errs on the side of "they meet". It keeps work from colliding;
merging is exact without it.

Sets of tasks are numbers here: bit i stands for the i-th task that shares files with another.
So 10,000 tasks cost a few megabytes even if they all write the same file, and 100,000 that write
a file each cost nothing.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Protocol

from parallel_orchestra.frozen import frozen
from parallel_orchestra.graph.shape import Graph
from parallel_orchestra.ownership import (
    NOTHING,
    Pattern,
    Reach,
    Tree,
    common,
    existing,
    meetings,
    reach,
    read_patterns,
)

#: How many pairs of patterns are looked at for a better example.
_COMPARED = 200


class Writer(Protocol):
    """What `rivals` needs to know of a task."""

    @property
    def id(self) -> str:
        """The task's id."""

    @property
    def read_only(self) -> bool:
        """Whether the task changes nothing."""

    @property
    def may_write(self) -> tuple[str, ...]:
        """The patterns of all files that it writes; empty means undeclared."""


@dataclass(frozen=True, slots=True, eq=False)  # equal as mappings are
class Rivals(Mapping[str, tuple[str, ...]]):
    """For each task that has rivals, the ids of those, in the plan's order."""

    _names: tuple[str, ...]
    _bits: Mapping[str, int]

    def __getitem__(self, task_id: str) -> tuple[str, ...]:
        return tuple(self._names[i] for i in positions(self._bits[task_id]))

    def __contains__(self, task_id: object) -> bool:
        return task_id in self._bits  # not by making the tuple, as Mapping does

    def __iter__(self) -> Iterator[str]:
        return iter(self._bits)

    def __len__(self) -> int:
        return len(self._bits)

    def bits(self, task_id: str) -> int:
        """Returns a task's rivals as a set; bit i is the i-th of those that share files."""
        return self._bits.get(task_id, 0)

    def own_bits(self) -> dict[str, int]:
        """Returns the bit of each task that shares files, as `bits` has them."""
        return {task_id: 1 << i for i, task_id in enumerate(self._names)}

    def pairs(self) -> int:
        """Returns how many pairs of rivals there are."""
        return sum(f"{bits:b}".count("1") for bits in self._bits.values()) // 2

    def later(self, task_id: str) -> Iterator[str]:
        """Yields those rivals that stand behind the task in the plan."""
        bits = self._bits.get(task_id, 0)
        if bits:
            own = self._names.index(task_id)
            yield from (self._names[own + 1 + i] for i in positions(bits >> own + 1))


#: No task has rivals.
NOBODY = Rivals((), {})


@frozen
class Clash:
    """Why two tasks are rivals: a pattern of each, and a path that both cover."""

    one: str
    other: str
    path: str


def rivals(tasks: Iterable[Writer], graph: Graph, tree: Tree = NOTHING) -> Rivals:
    """Returns which tasks may write the same files as which others, with no order between them.

    A mapping from id to ids; who has no rival is not in it. Tasks that only read, or that
    declare nothing, are nobody's rivals. `tree` is what the tasks start from.
    """
    writing = [task for task in tasks if task.may_write and not task.read_only]
    shares = _Shares(writing, tree)
    names = tuple(writing[i].id for i in shares.sharing)
    shared = shares.shared()
    if not shared:
        return Rivals(names, {})
    own = {task_id: 1 << i for i, task_id in enumerate(names)}
    before, after = reached(graph, own)
    bits = {
        task_id: free
        for task_id, others in shared.items()
        if (free := others & ~(before[task_id] | after[task_id]))
    }
    return Rivals(names, bits)


def clash(one: Writer, other: Writer, tree: Tree = NOTHING) -> Clash | None:
    """Returns why two tasks may write the same files, with a path that exists, if there is one."""
    found = None
    pairs = product(_reaches(one.may_write, tree), _reaches(other.may_write, tree))
    for number, ((mine, my_reach), (theirs, their_reach)) in enumerate(pairs):
        if found is not None and number > _COMPARED:
            break
        path = common(my_reach, their_reach)
        if path is None:
            continue
        seen = existing(my_reach, their_reach, tree)
        known = Clash(str(mine), str(theirs), seen or path)
        if seen or known.one == known.other:
            return known
        found = found or known
    return found


def overlapping(one: str, other: str, tree: Tree = NOTHING) -> bool:
    """Returns whether two patterns of `writes` may mean the same file; in doubt they do."""
    return any(
        common(mine, theirs) is not None
        for _, mine in _reaches((one,), tree)
        for _, theirs in _reaches((other,), tree)
    )


def ancestors(graph: Graph, own: Mapping[str, int]) -> dict[str, int]:
    """Returns for each task the bits of all that come before it."""
    return _reached(graph.order, graph.dependencies, own)


def reached(graph: Graph, own: Mapping[str, int]) -> tuple[dict[str, int], dict[str, int]]:
    """Returns for each task the bits of all that come before it, and of all that come after."""
    return (
        ancestors(graph, own),
        _reached(reversed(graph.order), graph.dependents, own),
    )


def positions(bits: int) -> Iterator[int]:
    """Yields the places of the bits that are set, the lowest first."""
    digits = f"{bits:b}"[::-1]  # one pass; to clear bit after bit would copy the number each time
    position = digits.find("1")
    while position >= 0:
        yield position
        position = digits.find("1", position + 1)


def _reaches(texts: Iterable[str], tree: Tree) -> list[tuple[Pattern, Reach]]:
    """Returns what a task's patterns cover, without what later ones take out again."""
    found: list[tuple[Pattern, Reach]] = []
    but: list[Pattern] = []
    for pattern in reversed(read_patterns(texts)):
        if pattern.negative:
            but.append(pattern)
        else:
            found.append((pattern, reach(pattern, tree, but)))
    return found[::-1]


class _Shares:
    """What the tasks write, each thing once, and who shares it."""

    def __init__(self, writing: Sequence[Writer], tree: Tree) -> None:
        known: dict[Reach, int] = {}
        self._writing = writing
        self._of = [
            {known.setdefault(one, len(known)) for _, one in _reaches(task.may_write, tree)}
            for task in writing
        ]
        self._met = meetings(tuple(known))
        users = Counter(i for each in self._of for i in each)
        met = {i for pair in self._met.pairs for i in pair}
        for few, many in self._met.crowds:
            met.update(few, many)
        #: The tasks that write what others may write too: only they need a bit.
        self.sharing = [
            position
            for position, each in enumerate(self._of)
            if any(users[i] > 1 or i in met for i in each)
        ]

    def shared(self) -> dict[str, int]:
        """Returns for each task that shares files with others the bits of those."""
        by_reach: dict[int, int] = {}
        for bit, position in enumerate(self.sharing):
            for i in self._of[position]:
                by_reach[i] = by_reach.get(i, 0) | 1 << bit
        users = dict(by_reach)
        for one, other in self._met.pairs:
            users[one] |= by_reach[other]
            users[other] |= by_reach[one]
        for few, many in self._met.crowds:
            ours, theirs = _joined(by_reach, few), _joined(by_reach, many)
            for i in few:
                users[i] |= theirs
            for i in many:
                users[i] |= ours
        shared: dict[str, int] = {}
        for bit, position in enumerate(self.sharing):
            bits = _joined(users, self._of[position]) & ~(1 << bit)
            if bits:
                shared[self._writing[position].id] = bits
        return shared


def _joined(sets: Mapping[int, int], keys: Iterable[int]) -> int:
    joined = 0
    for key in keys:
        joined |= sets[key]
    return joined


def _reached(
    order: Iterable[str], edges: Mapping[str, tuple[str, ...]], own: Mapping[str, int]
) -> dict[str, int]:
    """Returns for each task the bits of all tasks that are reached by its edges."""
    reached: dict[str, int] = {}
    for task_id in order:
        bits = 0
        for other in edges[task_id]:
            bits |= reached[other] | own.get(other, 0)
        reached[task_id] = bits
    return reached
