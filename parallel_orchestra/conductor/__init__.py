"""The run: publishes the plan, starts workers, delivers, and says how it went.

`preflight` looks before anything is touched, `opening` makes `_tasks/` ours, `crew` is this
process at work in a run (as conductor or as a worker that joined), `conductor` joins them.
"""

from typing import TYPE_CHECKING

from parallel_orchestra.door import door

if TYPE_CHECKING:
    from parallel_orchestra.conductor.conductor import conduct
    from parallel_orchestra.conductor.control import Control, Snapshot
    from parallel_orchestra.conductor.durations import past_of
    from parallel_orchestra.conductor.joining import join
    from parallel_orchestra.conductor.picture import report_of
    from parallel_orchestra.conductor.preflight import Preflight, examine
else:
    __getattr__, __dir__ = door(
        __name__,
        conductor="conduct",
        control="Control Snapshot",
        durations="past_of",
        joining="join",
        picture="report_of",
        preflight="Preflight examine",
    )

__all__ = ["Control", "Preflight", "Snapshot", "conduct", "examine", "join", "past_of", "report_of"]
