"""One child at a time under supervision, and who is alive.

Knows nothing of tasks. `supervisor` is the door; `reaper`, `copier` and `watch` run in the helper
process; `identity` tells processes apart across crashes and reboots.
"""

from typing import TYPE_CHECKING

from parallel_orchestra.door import door

if TYPE_CHECKING:
    from parallel_orchestra.process.supervisor import Child, Ending, Exit, Supervisor, find_program
    from parallel_orchestra.process.telling import NO_LAST_WORDS, DeadEnd, LastWords
else:
    __getattr__, __dir__ = door(
        __name__,
        supervisor="Child Ending Exit Supervisor find_program",
        telling="NO_LAST_WORDS DeadEnd LastWords",
    )

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
