"""What a schedule is told of one task, and of one lane of tasks."""

from parallel_orchestra.frozen import frozen
from parallel_orchestra.schedule.causes import Hold
from parallel_orchestra.states import TaskState


@frozen
class Seen:
    """Where a task lies; `parked` for a lock that nobody alive holds (a person's)."""

    state: TaskState
    parked: bool = False
    not_before: float = 0.0


@frozen
class Held:
    """A lane that starts nothing until then; `limited` is the set of its limited tasks."""

    until: float
    words: str
    limited: int
    kind: Hold = Hold.BACKEND
