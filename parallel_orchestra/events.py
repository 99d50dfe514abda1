"""What happened: one frozen value per kind, one JSON line each.

`time` is seconds since the epoch, UTC. The journal writes these lines; progress folds them.
"""

import json
from dataclasses import fields
from types import NoneType
from typing import Any

from parallel_orchestra.frozen import frozen

#: Stands in `Completed` for the attempt of a task that no attempt of this run completed.
NO_ATTEMPT = 0


@frozen
class Event:
    """Something that happened at `time`."""

    time: float


@frozen
class RunStarted(Event):
    """A conductor began, or went on with, a run."""

    run: str
    workers: int
    mode: str
    reason: str
    resumed: bool


@frozen
class WorkerJoined(Event):
    """Another process joined the run."""

    workers: int


@frozen
class Claimed(Event):
    """A worker took a task; `slot` counts from 1 within its process, 0 is a claim by hand."""

    task: str
    attempt: int
    slot: int


@frozen
class Entered(Event):
    """An attempt entered a `phase`: `agent`, `verify`, `qa` or `merge`; before the first is its set-up.

    Who comes to a phase again, a second agent say, enters it again.
    """

    task: str
    attempt: int
    phase: str


@frozen
class AttemptEnded(Event):
    """An attempt came to its end; `failure` is empty for a success, else a failure class.

    `way` is how it went on after an earlier one: `session`, `tree` or `fresh`; else empty.
    `directory` is where its agent worked. `log` is the name of the log beside the agent's that shows
    why it failed, if there is one.
    """

    task: str
    attempt: int
    seconds: float
    failure: str = ""
    reason: str = ""
    cost_usd: float | None = None
    input_tokens: int | None = None
    output_tokens: int | None = None
    turns: int | None = None
    session: str = ""
    way: str = ""
    directory: str = ""
    log: str = ""


@frozen
class Judged(Event):
    """QA has judged what an attempt made, or could not be heard: see `QaVerdict`.

    `reason` is the beginning of what it said; what it used is not in its attempt's. `seconds` and
    that are of all judgements of the attempt.
    """

    task: str
    attempt: int
    verdict: str
    reason: str
    backend: str
    model: str
    seconds: float
    cost_usd: float | None = None
    input_tokens: int | None = None
    output_tokens: int | None = None
    session: str = ""


@frozen
class Merged(Event):
    """A task's work became the tip of the integration branch."""

    task: str
    attempt: int
    commit: str


@frozen
class Undone(Event):
    """A task's `merge` was taken back by `commit`, on the word of `by`; it lies in `failed/`."""

    task: str
    generation: int
    merge: str
    commit: str
    by: str


@frozen
class Completed(Event):
    """A task lies in `done/` for good; `attempt` is 0 if an older tool had completed it."""

    task: str
    attempt: int


@frozen
class Failed(Event):
    """A task lies in `failed/`: no retry left, or none would help."""

    task: str
    attempt: int
    failure: str
    reason: str


@frozen
class Returned(Event):
    """A task went back to `available/`; not to be claimed before `not_before` (epoch)."""

    task: str
    attempt: int
    failure: str
    reason: str
    not_before: float


@frozen
class Recovered(Event):
    """A dead owner's task was freed, or rolled forward to `done` if its merge was found."""

    task: str
    owner: str
    target: str
    reason: str


@frozen
class Kept(Event):
    """Work that was not merged is kept under `ref`.

    `files` are those in conflict, `against` the tasks whose merges they conflict with.
    """

    task: str
    attempt: int
    ref: str
    files: tuple[str, ...] = ()
    against: tuple[str, ...] = ()


@frozen
class Warned(Event):
    """Something the user should know; `task` may be empty."""

    task: str
    text: str


@frozen
class StartsHeld(Event):
    """A process starts no task for the moment; an empty `reason` says that it does again."""

    reason: str


@frozen
class LimitReached(Event):
    """An account's usage limit was met: no task of it starts before `until` (epoch).

    `account` tells the accounts of a backend apart; `reason` is what the agent said.
    """

    backend: str
    account: str
    until: float
    reason: str


@frozen
class LimitOver(Event):
    """An attempt got through, so the tasks of that account start again."""

    backend: str
    account: str


@frozen
class Joined(Event):
    """A task joined the run while it went on, from a file that somebody put into `available/`."""

    task: str


@frozen
class AfterMergeBegun(Event):
    """What the plan wants done after the last merge began, on that `commit`."""

    commit: str
    log: str


@frozen
class AfterMergeEnded(Event):
    """It came to its end; `failure` is empty for a success, else a failure class.

    `files` are kept, `log` and they are relative to `_tasks/`; `changed` are paths that it changed
    beside them, which `ref` keeps.
    """

    commit: str
    seconds: float
    failure: str
    reason: str
    log: str
    files: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    ref: str = ""
    required: bool = False
    cost_usd: float | None = None


@frozen
class Delivered(Event):
    """What was merged reached the user's branch, or stands in the pull request `url` into it.

    `before` equals `after` if nothing was new.
    """

    branch: str
    before: str
    after: str
    url: str = ""


@frozen
class Undelivered(Event):
    """The user's branch was not moved; `command` does it once the reason is gone.

    There is no `reason` if the plan does not want it moved.
    """

    branch: str
    reason: str
    command: str


@frozen
class RunEnded(Event):
    """The conductor ended with this exit code."""

    exit_code: int
    seconds: float


KINDS: dict[str, type[Event]] = {
    kind.__name__: kind
    for kind in (
        RunStarted,
        WorkerJoined,
        Claimed,
        Entered,
        AttemptEnded,
        Judged,
        Merged,
        Completed,
        Failed,
        Returned,
        Recovered,
        Kept,
        Undone,
        Warned,
        StartsHeld,
        LimitReached,
        LimitOver,
        Joined,
        AfterMergeBegun,
        AfterMergeEnded,
        Delivered,
        Undelivered,
        RunEnded,
    )
}
#: The types that JSON has in place of a field's; all others are their own.
_FORMS: dict[Any, Any] = {
    float: (float, int),
    float | None: (float, int, NoneType),
    int | None: (int, NoneType),
    str | None: (str, NoneType),
    tuple[str, ...]: (list,),
}
#: Where the calendar ends: the first second of the year 10000.
_LATEST = 253_402_300_800
#: No number of ours comes near it.
_TOO_LARGE = 1e18
_FIELDS: dict[type[Event], tuple[tuple[str, tuple[type, ...]], ...]] = {
    kind: tuple((field.name, _FORMS.get(field.type, (field.type,))) for field in fields(kind))
    for kind in KINDS.values()
}
_DECODER = json.JSONDecoder()
# `json.dumps` makes an encoder anew for every text that is not written as by default.
_ENCODER = json.JSONEncoder(separators=(",", ":"))


def to_line(event: Event) -> str:
    """Returns the event as one line of JSON with a line feed at its end."""
    record = {"kind": type(event).__name__}
    for name, _ in _FIELDS[type(event)]:
        record[name] = getattr(event, name)
    return _ENCODER.encode(record) + "\n"


def from_line(line: str) -> Event | None:
    """Returns the event of a line; None for a torn or altered line or a kind of a newer version."""
    try:
        record, end = _DECODER.raw_decode(line)
        kind = KINDS[record["kind"]]
        if end != len(line.rstrip()) or not 0 <= record["time"] < _LATEST:
            return None
        # tens of thousands are read at once, so each is looked at once only
        known: dict[str, Any] = {}
        for name, forms in _FIELDS[kind]:
            if name not in record:
                continue
            value = record[name]
            if not isinstance(value, forms):
                return None
            # JSON has room for infinity, for what is no number, and for integers without end.
            if isinstance(value, (int, float)) and not abs(value) < _TOO_LARGE:
                if NoneType not in forms:
                    return None
                value = None  # a figure that an agent told of itself
            known[name] = tuple(map(str, value)) if isinstance(value, list) else value
        return kind(**known)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None
