"""The runs that a task directory remembers: the one that it holds, and those in its attic.

Read from their journals and the names of their files alone, so that many are told at once; what
git has of them is not looked at.
"""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from parallel_orchestra import files, journal
from parallel_orchestra.events import AttemptEnded, RunEnded, RunStarted
from parallel_orchestra.frozen import frozen
from parallel_orchestra.states import TaskState
from parallel_orchestra.store import Layout, RunRecord
from parallel_orchestra.store.names import parse
from parallel_orchestra.store.records import peek_record, peek_run


@frozen
class EarlierRun:
    """A run in a few figures: instants are epochs, `seconds` are those of its last leg.

    `exit_code` is None for one that has not ended, or was killed. `cost_usd` is None if no agent
    said. `archived` is where its files lie now, empty for the run that the directory holds.
    """

    run: str
    name: str
    source: str
    started: float | None
    ended: float | None
    seconds: float | None
    exit_code: int | None
    total: int
    done: int
    failed: int
    cost_usd: float | None
    archived: str
    integration: str


def runs_in(layout: Layout) -> tuple[EarlierRun, ...]:
    """Returns the runs of a task directory, the newest first."""
    found = [run for folder in sorted(_attic(layout)) for run in _archived(folder)]
    record = peek_run(layout)
    if record is not None:
        found.append(_told(layout, record, "", record.integration))
    return tuple(sorted(found, key=lambda one: (one.started or 0.0, one.run), reverse=True))


def _attic(layout: Layout) -> Iterator[Path]:
    for name in files.names(layout.attic):
        if (layout.attic / name).is_dir():
            yield layout.attic / name


def _archived(folder: Path) -> Iterator[EarlierRun]:
    """Yields the run whose files lie in a folder of the attic; nothing if it is something else."""
    records = (
        name for name in files.names(folder) if name.startswith("run.") and name != "run.json"
    )
    for name in sorted(records)[:1]:
        record = peek_record(folder / name)
        if record is not None:
            kept = f"refs/orchestra/{record.run}/integration"
            yield _told(Layout(folder), record, str(folder), kept)


def _told(layout: Layout, record: RunRecord, archived: str, integration: str) -> EarlierRun:
    begun: RunStarted | None = None
    ended: RunEnded | None = None
    first: float | None = None
    costs = []
    for _, event in journal.read(layout.journal):
        if isinstance(event, RunStarted):
            begun, ended, first = event, None, event.time if first is None else first
        elif isinstance(event, RunEnded):
            ended = event
        elif isinstance(event, AttemptEnded) and event.cost_usd is not None:
            costs.append(event.cost_usd)
    count = _count(layout)
    tasks = record.plan.get("tasks")
    return EarlierRun(
        run=record.run,
        name=str(record.plan.get("name") or Path(str(record.plan.get("source", ""))).stem),
        source=str(record.plan.get("source", "")),
        started=first if begun is not None else None,
        ended=ended.time if ended is not None else None,
        seconds=ended.seconds if ended is not None else None,
        exit_code=ended.exit_code if ended is not None else None,
        total=len(tasks) if isinstance(tasks, list) else sum(count.values()),
        done=count[TaskState.DONE],
        failed=count[TaskState.FAILED],
        cost_usd=sum(costs) if costs else None,
        archived=archived,
        integration=integration,
    )


def _count(layout: Layout) -> Counter[TaskState]:
    found: Counter[TaskState] = Counter()
    for state in TaskState:
        found[state] = sum(parse(name) is not None for name in files.names(layout.state(state)))
    return found
