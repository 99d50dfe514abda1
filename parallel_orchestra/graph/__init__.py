"""The plan as a graph: who waits for whom (`shape`), and who may write the same files (`rivals`).

`width` counts how many tasks can run at once, `mode` says whether that is worth several workers.

Knows nothing of time, disk or running tasks: durations come in as numbers, `writes` as patterns.
"""

from parallel_orchestra.graph.barriers import MOST_EDGES, barriers
from parallel_orchestra.graph.mode import Mode, choose_mode
from parallel_orchestra.graph.rivals import Clash, Rivals, ancestors, clash, overlapping, rivals
from parallel_orchestra.graph.shape import Graph, Node, find_cycle
from parallel_orchestra.graph.width import Cap, caps, width

__all__ = [
    "MOST_EDGES",
    "Cap",
    "Clash",
    "Graph",
    "Mode",
    "Node",
    "Rivals",
    "ancestors",
    "barriers",
    "caps",
    "choose_mode",
    "clash",
    "find_cycle",
    "overlapping",
    "rivals",
    "width",
]
