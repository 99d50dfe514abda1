"""The live picture of a run: a pure function of where it stands, the time and the terminal's size.

Two lines on the whole run, then one for each running task. Knows nothing of terminals; whoever
shows it sees to that.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import field

from parallel_orchestra.cli.ink import UNICODE, Line, Piece, Signs, clipped, fitted, length
from parallel_orchestra.conductor import Snapshot
from parallel_orchestra.conductor.control import Running
from parallel_orchestra.frozen import frozen
from parallel_orchestra.report.text import one_line, span

#: The bar's columns at least and at most.
_LEAST_BAR, _MOST_BAR = 8, 40
#: Columns below which times are written as `1:05`.
_NARROW = 60
#: Columns that ids may take, as a share of the line.
_SHARE_OF_ID = 3
#: Lines that are left to what scrolls by above.
_MARGIN = 4
#: What numbers can do without where it is narrow: `6 run, 52 wait, 8 skip`.
_ENDING = re.compile(r"(?<=\d fail)ed|(?<=\d run)ning|(?<=\d wait)ing|(?<=\d skip)ped")
_PHASE = len("set-up")
_AGE = len("59 min 59 s")
_SHORT_AGE = len("59:59")


@frozen
class Sight:
    """What the snapshot does not say: what agents do and in which phase attempts are, by task.

    `left` are the seconds until the end as the schedule expects them, None where nobody knows;
    `cost` is in dollars.
    """

    doing: Mapping[str, str] = field(default_factory=dict)
    phases: Mapping[str, str] = field(default_factory=dict)
    left: float | None = None
    cost: float | None = None


NOTHING_SEEN = Sight()


def frame(
    snapshot: Snapshot,
    elapsed: float,
    now: float,
    width: int,
    height: int,
    sight: Sight = NOTHING_SEEN,
    signs: Signs = UNICODE,
) -> tuple[Line, ...]:
    """Returns the lines of the display, none wider than `width`, for a terminal of `height` lines.

    `elapsed` is the run's age in seconds, `now` an epoch.
    """
    room = max(1, height - _MARGIN - 2)
    running = sorted(snapshot.running, key=lambda one: one.slot)
    shown = running if len(running) <= room else running[: room - 1]
    lines = list(head(snapshot, elapsed, width, sight, signs))
    longest = max((len(one.task) for one in running), default=0)
    ids = min(longest, max(width // _SHARE_OF_ID, 8))
    lines += [_task(one, now, width, ids, sight, signs) for one in shown]
    if len(shown) < len(running):
        lines.append((Piece(f"    and {len(running) - len(shown)} more", "quiet"),))
    return tuple(clipped(line, width, signs) for line in lines)


def head(
    snapshot: Snapshot, elapsed: float, width: int, sight: Sight, signs: Signs
) -> tuple[Line, Line]:
    """Returns the two lines on the whole run: the bar with times, and the numbers."""
    return _progress(snapshot, elapsed, width, sight, signs), _counts(snapshot, width, sight)


def _progress(snapshot: Snapshot, elapsed: float, width: int, sight: Sight, signs: Signs) -> Line:
    total = max(snapshot.total, 1)
    # Nothing more comes of what is skipped: a run that has ended has a full bar.
    ended = min(snapshot.total, snapshot.done + snapshot.failed + snapshot.skipped)
    told = f" {ended}/{snapshot.total}  "
    age = age_words(elapsed, width)
    left = f", about {age_words(sight.left, width)} left" if sight.left is not None else ""
    if len(told) + len(age) + len(left) + _LEAST_BAR > width:
        left = f" ~{age_words(sight.left, width)}" if sight.left is not None else ""
    size = max(0, min(_MOST_BAR, width - len(told) - len(age) - len(left)))
    good = size * snapshot.done // total
    bad = min(size - good, -(-size * snapshot.failed // total))
    lost = max(0, size * ended // total - good - bad)
    return (
        Piece(signs.full * good, "good"),
        Piece(signs.full * bad, "bad"),
        Piece(signs.full * lost, "odd"),
        Piece(signs.rest * (size - good - bad - lost), "quiet"),
        Piece(told, "name"),
        Piece(f"{age}{left}"),
    )


def _counts(snapshot: Snapshot, width: int, sight: Sight) -> Line:
    running = snapshot.locked
    rest = max(0, snapshot.total - snapshot.done - snapshot.failed - running)
    skipped = min(rest, snapshot.skipped)
    pieces = [
        Piece(f"{snapshot.done} done", "good"),
        Piece(f"{snapshot.failed} failed", "bad" if snapshot.failed else "quiet"),
        Piece(
            f"{running} running"
            + (f" ({snapshot.elsewhere} elsewhere)" if snapshot.elsewhere else "")
        ),
        Piece(f"{rest - skipped} waiting", "quiet"),
    ]
    if skipped:
        pieces.append(Piece(f"{skipped} skipped", "odd"))
    if sight.cost is not None:
        pieces.append(Piece(f"${sight.cost:.2f}"))
    if snapshot.stopping:
        # In front of all: the line may be cut.
        pieces.insert(0, Piece("stopping: Ctrl-C ends all at once", "odd"))
    if length(tuple(_joined(pieces))) > width:
        pieces = [piece for piece in pieces if not piece.text.startswith("0 ")]
    if length(tuple(_joined(pieces))) > width:
        pieces = [Piece(_ENDING.sub("", piece.text), piece.look) for piece in pieces]
    return tuple(_joined(pieces))


def _joined(pieces: list[Piece]) -> Iterator[Piece]:
    for place, piece in enumerate(pieces):
        if place:
            yield Piece(", ")
        yield piece


def _task(one: Running, now: float, width: int, ids: int, sight: Sight, signs: Signs) -> Line:
    phase = sight.phases.get(one.task, "")
    age = age_words(max(0.0, now - one.since), width)
    again = f" {signs.again}{one.attempt}" if one.attempt > 1 else "   "
    room = _SHORT_AGE if width < _NARROW else _AGE
    return (
        Piece(f"{one.slot:>2} ", "quiet"),
        Piece(fitted(one_line(one.task), ids, signs), "name"),
        Piece(again, "odd"),
        Piece(f" {phase:<{_PHASE}} ", "act"),
        Piece(f"{age:>{room}}  "),
        Piece(one_line(sight.doing.get(one.task, ""))),
    )


def age_words(seconds: float, width: int) -> str:
    """Returns a duration to the second: what changes more often is drawn for nobody's eyes."""
    whole = int(seconds)
    if width >= _NARROW:
        return f"{whole} s" if whole < 60 else span(whole)
    hours, minutes = divmod(whole // 60, 60)
    return f"{hours}:{minutes:02d}:{whole % 60:02d}" if hours else f"{minutes}:{whole % 60:02d}"
