"""Claims by eight processes at once: ours beside the bare rename and SQLite, small and large."""

import os
import statistics
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import grounds
from measuring import Goal, Result

sys.path[:0] = [str(grounds.ROOT), str(grounds.ROOT / "tests")]

from parallel_orchestra.model import Task  # noqa: E402  # found by the line above
from support.claiming import Claimed, claim_all, make_database, make_tasks  # noqa: E402

#: Processes at once, and how many tasks they share.
PROCESSES = 8
SIZES = (10_000, 100_000)


def compare(runs: int) -> Iterator[Result]:
    """Claims per second beside bare renames, and processor time for each claim."""
    os.environ.update(grounds.environment())
    cost, share = {}, {}
    for count in SIZES:
        taken: dict[str, list[Claimed]] = {"board": [], "rename": [], "sqlite": []}
        for _ in range(runs):
            for way, results in taken.items():
                results.append(_measure(way, count))
        yield _rate(count, "bare rename", taken["board"], taken["rename"], Goal(0.5, at_least=True))
        yield _rate(count, "SQLite", taken["board"], taken["sqlite"], None)
        cost[count] = tuple(one.cpu / count * 1e6 for one in taken["board"])
        pairs = zip(taken["board"], taken["rename"], strict=True)
        share[count] = tuple(ours.cpu / bare.cpu for ours, bare in pairs)
    small, large = SIZES
    what, beside = f"claim of {large:,} tasks, processor", f"of {small:,} tasks"
    yield Result(what, "us", cost[large], beside, cost[small])
    # A rename in a directory of more files costs more, whoever makes it.
    what += ", bare renames = 1"
    yield Result(what, "x", share[large], beside, share[small], Goal(1.0))


def _rate(
    count: int, beside: str, ours: list[Claimed], other: list[Claimed], goal: Goal | None
) -> Result:
    return Result(
        f"claims of {count:,} tasks",
        "per s",
        tuple(one.per_second for one in ours),
        beside,
        tuple(one.per_second for one in other),
        goal,
        statistics.median(a.cpu / b.cpu for a, b in zip(ours, other, strict=True)),
    )


def _measure(way: str, count: int) -> Claimed:
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        if way == "sqlite":
            make_database(place, count)
        else:
            make_tasks(place, [Task(id=f"task-{number}") for number in range(count)])
        claimed = claim_all(way, place, PROCESSES)
    claimed.check(count)
    return claimed
