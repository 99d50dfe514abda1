"""The schedule of a run beside waves, first come first served and one that knows everything.

    python tests/bench/schedules.py [--seed 1] [--plans 200]

The figures are ratios: the length of the run over what no schedule can beat, the longer of the
critical path and the work spread evenly over all workers; or over that of another schedule, where
the row says so. The same seed gives the same table on every machine.
"""

import argparse
import statistics
import sys
from pathlib import Path

_ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(_ROOT), str(_ROOT / "tests")]

from support.simulation import PLANS, table  # noqa: E402  # found by the line above


def main() -> None:
    """Prints the table of one seed."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--plans", type=int, default=PLANS)
    arguments = parser.parse_args()
    compare(arguments.seed, arguments.plans)


def compare(seed: int, plans: int = PLANS) -> None:
    """Prints mean and 95th percentile of each way, over so many random plans."""
    print(f"{f'schedule, {plans} plans, seed {seed}':<40} {'mean':>7} {'p95':>7}  goal")
    for row in table(seed, plans):
        goal = "" if row.limit is None else f"<= {row.limit}"
        late = statistics.quantiles(row.ratios, n=20)[-1]
        print(f"{row.name:<40} {row.mean:7.3f} {late:7.3f}  {goal}", flush=True)


if __name__ == "__main__":
    main()
