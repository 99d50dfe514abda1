"""The plan as a graph: who waits for whom (`shape`), and who may write the same files (`rivals`).

Knows nothing of time, disk or running tasks: durations come in as numbers, `writes` as patterns.
"""

from parallel_orchestra.graph.barriers import MOST_EDGES, barriers
from parallel_orchestra.graph.rivals import Rivals, overlapping, rivals
from parallel_orchestra.graph.shape import Graph, Mode, Node, choose_mode, find_cycle

__all__ = [
    "MOST_EDGES",
    "Graph",
    "Mode",
    "Node",
    "Rivals",
    "barriers",
    "choose_mode",
    "find_cycle",
    "overlapping",
    "rivals",
]
