"""The window of `watch`: a head, a list of tasks, a pane and the keys. Pure: values in, lines out."""

from collections.abc import Mapping, Sequence
from dataclasses import field

from parallel_orchestra.cli.frame import Sight, age_words, head
from parallel_orchestra.cli.ink import Line, Piece, Signs, clipped, fitted, length, wrapped
from parallel_orchestra.cli.watch.state import Pane, View
from parallel_orchestra.conductor import Snapshot
from parallel_orchestra.frozen import frozen
from parallel_orchestra.progress import Outcome, RunReport, TaskReport
from parallel_orchestra.report.figures import verdict
from parallel_orchestra.report.text import one_line

#: Columns from which the pane stands beside the list, not below it.
_BESIDE = 110
_HINTS = "q quit  ? keys  j/k task  l log  d diff  r result  u usage  tab  enter"
_DESERTED = "deserted"
#: The order of the list, and how each outcome looks.
_ORDER = (
    Outcome.RUNNING,
    Outcome.FAILED,
    Outcome.MISSING,
    Outcome.WAITING,
    Outcome.SKIPPED,
    Outcome.SUCCEEDED,
    Outcome.RESUMED,
    Outcome.BY_HAND,
)
_LOOKS = {
    Outcome.RUNNING: "act",
    Outcome.FAILED: "bad",
    Outcome.MISSING: "bad",
    Outcome.WAITING: "quiet",
    Outcome.SKIPPED: "odd",
}


@frozen
class Seen:
    """What there is to see: the run, what its agents do by task, and the lines of the pane."""

    report: RunReport
    doing: Mapping[str, str] = field(default_factory=dict)
    lines: Sequence[Line] = ()


def listed(report: RunReport) -> tuple[TaskReport, ...]:
    """Returns the tasks as they are listed: who runs first, then who needs a person."""
    return tuple(sorted(report.tasks, key=lambda task: _ORDER.index(task.outcome)))


def window(
    seen: Seen, view: View, now: float, width: int, height: int, signs: Signs
) -> tuple[View, tuple[Line, ...]]:
    """Returns the lines of the window, and the view with what it learned of the window's size."""
    top = _head(seen, now, width, signs)
    room = max(3, height - len(top) - 1)
    if view.whole:
        view, pane = _pane(seen, view, width, room, signs)
        body = list(pane)
    elif width >= _BESIDE:
        left = width * 2 // 5
        view, pane = _pane(seen, view, width - left - 3, room, signs)
        body = _beside(_list(seen, view, now, left, room, signs), pane, left, room, signs)
    else:
        rows = min(len(seen.report.tasks), max(3, room // 2))
        view, pane = _pane(seen, view, width, max(1, room - rows), signs)
        body = [*_list(seen, view, now, width, rows, signs), *pane]
    hints = (Piece(_HINTS, "quiet"),)
    lines = (*top, *body[:room], *[()] * (room - len(body)), hints)
    return view, tuple(clipped(line, width, signs) for line in lines)[-height:]


def _head(seen: Seen, now: float, width: int, signs: Signs) -> list[Line]:
    report = seen.report
    running = report.count(Outcome.RUNNING)
    end = report.ended if report.ended is not None else now
    outlook = report.outlook if report.ended is None and not seen.report.killed else None
    sight = Sight(
        left=outlook.seconds if outlook is not None and outlook.told else None,
        cost=report.cost_usd,
    )
    failed, skipped = report.count(Outcome.FAILED), report.count(Outcome.SKIPPED, Outcome.MISSING)
    shot = Snapshot(report.completed, failed, running, report.total, (), False, skipped=skipped)
    bar, numbers = head(shot, max(0.0, end - report.started), width, sight, signs)
    name = Piece(one_line(report.name) or report.run, "name")
    return [(name, Piece(f"  {_standing(seen)}", "odd")), bar, numbers]


def _standing(seen: Seen) -> str:
    report = seen.report
    if report.killed:
        return f"killed: {report.killed}; `parallel-orchestra status` says how to go on"
    return f"paused {report.paused}" if report.paused and report.ended is None else verdict(report)


def _list(seen: Seen, view: View, now: float, width: int, rows: int, signs: Signs) -> list[Line]:
    tasks = listed(seen.report)
    place = next((n for n, task in enumerate(tasks) if task.id == view.task), 0)
    first = max(0, min(place - rows // 2, len(tasks) - rows))
    ids = min(max((len(task.id) for task in tasks), default=0), max(8, width // 3))
    return [
        _row(
            task, seen, now, width, ids, signs, chosen=task.id == view.task, focus=not view.in_pane
        )
        for task in tasks[first : first + rows]
    ]


def _row(
    task: TaskReport,
    seen: Seen,
    now: float,
    width: int,
    ids: int,
    signs: Signs,
    *,
    chosen: bool,
    focus: bool,
) -> Line:
    running = task.outcome is Outcome.RUNNING and not seen.report.killed
    look = _LOOKS.get(task.outcome, "good")
    word = _phase(task) if running else ""
    since = task.attempts[-1].started if running and task.attempts else None
    seconds = now - since if since is not None else task.seconds
    age = age_words(max(0.0, seconds), width) if task.attempts else ""
    told = seen.doing.get(task.id, "") if running else _why(task)
    if task.outcome is Outcome.RUNNING and seen.report.killed:
        word, look, told = _DESERTED, "bad", "whoever goes on with the run has it"
    line = (
        Piece(signs.arrow if chosen and focus else " ", "name"),
        Piece(f"{signs.bad if word == _DESERTED else _sign(task, signs)} ", look),
        Piece(fitted(task.id, ids, signs), "chosen" if chosen else "name"),
        Piece(f" {word or task.outcome.value:<9}", look),
        Piece(f" {age:>11}  " if width >= 60 else f" {age:>5} "),
        Piece(one_line(told), "" if running else "quiet"),
    )
    return clipped(line, width, signs)


def _phase(task: TaskReport) -> str:
    """Returns what the last attempt is at."""
    phases = task.attempts[-1].phases if task.attempts else ()
    return phases[-1].phase if phases else "set-up"


def _why(task: TaskReport) -> str:
    if task.outcome is Outcome.FAILED:
        return f"{task.failure}: {task.reason}"
    return task.reason or (task.cause.words if task.cause is not None else "")


def _sign(task: TaskReport, signs: Signs) -> str:
    if task.outcome.done:
        return signs.good
    if task.outcome in (Outcome.FAILED, Outcome.MISSING):
        return signs.bad
    return signs.runs if task.outcome is Outcome.RUNNING else signs.waits


def _pane(seen: Seen, view: View, width: int, room: int, signs: Signs) -> tuple[View, list[Line]]:
    body = max(1, room - 1)
    # A diff is read by its columns, all else by its words.
    whole = seen.lines if view.pane is Pane.DIFF else _rows(seen.lines, width)
    view, first = view.part(len(whole), body)
    side = signs.box[4]
    name = f"{view.task} " if view.pane is not Pane.HELP else ""
    title = f"{side}{side} {name}{view.pane.value} "
    more = len(whole) - first - body
    place = f" {first + 1}-{first + min(body, len(whole))} of {len(whole)} "
    place = place if more > 0 or first else ""
    filling = side * max(0, width - len(title) - len(place))
    bar = (Piece(title, "name" if view.in_pane else "quiet"), Piece(filling + place, "quiet"))
    shown = [clipped(line, width, signs) for line in whole[first : first + body]]
    return view, [bar, *shown]


def _rows(lines: Sequence[Line], width: int) -> list[Line]:
    return [row for line in lines for row in wrapped(line, width)]


def _beside(left: list[Line], right: list[Line], width: int, rows: int, signs: Signs) -> list[Line]:
    lines = []
    for row in range(rows):
        one = left[row] if row < len(left) else ()
        other = right[row] if row < len(right) else ()
        gap = Piece(" " * (width - length(one)))
        lines.append((*one, gap, Piece(f" {signs.box[5]} ", "quiet"), *other))
    return lines
