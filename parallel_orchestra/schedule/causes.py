"""What keeps a task from running, as a word for programs and a sentence for people."""

from collections.abc import Mapping, Sequence
from enum import Enum

from parallel_orchestra.frozen import frozen
from parallel_orchestra.graph import Graph
from parallel_orchestra.plain import some_of
from parallel_orchestra.states import TaskState

#: How many tasks a sentence names.
_NAMED = 10


class Hold(Enum):
    """The kinds of causes; the reference of `why` lists them."""

    DEPENDENCY = "dependency"
    DOOMED = "doomed"
    BACKOFF = "backoff"
    GROUP = "group"
    OVERLAP = "overlap"
    BACKEND = "backend"
    BUDGET = "budget"
    USAGE_LIMIT = "usage_limit"
    MACHINE = "machine"
    PAUSED = "paused"
    LEFT_OUT = "left_out"
    NO_RUN = "no_run"
    WORKER = "worker"


@frozen
class Cause:
    """Why a task does not run: `tasks` are those that it waits for.

    `until` is the instant at which the hold ends by itself, on the clock of whoever asked; None
    if nobody knows.
    """

    kind: Hold
    words: str
    tasks: tuple[str, ...] = ()
    until: float | None = None


def doomed(graph: Graph, states: Mapping[str, TaskState]) -> dict[str, str]:
    """Returns each task that can't run because of a failed one, with that one's id.

    Computed, never stored: if the failed task is moved back, nothing is doomed any more.
    """
    culprits: dict[str, str] = {}
    for task in graph.order:
        if states.get(task) is not TaskState.AVAILABLE:
            continue
        for need in graph.dependencies[task]:
            if states.get(need) is TaskState.FAILED:
                culprits[task] = need
            elif need in culprits:
                culprits[task] = culprits[need]
            if task in culprits:
                break
    return culprits


def named(tasks: Sequence[str]) -> str:
    """Returns tasks as a sentence names them: a few of many."""
    return some_of([f"`{task}`" for task in tasks], _NAMED)
