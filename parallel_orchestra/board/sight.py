"""A listing of `_tasks/` as the schedule takes it. Pure."""

from collections.abc import Callable, Container, Mapping

from parallel_orchestra.schedule import Seen
from parallel_orchestra.states import TaskState
from parallel_orchestra.store import Entry, TaskName

#: What most tasks are seen as, made once: a look may be at 100,000 of them.
_LOCKED, _AVAILABLE = TaskState.LOCKED, TaskState.AVAILABLE
HELD, _PARKED, _FRESH = Seen(_LOCKED), Seen(_LOCKED, parked=True), Seen(_AVAILABLE)
#: The name of a fresh task's file is so much longer than the task's id.
_ENDING = len(".md")
_DONE, _FAILED = Seen(TaskState.DONE), Seen(TaskState.FAILED)


def seen_in(
    entries: Mapping[str, Entry],
    tasks: Mapping[str, object],
    may_start: Callable[[str], bool] | None,
    backoff: Callable[[TaskName], float],
) -> dict[str, Seen]:
    """Returns where these tasks lie; `backoff` gives when one that has failed may start again.

    Without `may_start`, each one may that waits.

    A waiting task that may not start is not there for the schedule: as a lock it would hold up its
    group and its rivals.
    """
    seen = {}
    # All asked for at once: one by one, each task is fetched from memory that no cache holds.
    strangers = entries.keys() - tasks.keys() if not entries.keys() <= tasks.keys() else ()
    for task, entry in entries.items():
        # taken apart once, since a function for each of 100,000 takes longer than all the rest
        state, _, file = entry
        if strangers and task in strangers:
            continue
        if state is _LOCKED:
            seen[task] = HELD if entry.name.owner else _PARKED
        elif state is not _AVAILABLE:
            seen[task] = _DONE if state is _DONE.state else _FAILED
        elif may_start is not None and not may_start(task):
            continue
        elif len(file) == len(task) + _ENDING or not entry.name.attempts:
            seen[task] = _FRESH
        else:
            seen[task] = Seen(state, not_before=backoff(entry.name))
    return seen


def held_in(entries: Mapping[str, Entry], tasks: Container[str]) -> tuple[TaskName, ...]:
    """Returns the names of these tasks' locks that have an owner."""
    return tuple(
        entry.name
        for task, entry in entries.items()
        if entry.state is _LOCKED and entry.name.owner and task in tasks
    )
