"""One child at a time under supervision, and who is alive.

Knows nothing of tasks. `supervisor` is the door; `reaper` and `copier` run in the helper
process; `identity` tells processes apart across crashes and reboots.
"""

from parallel_orchestra.process.supervisor import Child, Ending, Exit, Supervisor, find_program

__all__ = ["Child", "Ending", "Exit", "Supervisor", "find_program"]
