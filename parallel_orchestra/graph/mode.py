"""Whether a plan is worth several workers: the mode, with its reason."""

from enum import Enum

from parallel_orchestra.graph.rivals import NOBODY, Rivals, reached
from parallel_orchestra.graph.shape import Graph
from parallel_orchestra.graph.width import width


class Mode(Enum):
    """How a run goes: several tasks at once, or one after the other."""

    PARALLEL = "parallel"
    SEQUENTIAL = "sequential"


def choose_mode(
    graph: Graph, contenders: Rivals = NOBODY, most: int | None = None, *, enough: int = 3
) -> tuple[Mode, str]:
    """Returns how to run the plan, and why as one sentence for the user.

    `most` is the plan's width, if groups are part of it or it is known already.

    PARALLEL needs `enough` tasks that each could run beside some other: without an order
    between the two, and without files that both write; and a width of two. Linear in the number
    of dependencies, unless nearly all tasks write the same files.
    """
    total = len(graph.order)
    most = width(graph, contenders) if most is None else most
    unordered = _unordered(graph)
    if total < 2:
        return Mode.SEQUENTIAL, "the plan has a single task"
    if not unordered:
        return Mode.SEQUENTIAL, f"all {total} tasks form one chain: each waits for the one before"
    if len(unordered) < enough:
        few = f"only {len(unordered)} of {total} tasks could run side by side"
        return Mode.SEQUENTIAL, f"{few}, fewer than {enough}"
    turns = ""
    if contenders:
        free = [task for task in unordered if task not in contenders]
        if len(free) < enough:
            loose = _beside(graph, contenders, free)
            if loose < enough:
                return Mode.SEQUENTIAL, _same_files(loose, total, len(unordered))
        turns = f"; {len(contenders)} take turns: they write what others write"
    if most < 2:
        why = "their files and concurrency groups" if contenders else "their concurrency groups"
        return Mode.SEQUENTIAL, f"no two tasks may run side by side: {why} let one run at a time"
    return (
        Mode.PARALLEL,
        f"{len(unordered)} of {total} tasks can run beside others, up to {most} at once{turns}",
    )


def _same_files(loose: int, total: int, unordered: int) -> str:
    if not loose:
        which = f"all {total} tasks" if unordered == total else f"the {unordered} that could"
        return f"no two tasks may run side by side: {which} write the same files"
    return f"only {loose} of {total} tasks could run side by side: the others write the same files"


def _beside(graph: Graph, contenders: Rivals, free: list[str]) -> int:
    """Returns how many tasks have some other that may run beside them.

    `free` are those without rivals, and without an order to some other task.
    """
    own = contenders.own_bits()
    # Some share files, but only with tasks before or behind them: those have a bit already.
    others, shared = [task for task in free if task not in own], len(own)
    own.update((task, 1 << shared + i) for i, task in enumerate(others))
    everybody = (1 << len(own)) - 1
    before, after = reached(graph, own)
    return len(free) + sum(
        bool(everybody & ~(own[task] | before[task] | after[task] | contenders.bits(task)))
        for task in contenders
    )


def _unordered(graph: Graph) -> list[str]:
    """Returns the tasks that have some other task with no order between the two.

    In a topological order, a task at position p has an order to all others exactly if every
    earlier task has a dependent at p or before (following those, one always arrives at p), and
    every later task a dependency at p or after. Two running extremes answer that for all p.
    """
    rank = {task_id: position for position, task_id in enumerate(graph.order)}
    end = len(graph.order)
    latest_first = -1  # over the tasks before p: the largest "position of the first dependent"
    before: list[bool] = []
    for position, task_id in enumerate(graph.order):
        before.append(latest_first <= position)
        first = min((rank[other] for other in graph.dependents[task_id]), default=end)
        latest_first = max(latest_first, first)
    unordered: list[str] = []
    earliest_last = end  # the same from the other side
    for position in range(end - 1, -1, -1):
        task_id = graph.order[position]
        if not (before[position] and earliest_last >= position):
            unordered.append(task_id)
        last = max((rank[other] for other in graph.dependencies[task_id]), default=-1)
        earliest_last = min(earliest_last, last)
    return unordered
