"""Who brought onto the branch what a candidate conflicts with."""

import contextlib
from collections.abc import Sequence

from parallel_orchestra.errors import GitError
from parallel_orchestra.frozen import frozen
from parallel_orchestra.merge_queue.history import state_before
from parallel_orchestra.merge_queue.integration import Integration


@frozen
class Opponent:
    """What came onto the branch and touched the same `files`: a task's merge, or in other `words`.

    `task` is empty if it was none, but your own branch, say.
    """

    commit: str
    task: str
    words: str
    files: tuple[str, ...]


def opponents(trunk: Integration, commit: str, files: Sequence[str]) -> tuple[Opponent, ...]:
    """Returns who touched these files since a candidate's commit began, the oldest first.

    Empty if git can't tell: nothing rests on it but what is said of a conflict.

    Raises:
        WaitsForPerson: somebody else wrote to the branch.
    """
    objects, found = trunk.repo.objects, []
    with contextlib.suppress(GitError):
        for step in trunk.steps_since(commit, trunk.tip()):
            before = state_before(objects, step.commit)
            touched = {change.path for change in objects.changed(before, step.commit)}
            same = tuple(one for one in files if any(_meet(one, path) for path in touched))
            if same:
                found.append(Opponent(step.commit, step.task, step.words, same))
    return tuple(found)


def named(found: Sequence[Opponent], most: int = 3) -> str:
    """Returns them as a sentence's end: `with x, y and 2 more`; empty if there are none."""
    names = list(dict.fromkeys(one.words for one in found))
    if not names:
        return ""
    shown = names[:most] if len(names) > most + 1 else names
    more = len(names) - len(shown)
    last = f"{more} more" if more else shown.pop() if len(shown) > 1 else ""
    return f"with {', '.join(shown)}" + (f" and {last}" if last else "")


def _meet(one: str, other: str) -> bool:
    """Returns whether two paths can't both be files as their sides want them."""
    return one == other or one.startswith(f"{other}/") or other.startswith(f"{one}/")
