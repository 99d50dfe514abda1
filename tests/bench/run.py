"""Compares the tool with what a user would pick instead, side by side on this machine.

    python tests/bench/run.py [--runs 5] [--json FILE [--page FILE]] [ROW ...]

Both sides of a comparison run in turn (A B A B ...); what counts is the median of the ratios of the
pairs. Ends with 1 if a goal is missed, and says by how much; with 0 otherwise. All rows take
an hour and a half on two cores; those that are named, minutes each.
"""

import argparse
import sys
from collections.abc import Callable, Iterable
from pathlib import Path

import batches
import claims
import idle
import reads
import schedules
import sleeps
import starting
import telling
import waits
import writes
from measuring import Result

#: Each row's name, and what yields its lines for so many runs.
ROWS: dict[str, Callable[[int], Iterable[Result]]] = {
    "commands": starting.commands,
    "validate": starting.validating,
    "resume": starting.resuming,
    "reading": reads.reading_tasks,
    "ten-thousand": reads.ten_thousand,
    "hundred-thousand": reads.hundred_thousand,
    "writing": writes.small,
    "writing-5000": writes.large,
    "writing-50000": writes.huge,
    "claims": claims.compare,
    "chain": waits.chains,
    "hand-over": waits.handed_over,
    "schedule": schedules.one_seed,
    "sleeping": sleeps.sleeping,
    "merging": batches.short_check,
    "idle": idle.idling,
    "picture": idle.drawing,
    "output": waits.flood,
}


def main(words: list[str]) -> int:
    """Measures the rows that were asked for, or all; returns the exit code."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("rows", nargs="*", metavar="ROW", help=", ".join(ROWS))
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--json", type=Path, help="keeps the raw data of each row there")
    parser.add_argument("--page", type=Path, help="writes the table of all raw data there")
    given = parser.parse_args(words)
    unknown = [row for row in given.rows if row not in ROWS]
    if unknown or given.runs < 1 or (given.page and not given.json):
        parser.error(f"no such row: {unknown[0]}" if unknown else "see --help")
    missed = 0
    for row in given.rows or ROWS:
        results = []
        for result in ROWS[row](given.runs):
            telling.show(result)
            results.append(result)
        missed += sum(result.missed_by > 0 for result in results)
        if given.json:
            telling.kept(given.json, row, results, given.runs)
        if given.page:
            telling.write_page(given.page, given.json)
    if missed:
        print(f"{missed} goals missed")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
