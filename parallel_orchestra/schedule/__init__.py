"""Who is next and why the others wait (`order`), and how a plan will go (`forecast`).

Pure bookkeeping: knows nothing of disks, clocks or agents. Durations (`expected`) come in as
numbers, and time is what the caller says it is: the simulator and a run use the same code.
"""

from typing import TYPE_CHECKING

from parallel_orchestra.door import door

if TYPE_CHECKING:
    from parallel_orchestra.schedule.causes import Cause, Hold, doomed
    from parallel_orchestra.schedule.expected import durations
    from parallel_orchestra.schedule.forecast import (
        Outlook,
        Played,
        Standing,
        at_the_start,
        outlook,
        play,
    )
    from parallel_orchestra.schedule.order import Schedule
    from parallel_orchestra.schedule.seen import Seen
else:
    __getattr__, __dir__ = door(
        __name__,
        causes="Cause Hold doomed",
        expected="durations",
        forecast="Outlook Played Standing at_the_start outlook play",
        order="Schedule",
        seen="Seen",
    )

__all__ = [
    "Cause",
    "Hold",
    "Outlook",
    "Played",
    "Schedule",
    "Seen",
    "Standing",
    "at_the_start",
    "doomed",
    "durations",
    "outlook",
    "play",
]
