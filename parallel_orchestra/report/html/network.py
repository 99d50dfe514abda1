"""The tasks of a run as a drawing: boxes and arrows, or of many tasks a row of cells per level.

Pure; knows nothing of HTML. Lengths are in pixels.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import pairwise

from parallel_orchestra.frozen import frozen
from parallel_orchestra.graph import Graph
from parallel_orchestra.plain import cut, one_line
from parallel_orchestra.progress import RunReport, TaskReport
from parallel_orchestra.report.html.levels import Item, levels_of, places, without_shortcuts
from parallel_orchestra.report.html.states import State, state_of

#: Boxes, and boxes with passing arrows, up to which a drawing can be read.
_MOST_BOXES, _MOST_ITEMS = 120, 700
#: Rows of cells, and cells in a line of a row.
_MOST_ROWS, _CELLS = 40, 50
_BOX_HEIGHT, _BETWEEN, _EDGE = 32, 56, 6
_LETTER, _AROUND, _NARROWEST, _WIDEST = 7.3, 44, 96, 216
#: The least width of the boxes without arrows, and the room between them.
_LEAST_GRID, _GAP = 640, 14
_CELL = 15


@frozen
class Box:
    """A task, with its upper left corner."""

    task: str
    label: str
    words: str
    state: State
    critical: bool
    x: float
    y: float


@frozen
class Arrow:
    """From a task to one that needs it, as a path of SVG."""

    path: str
    critical: bool


@frozen
class Drawing:
    """A graph that can be read."""

    boxes: tuple[Box, ...]
    arrows: tuple[Arrow, ...]
    width: float
    height: float
    box_width: float
    box_height: float = _BOX_HEIGHT


@frozen
class Row:
    """The tasks of some levels as cells; `y` is its top, `words` say which and how many."""

    words: str
    cells: tuple[Box, ...]
    y: float


@frozen
class Levels:
    """A graph of which only the levels can be shown."""

    rows: tuple[Row, ...]
    width: float
    height: float
    cell: int = _CELL


@frozen
class Network:
    """A run's graph: either drawing is None; `critical` is the longest chain that was seen."""

    critical: tuple[str, ...]
    drawing: Drawing | None
    levels: Levels | None


def network(report: RunReport) -> Network:
    """Returns the drawing of a run's tasks; none if no task needs another."""
    tasks = {task.id: task for task in report.tasks}
    graph = Graph.of(_known(tasks))
    seconds = {task.id: task.seconds for task in report.tasks}
    critical = graph.critical_path(seconds) if any(graph.dependencies.values()) else ()
    needs = {task: graph.dependencies[task] for task in graph.order}
    if not critical:
        return Network((), None, None)
    if len(tasks) <= _MOST_BOXES:
        drawing = _drawn(tasks, without_shortcuts(needs), critical)
        if drawing is not None:
            return Network(critical, drawing, None)
    return Network(critical, None, _leveled(tasks, needs, frozenset(critical)))


def _known(tasks: Mapping[str, TaskReport]) -> list[TaskReport]:
    """Returns the tasks without needs that are no tasks of the run."""
    return [
        replace(task, depends_on=tuple(one for one in task.depends_on if one in tasks))
        for task in tasks.values()
    ]


def _drawn(
    tasks: Mapping[str, TaskReport], needs: Mapping[str, Sequence[str]], critical: Sequence[str]
) -> Drawing | None:
    linked = {one for task in needs for one in needs[task]} | {one for one in needs if needs[one]}
    alone = [task for task in needs if task not in linked]
    needs = {task: needs[task] for task in needs if task in linked}
    level = levels_of(needs)
    passing = sum(level[task] - level[one] - 1 for task in needs for one in needs[task])
    if len(tasks) + passing > _MOST_ITEMS:
        return None
    found = places(needs)
    longest = max(len(task) for task in tasks)
    width = min(max(longest * _LETTER + _AROUND, _NARROWEST), _WIDEST)
    chain = frozenset(pairwise(critical))
    wide = 2 * _EDGE + found.levels * (width + _BETWEEN) - _BETWEEN
    columns = max(int((max(wide, _LEAST_GRID) - 2 * _EDGE + _GAP) / (width + _GAP)), 1)
    apart = tuple(
        _box(
            tasks[task],
            task in set(critical),
            _EDGE + place % columns * (width + _GAP),
            found.height + _GAP + (place // columns + 0.5) * (_BOX_HEIGHT + _GAP),
            width,
        )
        for place, task in enumerate(alone)
    )
    boxes = tuple(
        _box(tasks[item], item in set(critical), _EDGE + at * (width + _BETWEEN), y, width)
        for item, (at, y) in found.spots.items()
        if isinstance(item, str)
    )
    arrows = tuple(
        Arrow(_path(route, found.spots, width), (route[0], route[-1]) in chain)
        for route in found.routes
    )
    return Drawing(
        boxes=boxes + apart,
        # the critical ones last: they lie above the others
        arrows=tuple(sorted(arrows, key=lambda one: one.critical)),
        width=max(wide, *(one.x + width + _EDGE for one in apart), 0.0),
        height=max(found.height, *(one.y + _BOX_HEIGHT for one in apart), 0.0) + 2 * _EDGE,
        box_width=width,
    )


def _box(task: TaskReport, critical: bool, x: float, y: float, width: float) -> Box:
    label = one_line(task.id)
    room = max(int((width - _AROUND) / _LETTER + 0.01), 1)
    if len(label) > room:
        # ids often differ at their ends
        half = max((room - 1) // 2, 1)
        label = f"{label[: room - 1 - half]}…{label[-half:]}"
    return Box(
        task=task.id,
        label=label,
        words=_words(task),
        state=state_of(task.outcome),
        critical=critical,
        x=x,
        y=_EDGE + y - _BOX_HEIGHT / 2,
    )


def _words(task: TaskReport) -> str:
    title = f" ({cut(one_line(task.title), 80)})" if task.title else ""
    return f"{task.id}{title}: {task.outcome.value}"


def _path(route: Sequence[Item], spots: Mapping[Item, tuple[int, float]], width: float) -> str:
    bend = _BETWEEN / 2
    words = ""
    for before, after in pairwise(route):
        at, y0 = spots[before]
        x0 = _EDGE + at * (width + _BETWEEN) + width
        y0, y1 = y0 + _EDGE, spots[after][1] + _EDGE
        x1 = x0 + _BETWEEN
        if not words:
            words = f"M{x0:.0f} {y0:.1f}"
        words += f"C{x0 + bend:.0f} {y0:.1f} {x1 - bend:.0f} {y1:.1f} {x1:.0f} {y1:.1f}"
        if isinstance(after, tuple):
            words += f"h{width:.0f}"
    return words


def _leveled(
    tasks: Mapping[str, TaskReport], needs: Mapping[str, Sequence[str]], critical: frozenset[str]
) -> Levels:
    level = levels_of(needs)
    count = max(level.values()) + 1
    each = -(-count // _MOST_ROWS)
    rows, top = [], 0.0
    for first in range(0, count, each):
        here = [tasks[task] for task in needs if first <= level[task] < first + each]
        last = min(first + each, count)
        name = f"level {last}" if each == 1 else f"levels {first + 1} to {last}"
        lines = -(-len(here) // _CELLS)
        cells = tuple(
            Box(
                task=task.id,
                label="",
                words=_words(task),
                state=state_of(task.outcome),
                critical=task.id in critical,
                x=place % _CELLS * _CELL,
                y=top + 18 + place // _CELLS * _CELL,
            )
            for place, task in enumerate(here)
        )
        rows.append(Row(f"{name}: {_counted(here)}", cells, top))
        top += 18 + lines * _CELL + 8
    return Levels(tuple(rows), _CELLS * _CELL, top)


def _counted(tasks: Sequence[TaskReport]) -> str:
    counts: dict[str, int] = {}
    for task in tasks:
        counts[task.outcome.value] = counts.get(task.outcome.value, 0) + 1
    return ", ".join(f"{number} {word}" for word, number in counts.items())
