"""The merge queue with its batches beside one candidate at a time: one run, the same candidates.

    python tests/bench/batches.py [--seconds 20] [--candidates 24] [--culprit 13]

All candidates are ready at once; the plan's `verify` sleeps, then fails if the culprit's file is
there. The tree, the claims, the worktree of the check are real.
"""

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import grounds
from measuring import Goal, Result
from telling import show

sys.path[:0] = [str(grounds.ROOT), str(grounds.ROOT / "tests")]

from parallel_orchestra.isolation import Pool  # noqa: E402  # found by the line above
from parallel_orchestra.merge_queue import Checker, Merged, MergeQueue, Rejected  # noqa: E402
from parallel_orchestra.merge_queue.line import MOST  # noqa: E402
from support.merging import REFS, Stage, together  # noqa: E402
from support.repository import make_repository, merges_of  # noqa: E402

SECONDS = 2.0
CANDIDATES = 24
CULPRIT = 13


def short_check(runs: int) -> Iterator[Result]:
    """24 ready candidates, one of them red, with batches and one by one; a check takes 2 s.

    `batches.py --seconds 20` measures it with a check of 20 s, which takes eleven minutes.
    """
    yield compare(runs=runs)


def compare(
    seconds: float = SECONDS, count: int = CANDIDATES, culprit: int = CULPRIT, runs: int = 1
) -> Result:
    """Returns the seconds of both ways, in so many pairs, and in words how many checks each took."""
    os.environ.update(grounds.environment())
    ways = (MOST, 1)
    rounds = [[_drained(way, seconds, count, culprit) for way in ways] for _ in range(runs)]
    (batches, few), (one_by_one, many) = (
        zip(*way, strict=True) for way in zip(*rounds, strict=True)
    )
    what = f"{count} merges, 1 red, {seconds:g} s check ({_all(few)} checks)"
    beside = f"one by one ({_all(many)} checks)"
    return Result(what, "s", batches, beside, one_by_one, Goal(1 / 3))


def _all(numbers: Sequence[int]) -> str:
    """Returns the one number that they all are, or from which to which they go."""
    return "to".join(f" {one} " for one in sorted({min(numbers), max(numbers)})).strip()


def _drained(most: int, seconds: float, count: int, culprit: int) -> tuple[float, int]:
    """Hands all candidates in at once; returns the seconds until all are settled, and the checks."""
    with tempfile.TemporaryDirectory() as folder:
        project = make_repository(Path(folder) / "project", {"a.txt": "a\n"})
        stage = Stage(project)
        pool = Pool(stage.repo, Path(folder) / "pool", project, stage.owner)
        pool.collect()
        counted = Path(folder) / "checks"
        verify = f"echo >> {counted}; sleep {seconds}; test ! -e t{culprit}.txt"
        checker = Checker(pool, REFS, stage.layout, stage.owner, (verify,), dict(os.environ))
        queue = MergeQueue(stage.repo, stage.store, REFS, stage.base, checker, most=most)
        tasks = [f"t{number}" for number in range(count)]
        stage.publish(*tasks)
        candidates = [stage.candidate(stage.claim(task), base=stage.base) for task in tasks]
        began = time.perf_counter()
        ends = together(queue, candidates)
        took = time.perf_counter() - began
        _demand(ends, culprit)
        if merges_of(project, REFS.integration) != {t: 1 for t in tasks if t != f"t{culprit}"}:
            raise SystemExit("a task was not merged once")
        checker.close()
        pool.close(remove=True)
        stage.close()
        return took, len(counted.read_text().splitlines())


def _demand(ends: list[object], culprit: int) -> None:
    for number, end in enumerate(ends):
        if not isinstance(end, Rejected if number == culprit else Merged):
            raise SystemExit(f"t{number}: {end}")


def main() -> None:
    """Measures what was asked for."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--candidates", type=int, default=CANDIDATES)
    parser.add_argument("--culprit", type=int, default=CULPRIT, help="its number, from 0")
    given = parser.parse_args()
    show(compare(given.seconds, given.candidates, given.culprit))


if __name__ == "__main__":
    main()
