"""One child at a time under supervision, and who is alive.

Knows nothing of tasks. `supervisor` is the door; `reaper`, `copier` and `watch` run in the helper
process; `identity` tells processes apart across crashes and reboots.
"""

from parallel_orchestra.process.supervisor import Child, Ending, Exit, Supervisor, find_program
from parallel_orchestra.process.telling import NO_LAST_WORDS, DeadEnd, LastWords

__all__ = [
    "NO_LAST_WORDS",
    "Child",
    "DeadEnd",
    "Ending",
    "Exit",
    "LastWords",
    "Supervisor",
    "find_program",
]
