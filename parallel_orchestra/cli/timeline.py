"""`timeline`: which worker was at which task when, as lanes of a terminal; changes nothing."""

import os
import shutil
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import click

from parallel_orchestra.cli.facts import told
from parallel_orchestra.cli.ink import (
    ASCII,
    Line,
    Piece,
    Signs,
    columns,
    fitted,
    painted,
    signs_for,
)
from parallel_orchestra.cli.options import json_option, tasks_dir_of, tasks_dir_option
from parallel_orchestra.cli.standing import read
from parallel_orchestra.cli.tints import colored
from parallel_orchestra.errors import ExitCode
from parallel_orchestra.frozen import frozen
from parallel_orchestra.progress import Attempt, RunReport
from parallel_orchestra.report.text import span
from parallel_orchestra.store import Layout

#: Columns of a lane at least; those of its name at most.
_LEAST, _NAME = 16, 20
#: Columns where nobody has a window of a certain width.
_WIDE = 100


@frozen
class Stay:
    """An attempt in a lane: seconds after the beginning of the run, `state` as in `_STATES`.

    `phases` are what it was at and from when, as far as that was told.
    """

    task: str
    attempt: int
    begin: float
    end: float
    state: str
    failure: str
    phases: tuple[tuple[str, float], ...] = ()


@frozen
class Lane:
    """A worker with its attempts in order of time; slot 0 is a person."""

    owner: str
    slot: int
    stays: tuple[Stay, ...]


#: The look of each state.
_STATES = {"good": "good", "failed": "bad", "running": "act", "unseen": "odd"}
#: What fills an attempt while it is at something; what is not told is taken for the agent.
_FILLS = {"set-up": "░", "agent": "█", "verify": "▓", "qa": "▒", "merge": "▄"}
_PLAIN_FILLS = {"set-up": ".", "agent": "#", "verify": "=", "qa": "?", "merge": "+"}


@click.command(
    "timeline",
    short_help="draw which worker was at which task when",
)
@click.argument("plan", type=click.Path(path_type=Path), required=False)
@tasks_dir_option
@json_option
def command(plan: Path | None, tasks_dir: Path | None, as_json: bool) -> int:
    """Draw a lane for each worker, and in it its attempts, from the first claim until now.

    A task's name stands at the beginning of its attempt, as far as there is room, and then what it was
    at: set-up, agent, verify, QA, merge. What is not filled is time in which a worker had nothing to do.
    """
    layout = Layout(tasks_dir_of(plan, tasks_dir, Path.cwd()))
    report = read(layout)
    found = lanes(report, None if report.killed else time.time())
    if as_json:
        click.echo(told(found))
        return ExitCode.DONE
    if not found:
        click.echo("no task was begun yet", err=True)
        return ExitCode.DONE
    width = shutil.get_terminal_size().columns if sys.stdout.isatty() else _WIDE
    color = colored(sys.stdout, os.environ)
    for line in drawn(found, width, signs_for(sys.stdout.encoding)):
        click.echo(painted(line, color=color), color=color)
    return ExitCode.DONE


def lanes(report: RunReport, now: float | None) -> tuple[Lane, ...]:
    """Returns who did what when, until `now` (epoch); the process that began first comes first.

    `now` is None for a run that was killed: how long its last attempts took, nobody knows.
    """
    attempts = [(task.id, one) for task in report.tasks for one in task.attempts]
    if not attempts:
        return ()
    zero = min(one.started for _, one in attempts)
    latest = max(one.started + (one.seconds or 0.0) for _, one in attempts)
    found: dict[tuple[str, int], list[Stay]] = {}
    for task, one in sorted(attempts, key=lambda pair: pair[1].started):
        stay = _stay(task, one, zero, now, latest)
        found.setdefault((one.owner, one.slot), []).append(stay)
    order = list(dict.fromkeys(owner for owner, _ in found))
    slots = sorted(found, key=lambda lane: (order.index(lane[0]), lane[1]))
    return tuple(Lane(*lane, tuple(found[lane])) for lane in slots)


def drawn(found: Sequence[Lane], width: int, signs: Signs) -> Iterator[Line]:
    """Yields the lanes in so many columns, a line with times and one that tells the signs."""
    owners = {lane.owner for lane in found}
    names = [_name(lane, alone=len(owners) == 1) for lane in found]
    label = min(max(map(columns, names)), _NAME)
    room = max(width - label - 2, _LEAST)
    whole = max(stay.end for lane in found for stay in lane.stays) or 1.0
    for name, lane in zip(names, found, strict=True):
        yield (Piece(f"{fitted(name, label, signs)}  ", "quiet"), *_bar(lane, room, whole, signs))
    end = span(whole)
    middle = span(whole / 2)
    gap = room // 2 - 1 - len(middle) // 2
    ruler = f"0{' ' * gap}{middle}"
    yield (
        Piece(" " * (label + 2)),
        Piece(ruler + " " * max(1, room - len(ruler) - len(end)) + end, "quiet"),
    )
    yield (Piece(" " * (label + 2)), *_legend(found, signs))


def _legend(found: Sequence[Lane], signs: Signs) -> Iterator[Piece]:
    stays = [stay for lane in found for stay in lane.stays]
    fills, told = _fills(signs), {phase for stay in stays for phase, _ in _phases(stay)}
    words = [(fills[phase], "", phase) for phase in fills if phase in told]
    states = {stay.state for stay in stays}
    words += [
        (_end_sign(state, signs), look, state)
        for state, look in _STATES.items()
        if state in states and _end_sign(state, signs)
    ]
    for sign, look, word in words:
        yield Piece(sign, look)
        yield Piece(f" {word}   ")


def _stay(task: str, one: Attempt, zero: float, now: float | None, latest: float) -> Stay:
    begin = one.started - zero
    if one.seconds is not None:
        state = "failed" if one.failure else "good"
        end = begin + one.seconds
        return Stay(task, one.number, begin, end, state, one.failure, _told(one, zero))
    if one.unseen:
        return Stay(task, one.number, begin, begin, "unseen", "")
    if now is None:
        # as long as anybody was seen to be at work
        return Stay(task, one.number, begin, latest - zero, "unseen", "", _told(one, zero))
    return Stay(task, one.number, begin, max(begin, now - zero), "running", "", _told(one, zero))


def _told(one: Attempt, zero: float) -> tuple[tuple[str, float], ...]:
    return tuple((stretch.phase, stretch.started - zero) for stretch in one.phases)


def _phases(stay: Stay) -> tuple[tuple[str, float], ...]:
    """Returns what an attempt was at, from its beginning on."""
    if not stay.phases:
        return (("agent", stay.begin),)
    first = stay.phases[0]
    return stay.phases if first[1] <= stay.begin else (("set-up", stay.begin), *stay.phases)


def _name(lane: Lane, *, alone: bool) -> str:
    who = f"worker {lane.slot}" if lane.slot else "by hand"
    # host-pid-nonce: the process is what tells workers of one machine apart
    return who if alone else f"{who} {lane.owner.rsplit('-', 1)[0]}"


def _fills(signs: Signs) -> dict[str, str]:
    return _PLAIN_FILLS if signs == ASCII else _FILLS


def _end_sign(state: str, signs: Signs) -> str:
    """Returns what an attempt ends with that did not end well, so that no colour is needed."""
    return {"failed": signs.bad, "running": signs.runs, "unseen": "?"}.get(state, "")


def _bar(lane: Lane, room: int, whole: float, signs: Signs) -> Iterator[Piece]:
    at = 0
    for stay in lane.stays:
        begin = max(at, int(stay.begin / whole * room))
        end = max(begin + 1, min(room, round(stay.end / whole * room)))
        if begin >= room:
            return
        if begin > at:
            yield Piece(" " * (begin - at))
        size, look = end - begin, _STATES[stay.state]
        sign = _end_sign(stay.state, signs)
        name = stay.task if columns(stay.task) + len(sign) < size else ""
        yield Piece(name, "name")
        drawn_by = (
            _fill_at(stay, (begin + column) / room * whole, signs) for column in range(size)
        )
        yield Piece("".join(drawn_by)[columns(name) : size - len(sign)], look)
        yield Piece(sign, look)
        at = end


def _fill_at(stay: Stay, second: float, signs: Signs) -> str:
    """Returns the sign of what an attempt was at in a column that begins at that second."""
    begun = [phase for phase, begin in _phases(stay) if begin <= second]
    fills = _fills(signs)
    return fills.get(begun[-1] if begun else _phases(stay)[0][0], fills["agent"])
