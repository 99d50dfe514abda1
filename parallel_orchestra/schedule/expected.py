"""How long tasks are expected to take, by what their author or their past says."""

from collections.abc import Iterable, Mapping

from parallel_orchestra.model import Task


def known_durations(tasks: Iterable[Task], past: Mapping[str, float]) -> dict[str, float]:
    """Returns the expected seconds of each task of which they are known: its estimate, else its past."""
    known = {
        task.id: task.estimate if task.estimate is not None else past.get(task.id) for task in tasks
    }
    return {task: value for task, value in known.items() if value is not None}


def durations(
    tasks: Iterable[Task], past: Mapping[str, float], unit: float | None = None
) -> dict[str, float]:
    """Returns each task's expected seconds: its estimate, else its past, else a common unit.

    The `unit` is, where none is given, the mean of what is known, so that unknown tasks neither
    lead nor trail; 1 if nothing is known.
    """
    chosen = tuple(tasks)
    known = known_durations(chosen, past)
    if unit is None:
        unit = sum(known.values()) / len(known) if known else 1.0
    return {task.id: known.get(task.id, unit) for task in chosen}
