"""Ways to start workers; an engine never schedules.

One so far: threads of this process. Workers of other processes start themselves
(`parallel-orchestra worker`) and meet ours only in `_tasks/`.
"""

from parallel_orchestra.engine.threads import Threads

__all__ = ["Threads"]
