"""A glance at the directories, much cheaper than a listing: no name is taken apart."""

from collections.abc import Set as AbstractSet

from parallel_orchestra import files
from parallel_orchestra.states import TaskState
from parallel_orchestra.store.layout import Layout


def all_done(layout: Layout, tasks: AbstractSet[str]) -> bool:
    """Returns whether each of these tasks has a file in `done/`, and none waits or runs.

    Along the way of travel: a task that moves back meanwhile is not in `done/`.
    """
    for state in (TaskState.AVAILABLE, TaskState.LOCKED):
        if files.names(layout.state(state)):
            return False
    done = files.names(layout.state(TaskState.DONE))
    return tasks <= {file.partition(".")[0] for file in done if file.endswith(".md")}
