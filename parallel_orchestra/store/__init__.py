"""The `_tasks/` directory: the one truth about who has which task.

Knows nothing of git, agents or the terminal. A task file is written once, then only renamed;
every move is one rename of one file (`states.TRANSITIONS`), so a crash leaves it either here
or there. What it promises, and how that is tested: docs/explanation/claims.md.
"""

from typing import TYPE_CHECKING

from parallel_orchestra.door import door

if TYPE_CHECKING:
    from parallel_orchestra.store.layout import Layout
    from parallel_orchestra.store.listing import Entry, Listing
    from parallel_orchestra.store.liveness import Watch
    from parallel_orchestra.store.names import TaskName
    from parallel_orchestra.store.records import AttemptResult, RunRecord, WorkerKind, WorkerRecord
    from parallel_orchestra.store.tasks import Claim, LostClaim, TaskStore
else:
    __getattr__, __dir__ = door(
        __name__,
        layout="Layout",
        listing="Entry Listing",
        liveness="Watch",
        names="TaskName",
        records="AttemptResult RunRecord WorkerKind WorkerRecord",
        tasks="Claim LostClaim TaskStore",
    )

__all__ = [
    "AttemptResult",
    "Claim",
    "Entry",
    "Layout",
    "Listing",
    "LostClaim",
    "RunRecord",
    "TaskName",
    "TaskStore",
    "Watch",
    "WorkerKind",
    "WorkerRecord",
]
