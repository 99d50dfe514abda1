"""How many tasks can run at once at most: more workers than that are of no use.

A bound from above. It is exact where only dependencies hold tasks apart: as many tasks are
without an order as chains are needed to cover them all (Dilworth), and that is a matching. With
files and groups the exact number can't be had in sensible time; there the tasks are put into
sets of which only one may run at a time, and the sets are counted. Every way to count is too
high or right, so the least of them holds.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol

from parallel_orchestra.frozen import frozen
from parallel_orchestra.graph.rivals import NOBODY, Rivals, ancestors, positions, reached
from parallel_orchestra.graph.shape import Graph

#: Of more tasks only the direct dependencies are looked at: all others would be 50 MB and more.
_MOST_TASKS = 20_000
#: Steps of the search for fewer chains; 10,000 tasks need about 50,000. One takes a microsecond.
_MOST_STEPS = 400_000
#: How many sets are tried for a task before it begins one of its own.
_TRIED = 20


class Grouped(Protocol):
    """What `caps` needs to know of a task."""

    @property
    def id(self) -> str:
        """The task's id."""

    @property
    def concurrency_group(self) -> str:
        """Its group; empty for none."""


@frozen
class Cap:
    """Tasks of which at most so many may run at once."""

    most: int
    tasks: frozenset[str]


def caps(tasks: Iterable[Grouped], limits: Mapping[str, int]) -> tuple[Cap, ...]:
    """Returns the groups of a plan; one without a limit runs one task at a time."""
    members: dict[str, list[str]] = {}
    for task in tasks:
        if task.concurrency_group:
            members.setdefault(task.concurrency_group, []).append(task.id)
    return tuple(Cap(limits.get(name, 1), frozenset(ids)) for name, ids in members.items())


def width(graph: Graph, contenders: Rivals = NOBODY, limited: Sequence[Cap] = ()) -> int:
    """Returns how many tasks can run at once at most, by order, files and groups."""
    tight = [cap for cap in limited if len(cap.tasks) > cap.most]
    least = max(map(len, graph.waves()), default=0)
    bounds = [_direct_chains(graph)]
    if bounds[0] == least and not contenders and not tight:
        return least
    if len(graph.order) <= _MOST_TASKS:
        if bounds[0] > least:
            bounds.append(_chains(graph, frozenset(graph.order)))
        if contenders or any(cap.most == 1 for cap in tight):
            bounds.append(_turns(graph, contenders, tight))
        if tight:
            bounds.append(_parted(graph, tight))
    elif tight:
        outside = len(graph.order) - sum(len(cap.tasks) for cap in tight)
        bounds.append(outside + sum(cap.most for cap in tight))
    return min(bounds)


def _parted(graph: Graph, tight: Iterable[Cap]) -> int:
    """Returns what the groups let run, each by itself, and what is in none of these groups."""
    rest = frozenset(graph.order).difference(*(cap.tasks for cap in tight))
    return _chains(graph, rest) + sum(min(cap.most, _chains(graph, cap.tasks)) for cap in tight)


def _direct_chains(graph: Graph) -> int:
    """Returns in how many chains the tasks can be parted, each link a dependency: not the fewest."""
    taken: set[str] = set()
    for task in graph.order:
        behind = next((other for other in graph.dependents[task] if other not in taken), None)
        if behind is not None:
            taken.add(behind)
    return len(graph.order) - len(taken)


def _chains(graph: Graph, chosen: frozenset[str]) -> int:
    """Returns the fewest chains that cover these tasks: none of two tasks without an order."""
    names = [task for task in graph.order if task in chosen]
    before = ancestors(graph, {task: 1 << i for i, task in enumerate(names)})
    return len(names) - _matched([before[task] for task in names])


def _turns(graph: Graph, contenders: Rivals, tight: Iterable[Cap]) -> int:
    """Returns how many sets of tasks are enough, of each of which only one may run at a time."""
    own = contenders.own_bits()
    first = len(own)
    others = (task for task in graph.order if task not in own)
    own |= {task: 1 << first + i for i, task in enumerate(others)}
    before, after = reached(graph, own)
    alone: dict[str, int] = {}
    for cap in tight:
        if cap.most == 1:
            together = 0
            for task in cap.tasks:
                together |= own[task]
            alone |= dict.fromkeys(cap.tasks, together)
    # Those who share something first: the others have more sets to choose from.
    turn = sorted(graph.order, key=lambda task: task not in contenders and task not in alone)
    sets: dict[int, int] = {}  # by the place of the first member
    firsts = 0
    for task in turn:
        never_beside = before[task] | after[task] | contenders.bits(task) | alone.get(task, 0)
        for _, place in zip(range(_TRIED), positions(firsts & never_beside), strict=False):
            if not sets[place] & ~never_beside:
                sets[place] |= own[task]
                break
        else:
            sets[own[task].bit_length() - 1] = own[task]
            firsts |= own[task]
    return len(sets)


def _matched(choices: Sequence[int]) -> int:
    """Returns how many can have a partner of their own; bit i of a choice is the i-th partner.

    The most there can be (augmenting paths), unless the search takes too many steps.
    """
    free = everybody = (1 << len(choices)) - 1
    who_has: dict[int, int] = {}
    waiting, steps, before = list(range(len(choices))), 0, -1
    while before < len(who_has) and steps < _MOST_STEPS:
        before, unseen, left = len(who_has), everybody, []
        for one in waiting:
            line, places = [one], list[int]()  # each takes over the partner of the next
            while line:
                steps += 1
                open_ = choices[line[-1]] & unseen
                chosen = open_ & free or open_
                if not chosen:
                    line.pop()
                    places = places[:-1]
                    continue
                # the last one that is possible: of chains, the nearest link
                places.append(chosen.bit_length() - 1)
                bit = 1 << places[-1]
                unseen ^= bit
                if free & bit:
                    free ^= bit
                    who_has |= zip(places, line, strict=True)
                    break
                line.append(who_has[places[-1]])
            else:
                left.append(one)
        waiting = left
    return len(who_has)
