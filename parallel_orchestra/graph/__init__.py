"""The plan as a graph: who waits for whom (`shape`), and who may write the same files (`rivals`).

Knows nothing of time, disk or running tasks: durations come in as numbers, `writes` as patterns.
"""

from parallel_orchestra.graph.barriers import MOST_EDGES, barriers
from parallel_orchestra.graph.mode import Mode, choose_mode
from parallel_orchestra.graph.rivals import Clash, Rivals, ancestors, clash, overlapping, rivals
from parallel_orchestra.graph.shape import Graph, Node, find_cycle

__all__ = [
    "MOST_EDGES",
    "Clash",
    "Graph",
    "Mode",
    "Node",
    "Rivals",
    "ancestors",
    "barriers",
    "choose_mode",
    "clash",
    "find_cycle",
    "overlapping",
    "rivals",
]
