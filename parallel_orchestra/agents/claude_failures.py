"""What Claude Code's ways to fail mean for the attempt, as tables.

Rests on what 2.1.197 and 2.1.329 did against a scripted model server. Two traps: an API error
has `subtype: success` (only `is_error` tells), and its HTTP status may be missing.
"""

import re
from datetime import datetime, timedelta, timezone, tzinfo

from parallel_orchestra.agents.json_lines import Event, number, words_of
from parallel_orchestra.agents.signs import NAMED_MINUTE
from parallel_orchestra.model import FailureClass

#: The CLI's own sentence for a subscription's limit; 2.1.197 has no field that says it.
_USAGE_LIMIT = re.compile(
    r"hit your (\w+ )*limit|usage limit reached|limit reached .{0,3}resets", re.IGNORECASE
)
_NOT_ALLOWED = re.compile(
    r"not logged in|invalid api key|credit balance (is )?too low|please run /login"
    r"|authentication (failed|error)|failed to authenticate|oauth token",
    re.IGNORECASE,
)
_TOO_FAST = re.compile(
    r"rate.?limit|too many requests|quota (exceeded|exhausted)|\(429\)", re.IGNORECASE
)
_OUT_OF_REACH = re.compile(
    r"connection|can't reach|timed out|overloaded|econn\w+|eai_again", re.IGNORECASE
)
#: `terminal_reason`, `api_error` and `stop_reason` of an agent that would only do it again.
_BEYOND_HELP = frozenset({
    "prompt_too_long", "image_error", "max_output_tokens", "refusal",
})  # fmt: skip
#: Those of one that is in the middle of its work, and what subtypes say of it.
_OUT_OF_TURNS = frozenset({"max_turns", "error_max_turns"})
#: The same of one that had used what it may cost; only some versions say both.
_BUDGET_SIGNS = frozenset({"budget_exhausted", "error_max_budget_usd"})
_AUTH_STATUS = frozenset({401, 402, 403})
#: Request timeout and conflict: the only client errors that go away by themselves (RFC 9110).
_PASSING_STATUS = frozenset({408, 409})

#: Lines on stderr with which it refuses to start at all; stdout stays empty.
_REFUSALS = re.compile(
    r"unknown (option|command)|option .* (is invalid|argument missing)|--agent '.*' not found"
    r"|cannot be used with root|native binary not installed|settings file not found"
    r"|invalid mcp configuration|piped stdin input exceeds|input must be provided"
    r"|requires --verbose|invalid session id",
    re.IGNORECASE,
)

_RESETS = re.compile(
    r"resets (?:at )?(?:(?P<month>[A-Z][a-z]{2}) (?P<day>\d{1,2}),? (?:at )?)?"
    r"(?P<hour>\d{1,2})(?::(?P<minute>\d\d))?(?P<half>[ap]m)(?: \((?P<zone>[^)]*)\))?"
)
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def class_of_result(result: Event, said: str) -> FailureClass:
    """Returns the class of a result that is an error; `said` is the CLI's sentence on it."""
    status = number(result.get("api_error_status"))
    if is_usage_limit(result, said):
        return FailureClass.USAGE_LIMIT
    if status == 429:
        return FailureClass.RATE_LIMITED
    if status in _AUTH_STATUS or _NOT_ALLOWED.search(said):
        return FailureClass.AUTH
    signs = {words_of(result.get(key)) for key in ("terminal_reason", "api_error", "stop_reason")}
    all_signs = signs | {words_of(result.get("subtype"))}
    if all_signs & _BUDGET_SIGNS:
        return FailureClass.BUDGET
    if all_signs & _OUT_OF_TURNS:
        return FailureClass.MAX_TURNS
    if signs & _BEYOND_HELP:
        return FailureClass.PERMANENT
    if status is not None and 400 <= status < 500 and status not in _PASSING_STATUS:
        return FailureClass.PERMANENT
    return FailureClass.TRANSIENT


def is_usage_limit(result: Event, said: str) -> bool:
    """Returns whether the subscription's limit is reached, which ends at a known time."""
    return result.get("api_error") == "usage_limit_reached" or bool(_USAGE_LIMIT.search(said))


def class_of_text(said: str) -> FailureClass:
    """Returns the class of a failure that only words tell about; `TRANSIENT` if they don't."""
    if _REFUSALS.search(said):
        return FailureClass.PERMANENT
    # a server out of reach first: its message may name the key or limit that it did not look at
    if _OUT_OF_REACH.search(said):
        return FailureClass.TRANSIENT
    if _USAGE_LIMIT.search(said):
        return FailureClass.USAGE_LIMIT
    if _TOO_FAST.search(said):
        return FailureClass.RATE_LIMITED
    if _NOT_ALLOWED.search(said):
        return FailureClass.AUTH
    return FailureClass.TRANSIENT


def reset_in_text(said: str, now: float) -> float | None:
    """Returns the instant of `resets 9:58pm (UTC)` or `resets Nov 23, 4:58pm (UTC)`, or None.

    The first such time after `now` (epoch seconds, like what comes back), and of the minute that
    is named the end; a time without a zone is taken as UTC.
    """
    found = _RESETS.search(said)
    zone = _zone(found["zone"]) if found else None
    if found is None or zone is None or not 1 <= int(found["hour"]) <= 12:
        return None
    today = datetime.fromtimestamp(now, zone)
    hour = int(found["hour"]) % 12 + (12 if found["half"] == "pm" else 0)
    try:
        at = today.replace(hour=hour, minute=int(found["minute"] or 0), second=0, microsecond=0)
        if found["month"] is None:
            at += NAMED_MINUTE
            return (at if at > today else at + timedelta(days=1)).timestamp()
        at = at.replace(month=_MONTHS.index(found["month"]) + 1, day=int(found["day"]))
        at += NAMED_MINUTE
        # a January that is named in December is next year's
        return (at if at > today - timedelta(days=1) else at.replace(year=at.year + 1)).timestamp()
    except ValueError:
        return None


def _zone(name: str | None) -> tzinfo | None:
    if name is None or name == "UTC":
        return timezone.utc
    # the zones' data is heavy to import, and only a usage limit told by an older CLI needs it
    from zoneinfo import ZoneInfo, ZoneInfoNotFoundError  # noqa: PLC0415

    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None
