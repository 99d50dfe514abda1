"""Tells where a worker's time goes in a run of tasks that do nothing, by rooms of the house.

    python tests/bench/spent.py [--tasks 10000] [--workers 8]

py-spy looks a hundred times a second at what each worker is in, waits included, and is counted to the
room of ours that is deepest there. The sum is what one task costs one worker; divided by the workers,
what it costs the run.
"""

import argparse
import os
import re
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import grounds
import others

_PY_SPY = others.Program("py-spy==0.4.3", "py-spy")
_RATE = 100
#: The function in which a worker is from its first task to its last.
_AT_WORK = "Worker.run ("
_OURS = re.compile(r"(?:^|;)([^;(]+) \([^;]*parallel_orchestra/(\w+)[^;:]*:\d+\)")
#: How many functions of a room are named.
_NAMED = 3


@dataclass(frozen=True, slots=True)
class Spent:
    """How often a worker was seen in a room, and where in it: functions, the most frequent first."""

    room: str
    seen: int
    mostly: tuple[str, ...]


def by_room(stacks: Iterable[str]) -> list[Spent]:
    """Returns what workers were seen in, the most first; takes lines of `--format raw`."""
    rooms: dict[str, Counter[str]] = {}
    for line in stacks:
        stack, _, count = line.rpartition(" ")
        ours = _OURS.findall(stack) if _AT_WORK in stack else ()
        if ours:
            function, room = ours[-1]
            rooms.setdefault(room, Counter())[function] += int(count)
    found = [
        Spent(room, seen.total(), tuple(name for name, _ in seen.most_common(_NAMED)))
        for room, seen in rooms.items()
    ]
    return sorted(found, key=lambda one: -one.seen)


def table(spent: Iterable[Spent], tasks: int) -> Iterator[str]:
    """Yields the lines of a table in Markdown, times in milliseconds per task."""
    rooms = list(spent)
    whole = sum(one.seen for one in rooms)
    yield "| Room | ms of a worker | Share | Mostly in |"
    yield "| --- | --- | --- | --- |"
    for one in rooms:
        mostly = ", ".join(f"`{name}`" for name in one.mostly)
        yield f"| `{one.room}` | {_ms(one.seen, tasks)} | {one.seen / whole:.0%} | {mostly} |"
    yield f"| all | {_ms(whole, tasks)} | 100% | |"


def _ms(seen: int, tasks: int) -> str:
    return f"{seen / _RATE / tasks * 1e3:.3f}"


def _looked_at(tasks: int, workers: int) -> list[str]:
    """Returns the stacks of a run of so many tasks."""
    with (
        grounds.ground(grounds.reading(tasks), files=10) as place,
        tempfile.TemporaryDirectory() as aside,
    ):
        stacks = Path(aside) / "stacks"
        ours = [
            *grounds.TOOL,
            "run",
            str(place / "plan.md"),
            "--quiet",
            "--yes",
            "-j",
            f"{workers}",
        ]
        spy = [_PY_SPY.path(), "record", "--idle", "--function", "--rate", f"{_RATE}"]
        command = [*spy, "--format", "raw", "--output", str(stacks), "--", *ours]
        subprocess.run(
            command,
            cwd=place / "repository",
            env=grounds.environment(),
            stdout=subprocess.DEVNULL,
            check=True,
        )
        return stacks.read_text().splitlines()


def main(words: list[str]) -> None:
    """Runs the tasks and prints the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--tasks", type=int, default=10_000)
    parser.add_argument("--workers", type=int, default=8)
    given = parser.parse_args(words)
    spent = by_room(_looked_at(given.tasks, given.workers))
    print(f"{given.tasks:,} tasks, {given.workers} workers, load {os.getloadavg()[0]:.0f}\n")
    print("\n".join(table(spent, given.tasks)))


if __name__ == "__main__":
    main(sys.argv[1:])
