"""What this process knows of the tasks, and which of them may start (`board`).

What keeps one from starting has a file each: `limits` (others at work), `budget` (what may be
used), `gate` (the machine), `backoffs` (it failed just now), `breaker` (its account's usage limit
was met), `troubles` (tasks can't be claimed at all). `rounds` says when the directories are looked
at.
"""

from typing import TYPE_CHECKING

from parallel_orchestra.door import door

if TYPE_CHECKING:
    from parallel_orchestra.board.board import Board
    from parallel_orchestra.board.budget import Purse
    from parallel_orchestra.board.clock import WALL_CLOCK, Clock
    from parallel_orchestra.board.gate import Demands, Gate
else:
    __getattr__, __dir__ = door(
        __name__,
        board="Board",
        budget="Purse",
        clock="WALL_CLOCK Clock",
        gate="Demands Gate",
    )

__all__ = ["WALL_CLOCK", "Board", "Clock", "Demands", "Gate", "Purse"]
