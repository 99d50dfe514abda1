"""Events as lines for a person: `build  done  attempt 1  2.3 s`. Pure.

Reasons and names come from agents and file systems: nothing of them reaches the terminal as
more than text.
"""

from parallel_orchestra.cli.ink import Line, Piece
from parallel_orchestra.events import (
    AfterMergeBegun,
    AfterMergeEnded,
    AttemptEnded,
    Claimed,
    Delivered,
    Event,
    Failed,
    Joined,
    Judged,
    Kept,
    LimitOver,
    LimitReached,
    Merged,
    Recovered,
    Returned,
    RunStarted,
    StartsHeld,
    Undelivered,
    Undone,
    Warned,
)
from parallel_orchestra.model import FailureClass, QaVerdict
from parallel_orchestra.report.text import one_line, short, short_ref, span
from parallel_orchestra.schedule.usage_limits import clock_words

#: A reason of several hundred characters belongs into the log.
_LONGEST = 300


def line_of(event: Event) -> str:
    """Returns an event as a line without a line feed; empty for what is not worth one."""
    text = _words(event)
    return text if len(text) <= _LONGEST else text[: _LONGEST - 4].rstrip() + " ..."


def notable(event: Event) -> bool:
    """Returns whether an event is worth a line of its own where running tasks are on display."""
    return bool(line_of(event)) and not isinstance(event, AttemptEnded | RunStarted)


def started(event: Event) -> str:
    """Returns what begins or enters the branch, as a line; for those who want to know it all."""
    if isinstance(event, Claimed):
        return _joined(event.task, "started", f"attempt {event.attempt}", f"worker {event.slot}")
    if isinstance(event, Merged):
        return _joined(event.task, "merged", f"attempt {event.attempt}", short(event.commit))
    return ""


def looks(event: Event, line: str) -> Line:
    """Returns an event's line with colours: the name of its task, and how it stands."""
    task, _, rest = line.partition("  ")
    word, _, facts = rest.partition("  ")
    if task != getattr(event, "task", None) or not facts:
        return (Piece(task, "odd"), Piece(line[len(task) :]))
    good = isinstance(event, AttemptEnded | Merged | Claimed)
    look = "good" if good else "bad" if isinstance(event, Failed) else "odd"
    return (Piece(task, "name"), Piece("  "), Piece(word, look), Piece(f"  {facts}"))


def grave(event: Event) -> bool:
    """Returns whether an event is told even if the user wants quiet."""
    return (
        isinstance(event, Failed)
        or (isinstance(event, Undelivered) and bool(event.reason))
        or (isinstance(event, AfterMergeEnded) and bool(event.failure))
    )


def _words(event: Event) -> str:
    if isinstance(event, AttemptEnded) and not event.failure:
        return _joined(event.task, "done", f"attempt {event.attempt}", span(event.seconds))
    if isinstance(event, Judged) and event.verdict == QaVerdict.APPROVED.value:
        # Other verdicts end the attempt, which says so.
        return _joined(event.task, "approved", f"by {event.backend}", span(event.seconds))
    if isinstance(event, Failed):
        why = f"{event.failure}: {event.reason}"
        return _joined(event.task, "failed", f"attempt {event.attempt}", why)
    if isinstance(event, Returned):
        return _returned(event)
    if isinstance(event, Kept) and event.files:
        files = ", ".join(event.files)
        return _joined(event.task, "kept", f"branch {short_ref(event.ref)}", files)
    if isinstance(event, Recovered):
        return _joined(event.task, "recovered", f"to {event.target}", event.reason)
    if isinstance(event, Undone):
        return _joined(event.task, "undone", f"by {event.by}", short(event.commit))
    if isinstance(event, Joined):
        return _joined(event.task, "joined the run")
    if isinstance(event, Warned):
        return _joined("warning", event.task, event.text)
    return _of_the_run(event)


def _returned(event: Returned) -> str:
    if event.failure == FailureClass.CANCELLED.value:
        return _joined(event.task, "stopped", f"attempt {event.attempt}", "given back")
    if event.failure == FailureClass.USAGE_LIMIT.value:
        return _joined(event.task, "again", f"attempt {event.attempt}", "once the limit is over")
    wait = event.not_before - event.time
    again = f"next attempt in {span(wait)}" if wait > 0 else "next attempt follows"
    why = f"{event.failure}: {event.reason}"
    return _joined(event.task, "again", f"attempt {event.attempt}", f"{why} ({again})")


def _of_the_run(event: Event) -> str:
    if isinstance(event, RunStarted) and event.resumed:
        return _joined("run", event.run, "resumed")
    if isinstance(event, StartsHeld):
        return _joined("held" if event.reason else "on", event.reason or "tasks start again")
    if isinstance(event, LimitReached):
        until = f"no agent of `{event.backend}` starts until {clock_words(event.until)}"
        return _joined("limit", f"{until}: {event.reason}" if event.reason else until)
    if isinstance(event, LimitOver):
        return _joined("on", f"the usage limit of `{event.backend}` is over")
    if isinstance(event, AfterMergeBegun):
        return _joined("after merge", "begins", short(event.commit))
    if isinstance(event, AfterMergeEnded):
        how = f"failed: {event.reason}" if event.failure else "passed"
        return _joined("after merge", how, span(event.seconds))
    if isinstance(event, Delivered) and event.url:
        return _joined("proposed", event.branch, short(event.after), event.url)
    if isinstance(event, Delivered) and event.before != event.after:
        moved = f"{short(event.before)} -> {short(event.after)}"
        return _joined("delivered", event.branch, moved)
    if isinstance(event, Undelivered):
        return _joined("undelivered", event.branch, event.reason, event.command)
    return ""


def _joined(*parts: str) -> str:
    return "  ".join(one_line(part) for part in parts if part)
