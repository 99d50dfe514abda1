"""Tasks that write: worktree, commit, merge."""

from collections.abc import Iterator

import others
from floor import plumbing
from grounds import ours, writing
from measuring import Goal, Result, interleaved


def small(runs: int) -> Iterator[Result]:
    """300 tasks on 10 files with 8 workers, beside bare git; with 2, beside the published tool."""
    yield _beside_git(300, 10, 8, runs, Goal(1.6))
    # With 8 workers it fails.
    yield _beside_published(300, 10, runs, Goal(0.25))


def large(runs: int) -> Iterator[Result]:
    """100 tasks on 5,000 files with 2 workers."""
    result = _beside_published(100, 5000, runs, Goal(1 / 15))
    yield result
    each = tuple(seconds * 10 for seconds in result.ours) or tuple(
        ours(writing(100), files=5000, workers=2).seconds * 10 for _ in range(runs)
    )
    yield Result("write task on 5,000 files, each", "ms", each, goal=Goal(100.0))
    yield _beside_git(100, 5000, 2, runs, None)


def huge(runs: int) -> Iterator[Result]:
    """50 tasks on 50,000 files with 2 workers, beside bare git."""
    yield _beside_git(50, 50_000, 2, runs, Goal(1.3))


def _beside_git(count: int, files: int, workers: int, runs: int, goal: Goal | None) -> Result:
    return interleaved(
        f"{count} write tasks, {files:,} files, {workers} workers",
        lambda: ours(writing(count), files=files, workers=workers),
        "bare git plumbing",
        lambda: plumbing(count, files, workers),
        runs,
        goal,
    )


def _beside_published(count: int, files: int, runs: int, goal: Goal) -> Result:
    what, beside = f"{count} write tasks, {files:,} files, 2 workers", f"`{others.PUBLISHED}`"
    try:
        return interleaved(
            what,
            lambda: ours(writing(count), files=files, workers=2),
            beside,
            lambda: others.published(count, 2, files=files, writes=True),
            runs,
            goal,
        )
    except others.Missing as error:
        return Result(what, beside=beside, goal=goal, skipped=str(error))
