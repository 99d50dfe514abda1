"""Claims by eight processes at once: ours beside the bare rename and SQLite, small and large."""

import os
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

_ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(_ROOT), str(_ROOT / "tests")]

from parallel_orchestra.model import Task  # noqa: E402  # found by the line above
from support.claiming import Claimed, claim_all, make_database, make_tasks  # noqa: E402

#: Processes at once, and how many tasks they share.
PROCESSES = 8
SIZES = (10_000, 100_000)


def compare(environ: Mapping[str, str]) -> None:
    """Prints claims per second and processor time per claim, one line for each way and size."""
    os.environ.clear()
    os.environ.update(environ)
    print(f"{'claims by 8 processes':<34} {'per s':>9} {'CPU us':>9} {'/ rename':>8}  goal")
    for count in SIZES:
        bare = _measure("rename", count)
        for way, goal in (("board", ">= 5,000 per s"), ("store", ""), ("sqlite", "")):
            _show(way, count, _measure(way, count), bare, goal)
        _show("rename", count, bare, bare, "")


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


def _show(way: str, count: int, claimed: Claimed, bare: Claimed, goal: str) -> None:
    cpu = claimed.cpu / count * 1e6
    ratio = claimed.per_second / bare.per_second
    name = f"{count:,} tasks, {way}"
    print(f"{name:<34} {claimed.per_second:9,.0f} {cpu:9.0f} {ratio:8.2f}  {goal}", flush=True)
