"""JSON as agents print it, a value a line; every field is optional and of any type.

Versions differ, and so do programs that speak the same: nothing here raises for what it reads.
"""

import json
import math
from collections.abc import Iterator, Mapping
from typing import Any

Event = Mapping[str, Any]


def events(output: bytes) -> Iterator[Event]:
    """Yields the JSON objects that stand on a line each, in their order; other lines are none."""
    for line in output.split(b"\n"):
        text = line.strip()
        if text.startswith(b"{") and (event := parse_object(text)) is not None:
            yield event


def inside(value: object, *keys: str) -> Any:
    """Returns what lies under these keys, one in the other; None if anything is not there."""
    for key in keys:
        value = value.get(key) if isinstance(value, Mapping) else None
    return value


def total(values: Iterator[object]) -> float | None:
    """Returns the sum of those values that are numbers; None if none is."""
    found = [one for value in values if (one := number(value)) is not None]
    return sum(found) if found else None


def whole(value: object) -> int | None:
    """Returns a number as a whole one, or None."""
    found = number(value)
    return None if found is None else int(found)


def number(value: object) -> float | None:
    """Returns a finite number that is not negative, or None for everything else."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    try:
        as_float = float(value)
    except OverflowError:
        return None
    return as_float if math.isfinite(as_float) and as_float >= 0 else None


def words_of(value: object) -> str:
    """Returns the value if it is text, else nothing."""
    return value if isinstance(value, str) else ""


def parse_object(line: bytes | str) -> Event | None:
    """Returns the JSON object that a line consists of, or None."""
    try:
        value = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def without_events(output: bytes) -> bytes:
    """Returns the lines that are no events: what a program says to people."""
    return b"\n".join(line for line in output.split(b"\n") if not line.lstrip().startswith(b"{"))
