"""In which order tasks have their turn: the best first, and where among equals a process begins. Pure.

Processes that share the tasks would all run for the same one. So each begins at a place of its own
among equals and goes on from there, around, in the order of the plan; where it meets the traces of
another one, it goes elsewhere. In an order of one's own that is mixed up, each would come upon all
that the others took, one by one. And what was made together is used together, which memory and
directories are made for.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Mapping, Sequence
from itertools import accumulate, groupby
from random import Random
from typing import TypeVar

from parallel_orchestra.model import Task

T = TypeVar("T")


class Turns:
    """The tasks by their rank, and the rank of each task."""

    def __init__(
        self, tasks: Sequence[Task], levels: Mapping[str, float], dice: Random | None
    ) -> None:
        """Takes `levels`, the higher the better; without `dice`, equals keep the order of the plan."""

        def merit(index: int) -> tuple[float, int]:
            return -levels[tasks[index].id], -tasks[index].priority

        order = sorted(range(len(tasks)), key=merit)
        equals = [tuple(found) for _, found in groupby(order, merit)]
        if dice is not None:
            order = [index for found in equals for index in _turned(found, dice)]
        self._dice = dice
        #: The first ranks of the groups of equals, and the end.
        self._borders = tuple(accumulate(map(len, equals), initial=0))
        self.by_rank = [tasks[index].id for index in order]
        self.rank = {task: rank for rank, task in enumerate(self.by_rank)}

    def go_elsewhere(self, ranks: Sequence[int]) -> None:
        """Has the best of these ranks, in order, begin at another one of those that are their equals.

        The tasks change places; all that is kept by rank must be true of each of them.
        """
        if self._dice is None or not ranks:
            return
        border = self._borders[bisect_right(self._borders, ranks[0])]
        equals = ranks[: bisect_left(ranks, border)]
        tasks = [self.by_rank[rank] for rank in equals]
        for rank, task in zip(equals, _turned(tasks, self._dice), strict=True):
            self.by_rank[rank] = task
            self.rank[task] = rank


def _turned(equals: Sequence[T], dice: Random) -> Sequence[T]:
    start = dice.randrange(len(equals))
    return [*equals[start:], *equals[:start]]
