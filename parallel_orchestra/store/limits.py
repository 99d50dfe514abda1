"""The usage limits that agents have met: one small file per account, in `_tasks/limits/`.

`ls` shows which accounts are used up, `rm` of a file lets their tasks start at once. All processes
of the run look here before they start tasks (an answer holds for 10 ms); a look at an unchanged
directory is one stat.
"""

import json
import math
import os
import re

from parallel_orchestra import files
from parallel_orchestra.schedule.usage_limits import Account, Limit, clock_words
from parallel_orchestra.store.layout import LIMITS, Layout

#: What tells a changed directory from an unchanged one.
Sign = tuple[int, int]

#: Where the calendar ends: the first second of the year 10000.
_LATEST = 253_402_300_800
#: Characters of a reason that are kept.
_LONGEST = 500
_LANE = re.compile(r"([A-Za-z0-9_-]{1,64})\.([0-9a-f]{1,64})")
_FILE = re.compile(r"[A-Za-z0-9_.-]{0,250}")


def sign(layout: Layout) -> Sign:
    """Returns what changes if a file is added, replaced or removed; nothing if there is none."""
    try:
        # No Path: this is asked a hundred times a second.
        status = os.stat(f"{layout.root}/{LIMITS}")
    except OSError:
        return 0, 0
    return status.st_mtime_ns, status.st_ino


def limits(layout: Layout) -> tuple[dict[str, Limit], tuple[str, ...]]:
    """Returns the limits by their lane, and the names of files that are none."""
    found, odd = {}, []
    for name in sorted(files.names(layout.limits)):
        lane = name.removesuffix(".json")
        limit = limit_of(layout, lane) if name != lane else None
        if limit is not None:
            found[lane] = limit
        elif os.path.lexists(layout.limits / name):
            odd.append(name)
    return found, tuple(odd)


def limit_of(layout: Layout, lane: str) -> Limit | None:
    """Returns the limit of a lane; None if none was met, or its file is not one of ours."""
    known = _LANE.fullmatch(lane)
    text = files.read_text(layout.limits / f"{lane}.json")
    if known is None or text is None:
        return None
    try:
        return _limit(json.loads(text), known[1], known[2])
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError, OverflowError):
        return None


def write_limit(layout: Layout, limit: Limit) -> None:
    """Writes a limit for all processes of the run.

    Raises:
        OSError: the disk is full or read-only.
    """
    # Missing in a directory that an older version made.
    files.make_directory(layout.limits)
    lane = limit.account.lane
    record = {
        "backend": limit.account.backend,
        "until": limit.until,
        "until_utc": clock_words(limit.until),
        "since": limit.since,
        "reason": limit.reason[:_LONGEST],
        "waits": limit.waits,
        "probe": limit.probe,
        "probed": limit.probed,
        "own": limit.account.own,
    }
    via = layout.tmp / f"limits.{lane}.{os.getpid()}.{os.urandom(4).hex()}"
    files.replace(layout.limits / f"{lane}.json", json.dumps(record, indent=1).encode(), via=via)


def forget_limit(layout: Layout, lane: str) -> bool:
    """Takes a limit away: it is over. Returns whether it was there."""
    try:
        os.unlink(layout.limits / f"{lane}.json")
    except OSError:
        return False
    return True


def _limit(record: dict[str, object], backend: str, key: str) -> Limit:
    probe = str(record.get("probe") or "")
    if record["backend"] != backend or not _FILE.fullmatch(probe):
        raise ValueError("not a limit's record")
    waits = record.get("waits", 0)
    return Limit(
        Account(backend, key, str(record.get("own") or "")),
        _instant(record["since"]),
        _instant(record["until"]),
        min(waits, 1000) if type(waits) is int and waits > 0 else 0,
        str(record.get("reason") or "")[:_LONGEST],
        probe,
        _instant(record.get("probed", 0.0)),
    )


def _instant(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError("not an instant")
    if not math.isfinite(value) or not 0 <= value < _LATEST:
        raise ValueError("not an instant")
    return float(value)
