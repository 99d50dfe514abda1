"""Who did what when: a lane for each worker, a bar for each attempt, in percent of the width.

Pure; knows nothing of HTML.
"""

from collections import defaultdict
from collections.abc import Iterator

from parallel_orchestra.frozen import frozen
from parallel_orchestra.model import FailureClass, Phase
from parallel_orchestra.progress import Attempt, RunReport, TaskReport
from parallel_orchestra.report.html.scale import Mark, Scale
from parallel_orchestra.report.text import span

#: What an attempt is at before its first phase.
SET_UP = "set-up"
#: Lanes that are drawn; a run that was joined by more processes shows the busiest.
_LANES = 60
#: Rows of one worker at most, of which only the last has bars that overlap.
_ROWS = 8
#: Attempts up to which all are drawn; of more, those that went well would hide the others.
_ATTEMPTS = 4000
#: The least width of a bar, in percent, so that it can be seen and clicked.
_THINNEST = 0.15
#: Pixels that the beginning of a name needs, and a sign beside it; those of the whole chart on a desk.
_NAME, _SIGN, _DESK = 36, 18, 960
#: Pixels that a bar of the fullest lane has at least in the mean, and bounds for the whole width.
_ROOM, _NARROWEST, _WIDEST = 18, 620, 12_000
#: Ticks at least, and pixels for each of more.
_TICKS, _TICK = 8, 160


@frozen
class Piece:
    """A phase within a bar, in percent of the bar."""

    phase: str
    place: float
    width: float


@frozen
class Bar:
    """An attempt. `state` is `ok`, `failed`, `running` or `unseen`; `words` tell all of it.

    `named` if there is room for some of its name.
    """

    task: str
    state: str
    place: float
    width: float
    pieces: tuple[Piece, ...]
    words: str
    named: bool

    @property
    def judged(self) -> bool:
        """Whether QA looked at its work."""
        return any(piece.phase == Phase.QA.value for piece in self.pieces)

    @property
    def label(self) -> float:
        """Where its name has most room: the beginning of the widest piece."""
        return _label(self.pieces)


@frozen
class Lane:
    """A worker: `name` is short, `owner` the process."""

    name: str
    owner: str
    bars: tuple[Bar, ...]


@frozen
class Band:
    """A time in which something kept tasks from starting."""

    place: float
    width: float
    words: str


@frozen
class Timeline:
    """All lanes; `width` is the least in pixels, `left_out` how many lanes are not shown.

    `crowded` if there are so many attempts that those that went well are left out.
    """

    lanes: tuple[Lane, ...]
    bands: tuple[Band, ...]
    marks: tuple[Mark, ...]
    width: int
    left_out: int
    crowded: bool

    @property
    def judged(self) -> bool:
        """Whether QA looked at anything."""
        return any(bar.judged for lane in self.lanes for bar in lane.bars)


@frozen
class _Stretch:
    task: TaskReport
    attempt: Attempt
    begin: float
    end: float
    state: str


def timeline(report: RunReport) -> Timeline:
    """Returns the lanes of a run, in the order in which their workers began."""
    now = _latest(report)
    rows: dict[tuple[str, int, int], list[_Stretch]] = defaultdict(list)
    for one in sorted(_stretches(report, now), key=lambda one: one.begin):
        owner, slot = one.attempt.owner, one.attempt.slot
        # what people have in hand is not one after the other: each time the first free row
        row = 0
        while row < _ROWS and rows[owner, slot, row] and _overlap(rows[owner, slot, row][-1], one):
            row += 1
        rows[owner, slot, row].append(one)
    kept = {key: row for key, row in rows.items() if row}
    shown = sorted(kept, key=lambda key: -len(kept[key]))[:_LANES]
    times = [(one.begin, one.end) for key in shown for one in kept[key]]
    ends = [(at, at) for at in (report.started, report.ended) if at is not None and times]
    scale = Scale([*times, *ends])
    owners = {owner: number for number, owner in enumerate(dict.fromkeys(key[0] for key in kept))}
    fullest = max((len(kept[key]) for key in shown), default=0)
    width = min(max(_NARROWEST, fullest * _ROOM), _WIDEST)
    lanes = tuple(
        Lane(_name(key, owners), key[0], tuple(_bars(kept[key], scale, max(width, _DESK))))
        for key in kept
        if key in set(shown)
    )
    return Timeline(
        lanes=lanes,
        bands=tuple(_bands(report, scale, now)) if times else (),
        marks=tuple(scale.marks(max(_TICKS, width // _TICK))),
        width=width,
        left_out=len(kept) - len(lanes),
        crowded=_crowded(report),
    )


def _crowded(report: RunReport) -> bool:
    return sum(len(task.attempts) for task in report.tasks) > _ATTEMPTS


def _overlap(one: _Stretch, later: _Stretch) -> bool:
    return one.end > later.begin + 0.001


def _stretches(report: RunReport, now: float) -> Iterator[_Stretch]:
    crowded = _crowded(report)
    for task in report.tasks:
        if crowded and task.outcome.done and len(task.attempts) == 1:
            continue
        for attempt, heir in zip(task.attempts, (*task.attempts[1:], None), strict=False):
            if attempt.seconds is not None:
                end = attempt.started + attempt.seconds
            elif attempt.unseen:
                # nobody saw its end; it was over when the next one began
                end = _last_seen(attempt) if heir is None else heir.started
            else:
                end = now
            yield _Stretch(
                task, attempt, attempt.started, max(end, attempt.started), _state(report, attempt)
            )


def _last_seen(attempt: Attempt) -> float:
    return max([attempt.started, *(one.started for one in attempt.phases)])


def _latest(report: RunReport) -> float:
    """Returns the instant at which the picture was taken, as well as it can be told."""
    if report.ended is not None:
        return report.ended
    # since a run was killed nobody has been at work
    now = report.started if report.killed else report.seen
    attempts = (attempt for task in report.tasks for attempt in task.attempts)
    seen = (_last_seen(attempt) + (attempt.seconds or 0.0) for attempt in attempts)
    return max([report.started, now, *seen])


def _bars(row: list[_Stretch], scale: Scale, pixels: int) -> Iterator[Bar]:
    for one in row:
        place = scale.at(one.begin)
        width = max(scale.at(one.end) - place, _THINNEST)
        pieces = tuple(_pieces(one))
        room = width / 100 * (100 - _label(pieces)) / 100 * pixels
        signed = one.state in ("failed", "unseen")
        yield Bar(
            task=one.task.id,
            state=one.state,
            place=min(place, 100.0 - _THINNEST),
            width=width,
            pieces=pieces,
            words=_words(one),
            named=room > _NAME + signed * _SIGN,
        )


def _label(pieces: tuple[Piece, ...]) -> float:
    return max(pieces, key=lambda one: one.width).place if pieces else 0.0


def _state(report: RunReport, attempt: Attempt) -> str:
    if attempt.seconds is None:
        return "unseen" if attempt.unseen or report.killed else "running"
    return "failed" if attempt.failure else "ok"


def _parts(one: _Stretch) -> list[tuple[str, float, float]]:
    marks = [
        (phase.phase, min(max(phase.started, one.begin), one.end)) for phase in one.attempt.phases
    ]
    if marks:
        marks = [(SET_UP, one.begin), *marks]
    else:
        # it never came to its agent, or a version ran it that told of no phases
        failed = one.attempt.failure == FailureClass.ENVIRONMENT.value
        marks = [(SET_UP if failed else Phase.AGENT.value, one.begin)]
    ends = [begin for _, begin in marks[1:]] + [one.end]
    return [(phase, begin, end) for (phase, begin), end in zip(marks, ends, strict=True)]


def _pieces(one: _Stretch) -> Iterator[Piece]:
    whole = one.end - one.begin
    for phase, begin, end in _parts(one):
        if whole <= 0:
            yield Piece(phase, 0.0, 100.0)
            return
        if end > begin:
            yield Piece(phase, (begin - one.begin) / whole * 100, (end - begin) / whole * 100)


def _words(one: _Stretch) -> str:
    attempt = one.attempt
    how = {
        "ok": "went well",
        "failed": f"failed: {attempt.failure}",
        "running": "runs",
        "unseen": "nobody saw its end",
    }[one.state]
    words = f"{one.task.id}, attempt {attempt.number}: {how}, {span(one.end - one.begin)}"
    parts = _parts(one) if attempt.phases else []
    split = ", ".join(f"{phase} {span(end - begin)}" for phase, begin, end in parts)
    return f"{words} ({split})" if split else words


def _bands(report: RunReport, scale: Scale, now: float) -> Iterator[Band]:
    for wait in report.waits:
        end = now if wait.ended is None else wait.ended
        if end < report.started:
            continue
        place = scale.at(max(wait.started, report.started))
        why = f"usage limit of {wait.what}" if wait.what else "no task was started"
        words = f"{why} for {span(max(end - wait.started, 0.0))}: {wait.reason}"
        yield Band(place, max(scale.at(end) - place, 0.4), words)


def _name(key: tuple[str, int, int], owners: dict[str, int]) -> str:
    owner, slot, _ = key
    who = f"worker {slot}" if slot else "by hand"
    return f"{who} of {owner.partition('-')[0]}" if len(owners) > 1 else who
