"""What lies ahead of a plan or of the rest of a run: workers, critical path, expected duration."""

from collections.abc import Iterator
from typing import Any

from parallel_orchestra.report.text import clean, counted, instant, span
from parallel_orchestra.schedule import Cause, Outlook
from parallel_orchestra.schedule.usage_limits import Limit

_NAMED = 20


def ahead(outlook: Outlook) -> Iterator[str]:
    """Yields a line each on the workers, on the longest chain that is left, on how long it takes.

    Nothing where no task is left.
    """
    if not outlook.path:
        return
    width = counted(outlook.width, "task")
    many = f"workers: {outlook.workers}, and at most {width} can run at once"
    yield f"{many}: more workers than that are of no use" if too_many(outlook) else many
    length = counted(len(outlook.path), "task")
    if outlook.known or outlook.told:
        length += f", about {span(outlook.path_seconds)}"
    path = outlook.path
    shown = path if len(path) <= _NAMED else (*path[: _NAMED - 1], "...", path[-1])
    yield f"critical path: {length}: {' -> '.join(shown)}"
    yield f"expected: {_expected(outlook)}"


def too_many(outlook: Outlook) -> bool:
    """Returns whether there are more workers than tasks that can ever run at once."""
    return outlook.workers > outlook.width


def outlook_record(outlook: Outlook) -> dict[str, Any]:
    """Returns the outlook as JSON; seconds are null where no duration is known."""
    known = outlook.known > 0 or outlook.told
    return {
        "workers": outlook.workers,
        "width": outlook.width,
        "critical_path": outlook.path,
        "critical_path_sec": round(outlook.path_seconds, 3) if known else None,
        "work_sec": round(outlook.work, 3) if known else None,
        "expected_sec": round(outlook.seconds, 3) if known else None,
        "expected_is_least": outlook.at_least,
        "tasks": outlook.tasks,
        "tasks_of_known_duration": outlook.known,
        "tasks_measured": outlook.measured,
    }


def limit_record(limit: Limit) -> dict[str, Any]:
    """Returns a usage limit as JSON."""
    return {
        "backend": limit.account.backend,
        "account": limit.account.key,
        "since": instant(limit.since),
        "until": instant(limit.until),
        "reason": clean(limit.reason),
    }


def cause_record(cause: Cause | None, instant: Any = None) -> dict[str, Any] | None:
    """Returns a cause as JSON; `instant` turns its end into text."""
    if cause is None:
        return None
    until = cause.until if cause.until is None or instant is None else instant(cause.until)
    return {"kind": cause.kind.value, "words": cause.words, "tasks": cause.tasks, "until": until}


def _expected(outlook: Outlook) -> str:
    if not (outlook.known or outlook.told):
        return "unknown, since no task has an `estimate` or has run here before"
    workers = counted(outlook.workers, "worker")
    about = "at least" if outlook.at_least else "about"
    text = f"{about} {span(outlook.seconds)} with {workers}"
    if outlook.workers > 1:
        text += f", {span(outlook.work)} with one"
    if outlook.known < outlook.tasks and outlook.measured:
        text += f" (by the {counted(outlook.measured, 'task')} done so far)"
    elif outlook.known < outlook.tasks:
        text += f" (known of {outlook.known} of {counted(outlook.tasks, 'task')})"
    return text
