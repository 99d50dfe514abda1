"""Tells others of a run on the command line: what happens, to whom the plan says, and its end."""

import time
from collections.abc import Mapping

from parallel_orchestra.events import Event, Failed, LimitReached
from parallel_orchestra.model import Plan, argv_of, as_typed
from parallel_orchestra.notify import (
    DESKTOP,
    Herald,
    Message,
    Note,
    Occasion,
    addresses_of,
    desktop,
    messenger,
    runner,
    tell,
)
from parallel_orchestra.progress import Outcome, RunReport
from parallel_orchestra.report.summary import summary
from parallel_orchestra.report.text import instant, one_line

#: Seconds after the end in which those who are told may catch up.
PATIENCE = 10.0
_WIDTH = 80


class News:
    """All who want to be told of one run; nobody of them holds it up."""

    def __init__(self, plan: Plan, environ: Mapping[str, str]) -> None:
        """Takes who they are from the plan.

        Raises:
            EnvironmentProblem: a service that it names can't be told; see `addresses_of`.
        """
        self._plan = plan
        named = [entry for entry in plan.notify if entry != DESKTOP]
        addresses = addresses_of(named, environ)
        self._people: list[Herald[Note]] = []
        if addresses:
            self._people.append(Herald("notify", messenger(addresses)))
        if DESKTOP in plan.notify:
            self._people.append(Herald(f"notify: {DESKTOP}", desktop(environ)))
        self._hook: Herald[Event] | None = None
        if plan.on_event is not None:
            command = plan.on_event.run
            run = runner(argv_of(command), as_typed(command), plan.cwd, environ)
            self._hook = Herald("on_event", run)

    def hear(self, event: Event) -> None:
        """Passes an event on to whom it may concern; returns at once, from any thread."""
        wanted = self._plan.on_event.events if self._plan.on_event is not None else ()
        if self._hook is not None and (not wanted or type(event).__name__ in wanted):
            self._hook.tell(event)
        if self._people and (note := _note(self._plan.name, event)) is not None:
            self._tell(note)

    def end(self, report: RunReport) -> list[str]:
        """Tells of the end; returns what went wrong, in sentences. Waits some seconds at most."""
        if self._people:
            title = one_line(f"{report.name}: {_verdict(report)}")
            self._tell(Note(title, summary(report, _WIDTH)))
        troubles = _tell_webhooks(self._plan, report)
        until = time.monotonic() + PATIENCE
        for herald in (self._hook, *self._people):
            if herald is not None:
                troubles.append(herald.close(until - time.monotonic()))
        return [trouble for trouble in troubles if trouble]

    def _tell(self, note: Note) -> None:
        for herald in self._people:
            herald.tell(note)


def _note(name: str, event: Event) -> Note | None:
    """Returns what people are told of an event while the run goes on, if it is worth it."""
    if isinstance(event, Failed):
        title = f"{name}: task `{event.task}` failed"
        body = f"{event.failure}: {event.reason}\nnext: parallel-orchestra why {event.task}"
        return Note(one_line(title), body)
    if isinstance(event, LimitReached):
        title = f"{name}: usage limit of {event.backend} until {instant(event.until)}"
        return Note(one_line(title), event.reason)
    return None


def _verdict(report: RunReport) -> str:
    done = f"{report.completed} of {report.total} tasks done"
    failed = report.count(Outcome.FAILED)
    return f"{done}, {failed} failed" if failed else done


def _tell_webhooks(plan: Plan, report: RunReport) -> list[str]:
    """Returns what went wrong; like the published tool, `on_complete` is told of every end."""
    failed = report.count(Outcome.FAILED)
    calls = [(plan.webhooks.on_complete, Occasion.COMPLETE)]
    calls += [(plan.webhooks.on_failure, Occasion.FAILURE)] if failed else []
    troubles = []
    for url, occasion in calls:
        if url:
            succeeded = report.count(Outcome.SUCCEEDED, Outcome.BY_HAND)
            message = Message(
                event=occasion,
                manifest=report.name,
                total=report.total,
                succeeded=succeeded,
                failed=failed,
                skipped=report.total - succeeded - failed,
                duration_sec=round(report.seconds or 0.0, 3),
            )
            troubles.append(tell(url, message))
    return [trouble for trouble in troubles if trouble is not None]
