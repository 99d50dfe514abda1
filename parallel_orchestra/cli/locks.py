"""`locks`: who holds which task, since when, and whether anybody is still there."""

import time
from collections.abc import Callable, Sequence
from pathlib import Path

import click

from parallel_orchestra import journal
from parallel_orchestra.cli.facts import told
from parallel_orchestra.cli.options import (
    json_option,
    layout_of,
    tasks_dir_option,
    wait_option,
)
from parallel_orchestra.conductor.byhand.holding import Holder, holders
from parallel_orchestra.errors import ExitCode
from parallel_orchestra.events import Claimed
from parallel_orchestra.frozen import frozen
from parallel_orchestra.progress import Silence
from parallel_orchestra.report.silence import silence
from parallel_orchestra.report.summary import LONG_LOCKED
from parallel_orchestra.report.text import one_line, span
from parallel_orchestra.states import TaskState
from parallel_orchestra.store import Layout
from parallel_orchestra.store.life import silence_of
from parallel_orchestra.store.liveness import Life

_COLUMNS = ("TASK", "ATTEMPT", "STATE", "AGE", "BEAT", "PID", "HOST", "OWNER")


@frozen
class Lock:
    """A held task: `state` is alive, dead, elsewhere or parked; ages in seconds.

    `since` is the epoch of the claim, as far as the journal knows, else of the last sign of
    life. `long` flags what is held for more than half an hour. `kind` is empty if the owner's
    record is lost. `lease_left_sec` is for how long a claim by hand holds, if that is known.
    `silence` is that of its agent, None if it works.
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
    lease_left_sec: float | None
    silence: Silence | None = None


@click.command("locks", short_help="list who holds which task")
@tasks_dir_option
@json_option
@wait_option
@click.option(
    "--stale", is_flag=True, help="Only those of the dead, without an owner, or over 30 minutes."
)
def command(tasks_dir: Path | None, as_json: bool, wait: float, stale: bool) -> int:
    """List who holds which task, whether its owner is alive, and why we think so.

    Of an owner on another machine or in another container one look can't tell: watch it with
    `--wait` for as long as its lease, 60 seconds, or 150 on a network file system.
    """
    layout = layout_of(tasks_dir)
    found = locks(layout, time.time, wait)
    if stale:
        found = [lock for lock in found if lock.long or lock.state in ("dead", "parked")]
    if as_json:
        click.echo(told(found))
    elif found:
        click.echo(table(found))
    else:
        click.echo("no task is locked" if not stale else "no lock is stale", err=True)
    return ExitCode.DONE


def locks(layout: Layout, clock: Callable[[], float], wait: float = 0.0) -> list[Lock]:
    """Returns all held tasks by id; `clock` gives epoch seconds, for their ages.

    Owners out of sight are watched for `wait` seconds at most.
    """
    found = holders(layout, wait)
    claims = {
        (event.task, event.attempt, writer): event.time
        for writer, event in journal.read(layout.journal)
        if isinstance(event, Claimed)
    }
    now = clock()
    return [_lock(layout, holder, claims, now) for holder in found]


def table(found: Sequence[Lock]) -> str:
    """Returns the locks as a table for people; the flagged ones say why below."""
    rows = [_COLUMNS, *(_row(lock) for lock in found)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(_COLUMNS))]
    lines = [
        "  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]
    for lock in found:
        lines.append(one_line(f"{lock.task}: {lock.reason}"))
        if lock.silence is not None and lock.state != "dead":
            lines.append(f"{lock.task}: {silence(lock.silence, lock.since + lock.age_sec)}")
        if lock.long and lock.state != "dead":
            lines.append(f"{lock.task}: held for more than {span(LONG_LOCKED)}")
    return "\n".join(lines)


def _row(lock: Lock) -> tuple[str, ...]:
    pid = "-" if lock.pid is None else str(lock.pid)
    ages = (span(lock.age_sec), span(lock.beat_age_sec))
    facts = (lock.task, str(lock.attempt), lock.state, *ages, pid)
    return (*facts, lock.host or "-", lock.owner or "-")


def _lock(
    layout: Layout, holder: Holder, claims: dict[tuple[str, int, str], float], now: float
) -> Lock:
    name, record, verdict = holder.entry.name, holder.record, holder.verdict
    try:
        beat = (layout.state(TaskState.LOCKED) / name.file).stat().st_mtime
    except OSError:
        beat = now
    since = claims.get((name.task, name.attempts, name.owner), beat)
    age, quiet = max(0.0, now - since), max(0.0, now - beat)
    reason = verdict.reason
    if verdict.life is Life.ELSEWHERE:
        reason += f"; the last one is {span(quiet)} old by our clock"
    return Lock(
        task=name.task,
        attempt=name.attempts,
        owner=name.owner,
        kind=record.kind if record else "",
        pid=record.pid if record else None,
        host=record.host if record else "",
        since=since,
        age_sec=round(age, 3),
        beat_age_sec=round(quiet, 3),
        state=verdict.life.value,
        reason=reason,
        long=age > LONG_LOCKED,
        lease_left_sec=None if verdict.left is None else round(verdict.left, 3),
        silence=silence_of(layout.attempt(name.task, name.attempts, name.owner)),
    )
