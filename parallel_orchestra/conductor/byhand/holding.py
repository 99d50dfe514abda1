"""Who holds which task, whether anybody is still there, and why we think so. Changes nothing."""

import time
from collections.abc import Callable, Sequence

from parallel_orchestra.board import WALL_CLOCK, Clock
from parallel_orchestra.conductor.byhand.whose import path_of, person
from parallel_orchestra.conductor.picture import read_record
from parallel_orchestra.frozen import frozen
from parallel_orchestra.process import identity
from parallel_orchestra.report.text import span
from parallel_orchestra.states import TaskState
from parallel_orchestra.store import Entry, Layout, Listing, TaskStore, Watch, WorkerRecord
from parallel_orchestra.store.liveness import Life, Verdict

#: Seconds between two looks at an owner that is out of sight.
_BETWEEN_LOOKS = 0.5


@frozen
class Holder:
    """Who holds a task, and what is known of them; `record` is None if there is none to be read."""

    entry: Entry
    record: WorkerRecord | None
    verdict: Verdict

    @property
    def dead(self) -> str:
        """Why the owner is known to be dead; empty if it is not."""
        return self.verdict.reason if self.verdict.life is Life.DEAD else ""


def holders(
    layout: Layout,
    wait: float = 0.0,
    *,
    clock: Clock = WALL_CLOCK,
    pause: Callable[[float], None] = time.sleep,
) -> tuple[Holder, ...]:
    """Returns who holds which task, by task; watches those out of sight for `wait` seconds at most.

    Raises:
        EnvironmentProblem: the directory holds no run.
    """
    me = person(read_record(layout).run, layout, clock)
    watch = Watch(layout, me, clock.monotonic)
    entries = locks_in(TaskStore(layout, me.owner).settled_listing(()))
    verdicts = watched(watch, layout, entries, wait, clock=clock, pause=pause)
    return tuple(
        Holder(entry, watch.record(entry.name.owner), verdict)
        for entry, verdict in zip(entries, verdicts, strict=True)
    )


def locks_in(listing: Listing) -> tuple[Entry, ...]:
    """Returns the locked tasks of a look, by task."""
    entries = sorted(listing.entries.items())
    return tuple(entry for _, entry in entries if entry.state is TaskState.LOCKED)


def watched(
    watch: Watch,
    layout: Layout,
    entries: Sequence[Entry],
    wait: float,
    *,
    clock: Clock = WALL_CLOCK,
    pause: Callable[[float], None] = time.sleep,
) -> tuple[Verdict, ...]:
    """Returns what is known of the locks' owners; looks again while one is out of sight.

    That ends after `wait` seconds at the latest.
    """
    deadline = clock.monotonic() + wait
    while True:
        verdicts = tuple(judged(watch, layout, entry) for entry in entries)
        left = deadline - clock.monotonic()
        if left <= 0 or all(verdict.life is not Life.ELSEWHERE for verdict in verdicts):
            return verdicts
        pause(min(_BETWEEN_LOOKS, left))


def judged(watch: Watch, layout: Layout, entry: Entry) -> Verdict:
    """Returns what is known of a lock's owner, in words for people."""
    verdict = watch.judge(entry.name, path_of(layout, entry))
    record = watch.record(entry.name.owner)
    if verdict.life is not Life.ALIVE or record is None:
        return verdict
    if verdict.left is not None:
        reason = f"claimed by hand: holds for {span(verdict.left)} more"
        return Verdict(verdict.life, reason, verdict.left)
    age = identity.age(record.pid) if verdict.reason.endswith("runs here") else None
    if age is None:
        return verdict
    return Verdict(verdict.life, f"{verdict.reason} for {span(age)}")
