"""One task's day: claim, isolate, run the agent, verify, commit, merge, move on.

`shop` is what all workers of a process share, `attempt` the day itself, `thread` the loop
around it, `berths` where its workers work. Nothing here decides what comes next (`schedule`) or who has a task (`store`).
"""

from parallel_orchestra.worker.berths import Berths
from parallel_orchestra.worker.shop import Shop
from parallel_orchestra.worker.thread import Worker

__all__ = ["Berths", "Shop", "Worker"]
