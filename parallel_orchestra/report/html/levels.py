"""Where the boxes and arrows of a small graph go: levels from left to right, few crossings.

The usual four steps of Sugiyama, Tagawa and Toda (1981): levels by the longest way, a place-holder
where an arrow passes a level, an order within each level by the mean of the neighbours, then heights
as near to the neighbours' as the order allows. Pure; knows nothing of tasks or drawing.
"""

from collections.abc import Mapping, Sequence
from itertools import pairwise

from parallel_orchestra.frozen import frozen

#: Heights of a box and of an arrow that passes, each with the room below it.
_BOX, _PASSING = 46.0, 16.0
_SWEEPS = 4
#: How much more than a box a passing arrow wants to be straight.
_STRAIGHT = 4.0

#: A box by its name, or an arrow (from, to) where it passes a level.
Item = str | tuple[str, str, int]


@frozen
class Places:
    """The middle of each box and of each passing arrow: its level, and its height from the top.

    `routes` are the arrows: the items on the way, both ends included. `height` is that of all.
    """

    spots: Mapping[Item, tuple[int, float]]
    routes: tuple[tuple[Item, ...], ...]
    levels: int
    height: float


def levels_of(needs: Mapping[str, Sequence[str]]) -> dict[str, int]:
    """Returns the level of each box, from 0; `needs` has each box after those that it needs."""
    levels: dict[str, int] = {}
    for box, needed in needs.items():
        levels[box] = 1 + max((levels[one] for one in needed), default=-1)
    return levels


def without_shortcuts(needs: Mapping[str, Sequence[str]]) -> dict[str, tuple[str, ...]]:
    """Returns the same graph without the arrows that others imply."""
    before: dict[str, set[str]] = {}
    reduced = {}
    for box, needed in needs.items():
        implied = set().union(*(before[one] for one in needed))
        before[box] = implied.union(needed)
        reduced[box] = tuple(one for one in needed if one not in implied)
    return reduced


def places(needs: Mapping[str, Sequence[str]]) -> Places:
    """Returns where everything goes; `needs` has each box after those that it needs."""
    level = levels_of(needs)
    rows: list[list[Item]] = [[] for _ in range(max(level.values(), default=-1) + 1)]
    near: dict[Item, tuple[list[Item], list[Item]]] = {}
    for box in needs:
        rows[level[box]].append(box)
        near[box] = ([], [])
    routes = []
    for box, needed in needs.items():
        for one in needed:
            passed: list[Item] = []
            for at in range(level[one] + 1, level[box]):
                passed.append((one, box, at))
                rows[at].append(passed[-1])
                near[passed[-1]] = ([], [])
            route: list[Item] = [one, *passed, box]
            for left, right in pairwise(route):
                near[left][1].append(right)
                near[right][0].append(left)
            routes.append(tuple(route))
    _order(rows, near)
    heights = _heights(rows, near)
    spots = {item: (at, heights[item]) for at, row in enumerate(rows) for item in row}
    bottom = max((heights[item] + _room(item) / 2 for item in spots), default=0.0)
    return Places(spots, tuple(routes), len(rows), bottom)


def _order(rows: list[list[Item]], near: Mapping[Item, tuple[list[Item], list[Item]]]) -> None:
    at = {item: float(place) for row in rows for place, item in enumerate(row)}
    for sweep in range(_SWEEPS):
        side = sweep % 2
        for row in rows if side == 0 else reversed(rows):
            means = {item: _mean([at[one] for one in near[item][side]], at[item]) for item in row}
            row.sort(key=means.__getitem__)
            at.update((item, float(place)) for place, item in enumerate(row))


def _heights(
    rows: list[list[Item]], near: Mapping[Item, tuple[list[Item], list[Item]]]
) -> dict[Item, float]:
    heights: dict[Item, float] = {}
    for row in rows:
        top = 0.0
        for item in row:
            heights[item] = top + _room(item) / 2
            top += _room(item)
    tallest = max((sum(map(_room, row)) for row in rows), default=0.0)
    for row in rows:
        spare = (tallest - sum(map(_room, row))) / 2
        for item in row:
            heights[item] += spare
    for sweep in range(2 * _SWEEPS):
        for row in rows if sweep % 2 else reversed(rows):
            wanted = [
                _mean([heights[one] for side in near[item] for one in side], heights[item])
                for item in row
            ]
            heights.update(zip(row, _apart(row, wanted), strict=True))
    top = min((heights[item] - _room(item) / 2 for item in heights), default=0.0)
    return {item: height - top for item, height in heights.items()}


def _apart(row: Sequence[Item], wanted: Sequence[float]) -> list[float]:
    """Returns heights as near to the wanted ones as can be, in order and far enough apart.

    Least squares under an order: the pool of adjacent violators (Ayer and others, 1955).
    """
    offsets, offset = [], 0.0
    for before, item in zip([None, *row], row, strict=False):
        offset += 0.0 if before is None else (_room(before) + _room(item)) / 2
        offsets.append(offset)
    pools: list[tuple[float, float, int]] = []
    for item, want, shift in zip(row, wanted, offsets, strict=True):
        weight = _STRAIGHT if isinstance(item, tuple) else 1.0
        value, count = want - shift, 1
        while pools and pools[-1][0] >= value:
            other, mass, more = pools.pop()
            value = (value * weight + other * mass) / (weight + mass)
            weight, count = weight + mass, count + more
        pools.append((value, weight, count))
    values = [value for value, _, count in pools for _ in range(count)]
    return [value + shift for value, shift in zip(values, offsets, strict=True)]


def _room(item: Item) -> float:
    return _PASSING if isinstance(item, tuple) else _BOX


def _mean(values: Sequence[float], otherwise: float) -> float:
    return sum(values) / len(values) if values else otherwise
