"""What agents may do without being asked, as sentences that are read before the first one starts."""

from collections import Counter
from collections.abc import Callable, Container, Sequence

from parallel_orchestra.model import Task

#: The arguments that say what an agent may do.
Mode = tuple[str, ...]


def modes_told(
    title: str, tasks: Sequence[Task], mode: Callable[[Task], Mode], free: Container[Mode]
) -> list[str]:
    """Returns a sentence for each mode in which the tasks that write run; `free` ask no question."""
    found = Counter(mode(task) for task in tasks if not task.read_only)
    return [
        f"{title} runs {_counted(number)} with `{' '.join(words)}`: "
        + ("no question is asked" if words in free else "what that does not allow is denied")
        for words, number in found.items()
    ]


def _counted(number: int) -> str:
    return "1 task that writes" if number == 1 else f"{number} tasks that write"
