"""A run as Mermaid draws it, on GitHub among others: who did what when, and what waits for what.

Mermaid draws no text of more than 50,000 characters and no more than 500 arrows (`maxTextSize`,
`maxEdges`), and says only that it can't; so what would be too much is not given to it.
"""

from collections.abc import Iterable, Iterator
from itertools import groupby

from parallel_orchestra.progress import Attempt, Outcome, RunReport, TaskReport
from parallel_orchestra.report.drawing import mermaid_words

_MOST_CHARS = 45_000
_MOST_ARROWS = 500
#: Bars that a reader still tells apart.
_MOST_BARS = 300
_LONGEST_TITLE = 60

_CLASSES = {
    Outcome.SUCCEEDED: "done",
    Outcome.RESUMED: "done",
    Outcome.BY_HAND: "done",
    Outcome.FAILED: "failed",
    Outcome.RUNNING: "running",
}
_COLOURS = (
    "    classDef done fill:#d4edda,stroke:#2b7a3d,color:#1b1b1b",
    "    classDef failed fill:#f8d7da,stroke:#b02a37,color:#1b1b1b,stroke-width:3px",
    "    classDef running fill:#cfe2ff,stroke:#0b5ed7,color:#1b1b1b",
    "    classDef open fill:#e9ecef,stroke:#6c757d,color:#1b1b1b,stroke-dasharray:4 3",
)


def timeline(report: RunReport) -> tuple[str, int]:
    """Returns the attempts that ended as a chart, a section per worker, and how many it lacks.

    "" if there are none. Of too many the longest are drawn. Failed ones are red.
    """
    bars = [(task, one) for task in report.tasks for one in task.attempts if one.seconds]
    bars.sort(key=lambda bar: -(bar[1].seconds or 0.0))
    most = min(len(bars), _MOST_BARS)
    while most:
        text = "\n".join(_chart(bars[:most])) + "\n"
        if len(text) <= _MOST_CHARS:
            return text, len(bars) - most
        most //= 2
    return "", 0


def graph(report: RunReport) -> str:
    """Returns the tasks as a flowchart with their states; "" if that is too much for Mermaid."""
    arrows = sum(len(task.depends_on) for task in report.tasks)
    if not arrows or arrows > _MOST_ARROWS:
        return ""
    names = {task.id: f"t{number}" for number, task in enumerate(report.tasks)}
    lines = ["flowchart LR"]
    lines += [f"    {names[task.id]}{_node(task)}" for task in report.tasks]
    lines += [
        f"    {names[need]} --> {names[task.id]}"
        for task in report.tasks
        for need in task.depends_on
        if need in names
    ]
    text = "\n".join((*lines, *_COLOURS)) + "\n"
    return text if len(text) <= _MOST_CHARS else ""


def _chart(bars: Iterable[tuple[TaskReport, Attempt]]) -> Iterator[str]:
    yield from ("gantt", "    dateFormat x", "    axisFormat %H:%M:%S")
    by_worker = sorted(bars, key=lambda bar: (bar[1].owner, bar[1].slot, bar[1].started))
    owners = {one.owner: None for _, one in by_worker}
    numbers = {owner: number for number, owner in enumerate(owners, start=1)}
    for (owner, slot), own in groupby(by_worker, key=lambda bar: (bar[1].owner, bar[1].slot)):
        where = f" of process {numbers[owner]}" if len(numbers) > 1 else ""
        yield f"    section {f'worker {slot}' if slot else 'by hand'}{where}"
        for task, one in own:
            again = f" ({one.number})" if one.number > 1 else ""
            # `crit` is red
            tag = "crit" if one.failure else "done"
            begin = round(one.started * 1000)
            end = begin + max(1, round((one.seconds or 0.0) * 1000))
            # without a sign in front, a task called `title` or `click` would be read as that
            yield f"    • {task.id}{again} :{tag}, {begin}, {end}"


def _node(task: TaskReport) -> str:
    title = task.title if len(task.title) <= _LONGEST_TITLE else task.title[:_LONGEST_TITLE] + "…"
    words = [mermaid_words(text) for text in (task.id, title) if text]
    label = "<br/>".join((*words, task.outcome.value))
    return f'["{label}"]:::{_CLASSES.get(task.outcome, "open")}'
