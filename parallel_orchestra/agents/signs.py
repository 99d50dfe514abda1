"""What the words and the status of a failure mean, for agents that say no more than that.

Each backend has its own table of signs, in the words that its program was heard to say; the
first sign that is found decides. Also how long to wait, where the words say it.
"""

import re
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta, tzinfo

from parallel_orchestra.model import FailureClass

#: A pattern, searched without regard to case, and what it means.
Sign = tuple[str, FailureClass]

_AUTH_STATUS = frozenset({401, 402, 403})
#: Request timeout and conflict: the only client errors that go away by themselves (RFC 9110).
_PASSING_STATUS = frozenset({408, 409})

_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_PART = r"(\d+(?:\.\d+)?)\s?(ms|s|m|h|d)(?:ec(?:ond)?s?|in(?:ute)?s?|ours?|ays?)?"
_SPAN = re.compile(
    rf"(?:try again|retry|reset|wait)[a-z ]{{0,20}}?\b(?:in|after|for) ((?:{_PART}[\s,]{{0,2}})+)",
    re.IGNORECASE,
)
_INSTANT = re.compile(
    r"try again at (?:(?P<month>[A-Z][a-z]{2}) (?P<day>\d{1,2})(?:st|nd|rd|th)?, (?P<year>\d{4}) )?"
    r"(?P<hour>\d{1,2}):(?P<minute>\d\d) (?P<half>[AP])M"
)
#: A limit that ends at a minute ends in the course of it: programs leave the seconds out.
NAMED_MINUTE = timedelta(minutes=1)
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def class_of_words(said: str, signs: Iterable[Sign]) -> FailureClass:
    """Returns what the first sign that is found means; `TRANSIENT` if none is."""
    for pattern, failure in signs:
        if re.search(pattern, said, re.IGNORECASE):
            return failure
    return FailureClass.TRANSIENT


def class_of_status(status: float | None) -> FailureClass | None:
    """Returns what the status of an HTTP answer means; None for one that is no error."""
    if status is None or not 400 <= status < 600:
        return None
    if status == 429:
        return FailureClass.RATE_LIMITED
    if status in _AUTH_STATUS:
        return FailureClass.AUTH
    if status < 500 and status not in _PASSING_STATUS:
        return FailureClass.PERMANENT
    return FailureClass.TRANSIENT


def wait_in_words(said: str, now: float, environ: Mapping[str, str]) -> float | None:
    """Returns the seconds after which the words want us to try again, or None.

    `try again in 1.5s`, `reset after 3h14m7s`, `try again at 2:15 PM`, `… Nov 27th, 2026 2:15 PM`;
    the time is that of the agent's clock, whose zone is in `environ`, and the minute that is named
    has to be over. `now` is in epoch seconds.
    """
    if found := _SPAN.search(said):
        parts = re.findall(_PART, found[1], re.IGNORECASE)
        return sum(float(number) * _UNITS[unit.lower()] for number, unit in parts)
    until = _instant(said, now, zone_named(environ.get("TZ", "")))
    return None if until is None else max(0.0, until - now)


def zone_named(name: str) -> tzinfo | None:
    """Returns the time zone of that name; None, which means this machine's, if there is none."""
    if not name:
        return None
    # the zones' data is heavy to import, and only a limit that ends at some time needs it
    from zoneinfo import ZoneInfo, ZoneInfoNotFoundError  # noqa: PLC0415

    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None


def _instant(said: str, now: float, zone: tzinfo | None) -> float | None:
    found = _INSTANT.search(said)
    if found is None or not 1 <= int(found["hour"]) <= 12:
        return None
    hour = int(found["hour"]) % 12 + (12 if found["half"] == "P" else 0)
    today = datetime.fromtimestamp(now, zone).astimezone(zone)
    try:
        at = today.replace(hour=hour, minute=int(found["minute"]), second=0, microsecond=0)
        if found["month"] is None:
            at += NAMED_MINUTE
            return (at if at > today else at + timedelta(days=1)).timestamp()
        month = _MONTHS.index(found["month"]) + 1
        at = at.replace(year=int(found["year"]), month=month, day=int(found["day"]))
        return (at + NAMED_MINUTE).timestamp()
    except ValueError:
        return None
