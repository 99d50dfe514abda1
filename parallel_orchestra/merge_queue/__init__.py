"""Integration: a task's work enters the integration branch once or not at all.

The merge commit carries a trailer that names the task, and becomes the tip by one ref
transaction that also verifies the claim's fence. That transaction is the only commit point:
it needs no lock, no clock and no living process to be exact.

`queue` is the door, `integration` the branch itself. With a `verify` of the plan, candidates form a
`line`; `chain` and `search` are its thinking, `hearing` says who is at fault, `checker` runs the
commands in a `bay`, `failing` compares with a base that is red.
"""

from typing import TYPE_CHECKING

from parallel_orchestra.door import door

if TYPE_CHECKING:
    from parallel_orchestra.merge_queue.checker import Checker
    from parallel_orchestra.merge_queue.contest import Opponent, named, opponents
    from parallel_orchestra.merge_queue.delivery import catch_up, deliver
    from parallel_orchestra.merge_queue.guard import Guard
    from parallel_orchestra.merge_queue.history import MergeFact, UndoFact
    from parallel_orchestra.merge_queue.outcome import (
        Candidate,
        Conflicted,
        Merged,
        Outcome,
        Rejected,
        Verifier,
    )
    from parallel_orchestra.merge_queue.queue import MergeQueue
    from parallel_orchestra.merge_queue.run_refs import RunRefs
    from parallel_orchestra.merge_queue.undoing import (
        TakeBack,
        Undone,
        settle,
        take_back,
        under_way,
    )
else:
    __getattr__, __dir__ = door(
        __name__,
        checker="Checker",
        delivery="catch_up deliver",
        guard="Guard",
        history="MergeFact UndoFact",
        contest="Opponent named opponents",
        outcome="Candidate Conflicted Merged Outcome Rejected Verifier",
        queue="MergeQueue",
        run_refs="RunRefs",
        undoing="TakeBack Undone settle take_back under_way",
    )

__all__ = [
    "Candidate",
    "Checker",
    "Conflicted",
    "Guard",
    "MergeFact",
    "MergeQueue",
    "Merged",
    "Opponent",
    "Outcome",
    "Rejected",
    "RunRefs",
    "TakeBack",
    "UndoFact",
    "Undone",
    "Verifier",
    "catch_up",
    "deliver",
    "named",
    "opponents",
    "settle",
    "take_back",
    "under_way",
]
