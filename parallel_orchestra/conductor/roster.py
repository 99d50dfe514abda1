"""Who takes part in a run that goes on: tasks that join it are heard of here.

The conductor takes in files that people put into `available/`; a worker that joined reads
`run.json` again when it has changed.
"""

import contextlib
import os

from parallel_orchestra.conductor.adopting import adopt, dropped, words_of
from parallel_orchestra.conductor.workshop import Workshop
from parallel_orchestra.events import Joined
from parallel_orchestra.states import TaskState
from parallel_orchestra.store import Layout, TaskName
from parallel_orchestra.store.records import peek_run

#: Seconds between two looks for tasks that join.
_LOOK_EVERY = 1.0

#: What tells a changed file from an unchanged one.
_Sign = tuple[int, int, int]


class Roster:
    """One process's ear for tasks that join its run; for its main thread."""

    def __init__(self, shop: Workshop, *, conducts: bool) -> None:
        self._shop = shop
        self._conducts = conducts
        self._next = 0.0
        self._run = _sign(shop.job.layout.run_file)
        self._seen: dict[TaskName, _Sign] = {}
        self._refused: dict[TaskName, _Sign] = {}

    def hear(self, *, at_once: bool = False) -> None:
        """Looks if it is time to, or `at_once`, and takes in who joined."""
        now = self._shop.clock.monotonic()
        if now < self._next and not at_once:
            return
        self._next = now + _LOOK_EVERY
        if self._conducts:
            # On a full disk nobody joins for the moment; the next look tries again.
            with contextlib.suppress(OSError):
                self._take_in()
        elif (sign := _sign(self._shop.job.layout.run_file)) != self._run:
            self._run = sign
            record = peek_run(self._shop.job.layout)
            if record is not None and record.run == self._shop.job.run.run:
                self._shop.enlarge(record)

    def _take_in(self) -> None:
        """Takes in the files that people put into `available/`.

        One must lie there as it lay at the last look: it may be half written at the first.

        Raises:
            OSError: the disk is full or read-only; nobody joined.
        """
        shop, layout = self._shop, self._shop.job.layout
        signs = {
            name: sign
            for name in dropped(shop.store, shop.tasks)
            if (sign := _sign(_path(layout, name))) is not None
        }
        ripe = [name for name, sign in signs.items() if self._seen.get(name) == sign]
        new = [name for name in ripe if self._refused.get(name) != signs[name]]
        self._seen = signs
        if not new:
            return
        # Who was refused may depend on one that joins now.
        adoption = adopt(layout, shop.job.run, shop.store, ripe)
        shop.enlarge(adoption.record)
        for task in adoption.joined:
            shop.journal.write(Joined(shop.clock.now(), task.id))
        joined = {task.id for task in adoption.joined}
        told = {f"{TaskState.AVAILABLE.value}/{name.file}" for name in ripe if name not in new}
        for problem in adoption.problems:
            if problem.where.partition(":")[0] not in told:
                shop.warn(words_of(problem))
        self._refused = {name: signs[name] for name in ripe if name.task not in joined}


def _path(layout: Layout, name: TaskName) -> str:
    return os.path.join(layout.state(TaskState.AVAILABLE), name.file)


def _sign(path: str | os.PathLike[str]) -> _Sign | None:
    try:
        status = os.stat(path)
    except OSError:
        return None
    return status.st_mtime_ns, status.st_size, status.st_ino
