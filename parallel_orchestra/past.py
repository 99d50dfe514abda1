"""How long tasks took before, in this repository: what a schedule rests on without estimates.

One small file in the git directory, beside our mutex: it outlives `_tasks/`, and no agent's
commit can carry it along. It is advice. Whatever is wrong with it, a run goes on without.
"""

import contextlib
import json
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from parallel_orchestra import files
from parallel_orchestra.frozen import frozen

_NAME = "orchestra-durations.json"
#: Of each task, so many of its newest attempts count.
_KEPT = 5
#: Tasks that are remembered; those that did not run for the longest time are forgotten.
_MOST = 20_000
#: No attempt takes a year.
_LONGEST = 366 * 86_400.0
#: Where the calendar ends: the first second of the year 10000.
_LATEST = 253_402_300_800


@frozen
class Took:
    """One successful attempt: when it began (epoch), and its seconds."""

    started: float
    seconds: float


def past_durations(common_dir: Path, plan: str, tasks: Iterable[str]) -> dict[str, float]:
    """Returns the median seconds of the newest successful attempts of each task that had some.

    `common_dir` is the repository's git directory. A task is the same if its plan's name and
    its id are.
    """
    # 10 ms with decimal and fractions
    from statistics import median  # noqa: PLC0415

    known = _read(common_dir)
    found = ((task, known.get(_key(plan, task))) for task in tasks)
    return {task: median(one.seconds for one in told) for task, told in found if told}


def remember(common_dir: Path, plan: str, took: Mapping[str, Took]) -> None:
    """Adds one attempt of each of these tasks; the same one twice counts once.

    The caller holds the repository's mutex.

    Raises:
        OSError: the disk is full or read-only; what was known stays known.
    """
    known = _read(common_dir)
    before = dict(known)
    for task, one in took.items():
        if not 0 <= one.seconds < _LONGEST:
            continue
        others = [old for old in known.get(_key(plan, task), []) if old.started != one.started]
        newest = sorted([*others, one], key=lambda each: each.started)[-_KEPT:]
        known[_key(plan, task)] = newest
    if known == before:
        return
    latest = sorted(known.items(), key=lambda item: item[1][-1].started)[-_MOST:]
    record = {key: [[one.started, round(one.seconds, 3)] for one in told] for key, told in latest}
    data = json.dumps(record, separators=(",", ":")).encode()
    files.replace(_path(common_dir), data, via=_path(common_dir).with_suffix(f".{os.getpid()}.tmp"))


def _path(common_dir: Path) -> Path:
    return common_dir / _NAME


def _key(plan: str, task: str) -> str:
    return f"{plan}/{task}"


def _read(common_dir: Path) -> dict[str, list[Took]]:
    with contextlib.suppress(OSError, ValueError, RecursionError):
        record = json.loads(files.content(_path(common_dir)))
        if isinstance(record, dict):
            told = {key: list(_sound(value)) for key, value in record.items()}
            return {key: value for key, value in told.items() if value}
    return {}


def _sound(value: Any) -> Iterable[Took]:
    for pair in value if isinstance(value, list) else ():
        if not isinstance(pair, list) or len(pair) != 2:
            continue
        started, seconds = (one if isinstance(one, int | float) else -1 for one in pair)
        # JSON has room for infinity, for what is no number, and for integers without end.
        if 0 <= started < _LATEST and 0 <= seconds < _LONGEST:
            yield Took(float(started), float(seconds))
