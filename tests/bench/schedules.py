"""The schedule of a run beside waves, first come first served and one that knows everything.

    python tests/bench/schedules.py [--seed 1] [--plans 200]

The figures are ratios: the length of the run over what no schedule can beat, the longer of the
critical path and the work spread evenly over all workers; or over that of another schedule, where
the row says so. The same seed gives the same table on every machine.
"""

import argparse
import sys
from collections.abc import Iterator

import grounds
from measuring import Goal, Result
from telling import show

sys.path[:0] = [str(grounds.ROOT), str(grounds.ROOT / "tests")]

from support.simulation import PLANS, table  # noqa: E402  # found by the line above


def main() -> None:
    """Prints the table of one seed."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--plans", type=int, default=PLANS)
    arguments = parser.parse_args()
    for result in compare(arguments.seed, arguments.plans):
        show(result)


def one_seed(_: int) -> Iterator[Result]:
    """The schedule of a run beside waves and others, on random plans, in made-up time."""
    return compare(seed=1)


def compare(seed: int, plans: int = PLANS) -> Iterator[Result]:
    """Yields the mean of each way, over so many random plans."""
    for row in table(seed, plans):
        goal = None if row.limit is None else Goal(row.limit)
        yield Result(f"schedule: {row.name}", "x", (row.mean,), goal=goal)


if __name__ == "__main__":
    main()
