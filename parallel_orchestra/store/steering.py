"""What people ask of a run while it goes on: one small file per wish, in `_tasks/steering/`.

`ls` shows what was asked for, `touch` asks too, and a crash forgets nothing. A wish holds as long
as its file is there: `pause` until somebody takes it back, `stop` until the next conductor,
`cancel.<task>` until that task lies in `failed/` (or is done), `selection` until the next run.
Every process of the run looks here; none of these files decides who has a task.
"""

import contextlib
import json
import os
from collections.abc import Iterable, Mapping
from enum import Enum

from parallel_orchestra import files
from parallel_orchestra.frozen import frozen
from parallel_orchestra.store.layout import STEERING, Layout

_CANCEL = "cancel."
_PAUSED = f"{STEERING}/pause"
_SELECTION = "selection"
_SOMEBODY = "somebody"
#: Where the calendar ends: the first second of the year 10000.
_LATEST = 253_402_300_800
#: Characters of a reason that are kept.
_LONGEST = 500


class Wish(Enum):
    """What may be asked of the run as a whole; the value is the file's name."""

    PAUSE = "pause"
    STOP = "stop"
    STOP_NOW = "stop-now"


@frozen
class Asked:
    """Who asked for something, when (epoch; 0 if it is not said), and why (may be empty)."""

    by: str = _SOMEBODY
    time: float = 0.0
    reason: str = ""

    @property
    def words(self) -> str:
        """Who asked and why, as the end of a sentence: `by ana@host: lunch`."""
        return f"by {self.by}" + (f": {self.reason}" if self.reason else "")


@frozen
class Selection:
    """The tasks that this run carries out: only they may start. `why` is what was asked for.

    `step` if the others follow in later calls, so that the run is not done with these.
    """

    tasks: frozenset[str]
    why: str
    step: bool = False


def ask(layout: Layout, wish: Wish, asked: Asked) -> None:
    """Writes a wish for all processes of the run; on the disk before this returns.

    Raises:
        OSError: the disk is full or read-only.
    """
    _write(layout, wish.value, _record(asked))


def asked_for(layout: Layout, wish: Wish) -> Asked | None:
    """Returns who asked for that, or None if nobody did."""
    return _asked(layout, wish.value)


def withdraw(layout: Layout, *wishes: Wish) -> bool:
    """Takes wishes back; returns whether any was there."""
    return sum(_remove(layout, wish.value) for wish in wishes) > 0


def paused(layout: Layout) -> bool:
    """Returns whether nobody may start a task at this moment; cheap."""
    # Asked a hundred times a second; a Path for it would cost ten times as much as the question.
    return os.path.lexists(f"{layout.root}/{_PAUSED}")


def wishes(layout: Layout) -> frozenset[str]:
    """Returns the names of all that is asked for at this moment; cheap."""
    return frozenset(files.names(layout.steering))


def ask_to_cancel(layout: Layout, task: str, asked: Asked) -> None:
    """Asks whoever has a task, or sees it next, to end it and to move it to `failed/`.

    Raises:
        OSError: the disk is full or read-only.
    """
    _write(layout, _CANCEL + task, _record(asked))


def cancels(layout: Layout, among: Iterable[str] | None = None) -> dict[str, Asked]:
    """Returns the tasks that are to be cancelled, by whom; `among` are names from `wishes`."""
    names = files.names(layout.steering) if among is None else among
    tasks = (name.removeprefix(_CANCEL) for name in names if name.startswith(_CANCEL))
    found = ((task, _asked(layout, _CANCEL + task)) for task in sorted(tasks))
    return {task: asked for task, asked in found if asked is not None}


def cancel_of(layout: Layout, task: str) -> Asked | None:
    """Returns who wants a task cancelled, or None if nobody does."""
    return _asked(layout, _CANCEL + task)


def forget_cancel(layout: Layout, task: str) -> bool:
    """Takes the wish to cancel a task away: it was carried out, or came too late."""
    return _remove(layout, _CANCEL + task)


def select(layout: Layout, selection: Selection | None) -> None:
    """Says which tasks this run carries out; None for all of them.

    Raises:
        OSError: the disk is full or read-only.
    """
    if selection is None:
        _remove(layout, _SELECTION)
        return
    facts = {"tasks": sorted(selection.tasks), "why": selection.why, "step": selection.step}
    _write(layout, _SELECTION, facts)


def selection(layout: Layout) -> Selection | None:
    """Returns which tasks this run carries out; None for all of them.

    One that can't be read lets no task start: too much must not run by mistake.
    """
    text = files.read_text(layout.steering / _SELECTION)
    if text is None and not os.path.lexists(layout.steering / _SELECTION):
        return None
    with contextlib.suppress(ValueError, KeyError, TypeError, RecursionError):
        found = json.loads(text or "")
        tasks = frozenset(map(str, found["tasks"]))
        return Selection(tasks, str(found["why"]), step=found.get("step") is True)
    return Selection(frozenset(), f"{layout.steering / _SELECTION} can't be read")


def hold(layout: Layout, task: str) -> str:
    """Returns in words what people asked for that keeps a waiting task from starting; may be ''."""
    chosen = selection(layout)
    if chosen is not None and task not in chosen.tasks:
        return f"left out of this run: {chosen.why}"
    asked = asked_for(layout, Wish.PAUSE)
    return "" if asked is None else f"the run is paused {asked.words}"


def _record(asked: Asked) -> dict[str, object]:
    return {"by": asked.by, "time": asked.time, "reason": asked.reason[:_LONGEST]}


def _asked(layout: Layout, name: str) -> Asked | None:
    path = layout.steering / name
    text = files.read_text(path)
    if text is None and not os.path.lexists(path):
        return None
    # A file that a person made with `touch` counts too.
    with contextlib.suppress(ValueError, TypeError, RecursionError):
        found = json.loads(text or "")
        if isinstance(found, Mapping):
            when = float(found.get("time") or 0.0)
            return Asked(
                str(found.get("by") or _SOMEBODY),
                when if 0 <= when < _LATEST else 0.0,
                str(found.get("reason") or "")[:_LONGEST],
            )
    return Asked()


def _write(layout: Layout, name: str, facts: Mapping[str, object]) -> None:
    # Missing in a directory that an older version made.
    files.make_directory(layout.steering)
    via = layout.tmp / f"steering.{name}.{os.getpid()}.{os.urandom(4).hex()}"
    files.replace(layout.steering / name, json.dumps(facts).encode(), via=via)
    files.sync_directory(layout.steering)


def _remove(layout: Layout, name: str) -> bool:
    try:
        os.unlink(layout.steering / name)
    except OSError:
        return False
    return True
