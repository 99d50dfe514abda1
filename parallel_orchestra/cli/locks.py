"""`locks`: who holds which task, since when, and whether anybody is still there."""

import json
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import click

from parallel_orchestra import journal
from parallel_orchestra.cli.options import found_tasks_dir, json_option, tasks_dir_option
from parallel_orchestra.conductor.byhand import Holder, holders
from parallel_orchestra.errors import ExitCode
from parallel_orchestra.events import Claimed
from parallel_orchestra.process import identity
from parallel_orchestra.report.summary import LONG_LOCKED
from parallel_orchestra.report.text import one_line, span
from parallel_orchestra.states import TaskState
from parallel_orchestra.store import Layout, WorkerKind

_COLUMNS = ("TASK", "ATTEMPT", "STATE", "AGE", "PID", "HOST", "OWNER")


@dataclass(frozen=True, slots=True)
class Lock:
    """A held task: `state` is alive, dead, elsewhere or parked; ages in seconds.

    `since` is the epoch of the claim, as far as the journal knows, else of the last sign of
    life. `long` flags what is held for more than half an hour. `kind` is empty if the owner's
    record is lost.
    """

    task: str
    attempt: int
    owner: str
    kind: str
    pid: int | None
    host: str
    since: float
    age_sec: float
    beat_age_sec: float
    state: str
    reason: str
    long: bool


@click.command("locks", short_help="list who holds which task")
@tasks_dir_option
@json_option
@click.option(
    "--stale", is_flag=True, help="Only those of the dead, without an owner, or over 30 minutes."
)
def command(tasks_dir: Path | None, as_json: bool, stale: bool) -> int:
    """List who holds which task, and whether its owner is alive."""
    layout = Layout(found_tasks_dir(tasks_dir, Path.cwd()))
    found = locks(layout, time.time())
    if stale:
        found = [lock for lock in found if lock.long or lock.state in ("dead", "parked")]
    if as_json:
        click.echo(json.dumps([asdict(lock) for lock in found], indent=2))
    elif found:
        click.echo(table(found))
    else:
        click.echo("no task is locked" if not stale else "no lock is stale", err=True)
    return ExitCode.DONE


def locks(layout: Layout, now: float) -> list[Lock]:
    """Returns all held tasks by id, as they stand at `now` (epoch seconds)."""
    claims = {
        (event.task, event.attempt, writer): event.time
        for writer, event in journal.read(layout.journal)
        if isinstance(event, Claimed)
    }
    return [_lock(layout, holder, claims, now) for holder in holders(layout)]


def table(found: Sequence[Lock]) -> str:
    """Returns the locks as a table for people; the flagged ones say why below."""
    rows = [_COLUMNS, *(_row(lock) for lock in found)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(_COLUMNS))]
    lines = [
        "  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]
    for lock in found:
        if lock.reason:
            lines.append(one_line(f"{lock.task}: {lock.reason}"))
        if lock.long and lock.state != "dead":
            lines.append(f"{lock.task}: held for more than {span(LONG_LOCKED)}")
    return "\n".join(lines)


def _row(lock: Lock) -> tuple[str, ...]:
    pid = "-" if lock.pid is None else str(lock.pid)
    facts = (lock.task, str(lock.attempt), lock.state, span(lock.age_sec), pid)
    return (*facts, lock.host or "-", lock.owner or "-")


def _lock(
    layout: Layout, holder: Holder, claims: dict[tuple[str, int, str], float], now: float
) -> Lock:
    name, record = holder.entry.name, holder.record
    try:
        beat = (layout.state(TaskState.LOCKED) / name.file).stat().st_mtime
    except OSError:
        beat = now
    since = claims.get((name.task, name.attempts, name.owner), beat)
    age = max(0.0, now - since)
    return Lock(
        task=name.task,
        attempt=name.attempts,
        owner=name.owner,
        kind=record.kind if record else "",
        pid=record.pid if record else None,
        host=record.host if record else "",
        since=since,
        age_sec=round(age, 3),
        beat_age_sec=round(max(0.0, now - beat), 3),
        state=_state(holder),
        reason=holder.dead or ("" if name.owner else "locked by hand: move it to free it"),
        long=age > LONG_LOCKED,
    )


def _state(holder: Holder) -> str:
    if not holder.entry.name.owner:
        return "parked"
    if holder.dead:
        return "dead"
    record = holder.record
    manual = record is not None and record.kind == WorkerKind.MANUAL.value
    if record is not None and not manual and record.boot == identity.boot_id():
        return "alive" if record.pid_namespace == identity.pid_namespace() else "elsewhere"
    # A lease decides about those, and one look can't tell how much of it is left.
    return "elsewhere"
