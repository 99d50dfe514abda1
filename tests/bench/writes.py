"""Tasks that write: worktree, commit, merge."""

from collections.abc import Callable, Iterator

import others
from floor import plumbing
from grounds import ours, writing
from measuring import Goal, Measured, Result, interleaved

_WORKERS = 2
#: Of the tasks that take the published tool two seconds each, it is given so many only.
_FEW = 25


def small(runs: int) -> Iterator[Result]:
    """300 tasks on 10 files with 8 workers, beside bare git and beside the published tool with 2."""
    yield _beside_git(300, 10, 8, runs, Goal(1.6))
    # With 8 workers the published tool fails.
    yield _beside_published((300, 8), 300, 10, runs, Goal(0.25))


def large(runs: int) -> Iterator[Result]:
    """100 tasks on 5,000 files with 2 workers."""
    result = _beside_published((100, _WORKERS), _FEW, 5000, runs, Goal(1 / 15))
    yield result
    each = result.ours or tuple(_each(_ours(5000), 100).seconds * 1e3 for _ in range(runs))
    yield Result("write task on 5,000 files, each", "ms", each, goal=Goal(100.0))
    yield _beside_git(100, 5000, _WORKERS, runs, None)


def huge(runs: int) -> Iterator[Result]:
    """50 tasks on 50,000 files with 2 workers, beside bare git."""
    yield _beside_git(50, 50_000, _WORKERS, runs, Goal(1.3))


def _ours(files: int, workers: int = _WORKERS) -> Callable[[int], Measured]:
    return lambda count: ours(writing(count), files=files, workers=workers)


def _each(side: Callable[[int], Measured], count: int) -> Measured:
    """Returns what each of so many tasks takes."""
    whole = side(count)
    return Measured(whole.seconds / count, whole.cpu / count)


def _beside_git(count: int, files: int, workers: int, runs: int, goal: Goal | None) -> Result:
    return interleaved(
        f"{count} write tasks, {files:,} files, {workers} workers",
        lambda: ours(writing(count), files=files, workers=workers),
        "bare git plumbing",
        lambda: plumbing(count, files, workers),
        runs,
        goal,
    )


def _beside_published(
    whole: tuple[int, int], few: int, files: int, runs: int, goal: Goal
) -> Result:
    """Returns the milliseconds of each of so many tasks by so many workers, and of each of `few`
    by two of the other."""
    count, workers = whole
    what = f"{count} write tasks, {files:,} files, {workers} workers, each"
    beside = f"`{others.PUBLISHED}`, {_WORKERS} workers"
    pairs = []
    try:
        for _ in range(runs):
            mine = _each(_ours(files, workers), count)
            theirs = _each(lambda n: others.published(n, _WORKERS, files=files, writes=True), few)
            pairs.append((mine.seconds * 1e3, theirs.seconds * 1e3))
    except others.Missing as error:
        return Result(what, "ms", beside=beside, goal=goal, skipped=str(error))
    return Result(what, "ms", tuple(a for a, _ in pairs), beside, tuple(b for _, b in pairs), goal)
