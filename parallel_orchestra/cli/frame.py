"""The live picture of a run: a pure function of a snapshot, the time and the size of the terminal.

Knows nothing of rich or of terminals; whoever shows it sees to that.
"""

from collections.abc import Mapping
from types import MappingProxyType

from parallel_orchestra.conductor import Snapshot
from parallel_orchestra.report.text import cut, one_line, span

_BAR = 24
#: Columns below which the bar gives way to the numbers.
_ROOM_FOR_BAR = 60
#: Columns that a running task's line needs beside the id.
_BESIDE = 30
#: Lines that are left to what scrolls by above.
_MARGIN = 4


def frame(
    snapshot: Snapshot,
    elapsed: float,
    now: float,
    width: int,
    height: int,
    doing: Mapping[str, str] = MappingProxyType({}),
) -> tuple[str, ...]:
    """Returns the lines of the display: how far the run is, then one per running task.

    `elapsed` is the run's age in seconds, `now` an epoch, `doing` what agents do, by task; no line
    is longer than `width`.
    """
    room = max(1, height - _MARGIN)
    running = sorted(snapshot.running, key=lambda one: one.slot)
    # where it is narrow, an id is cut rather than its attempt and age
    longest = min(max((len(one.task) for one in running), default=0), max(width - _BESIDE, 8))
    lines = [_head(snapshot, elapsed, width)]
    for one in running[:room]:
        age = span(max(0.0, now - one.since))
        attempt = f"attempt {one.attempt}"
        act = one_line(doing.get(one.task, ""))
        line = (
            f"  {one.slot:>2}  {cut(one.task, longest):<{longest}}  {attempt:<10}  {age:<10}  {act}"
        )
        lines.append(line.rstrip())
    if len(running) > room:
        lines.append(f"      ... and {len(running) - room} more")
    elsewhere = snapshot.locked - len(running)
    if elsewhere > 0:
        lines.append(f"      {elsewhere} more in other processes")
    if snapshot.stopping:
        lines.append("stopping: running tasks may finish; Ctrl-C ends them at once")
    return tuple(cut(line if line.isascii() else one_line(line), max(width, 1)) for line in lines)


def _head(snapshot: Snapshot, elapsed: float, width: int) -> str:
    failed = f", {snapshot.failed} failed" if snapshot.failed else ""
    numbers = f"{snapshot.done} of {snapshot.total} done{failed}  {span(elapsed)}"
    if width < _ROOM_FOR_BAR:
        return numbers
    total = max(snapshot.total, 1)
    filled = _BAR * min(snapshot.done, total) // total
    return f"[{'#' * filled}{'-' * (_BAR - filled)}] {numbers}"
