"""The run: publishes the plan, starts workers, delivers, and says how it went.

`preflight` looks before anything is touched, `opening` makes `_tasks/` ours, `crew` is this
process at work in a run (as conductor or as a worker that joined), `conductor` joins them.
"""

from parallel_orchestra.conductor.conductor import conduct
from parallel_orchestra.conductor.control import Control, Snapshot
from parallel_orchestra.conductor.durations import past_of
from parallel_orchestra.conductor.join import join
from parallel_orchestra.conductor.picture import report_of
from parallel_orchestra.conductor.preflight import Preflight, examine

__all__ = ["Control", "Preflight", "Snapshot", "conduct", "examine", "join", "past_of", "report_of"]
