"""Tasks that do nothing, in the project itself: what we add to a task."""

import statistics
from collections.abc import Callable, Iterator

import others
from grounds import kept, loose, ours, reading
from measuring import Goal, Measured, Result, interleaved

_COUNT, _WORKERS = 1000, 8


def reading_tasks(runs: int) -> Iterator[Result]:
    """1,000 of them with 8 workers, beside all that starts programs."""
    sides = (
        ("`xargs -P 8`", others.xargs, Goal(2.5)),
        ("GNU parallel", others.parallel, Goal(0.4)),
        (f"`{others.PUBLISHED}`", _published, Goal(0.4)),
        ("make", _by(others.make), None),
        ("doit", _by(others.doit), None),
        ("snakemake", _by(others.snakemake), None),
    )
    what = f"{_COUNT:,} read-only tasks"
    with kept():
        for beside, other, goal in sides:
            try:
                yield interleaved(
                    what, _ours, beside, lambda other=other: other(_COUNT, _WORKERS), runs, goal
                )
            except others.Missing as error:
                yield Result(what, beside=beside, goal=goal, skipped=str(error))


def ten_thousand(runs: int) -> Iterator[Result]:
    """10,000 tasks beside 1,000: time for each, and memory."""
    return _growth(10_000, 150.0, runs)


def hundred_thousand(runs: int) -> Iterator[Result]:
    """100,000 tasks beside 1,000: time for each, and memory."""
    return _growth(100_000, 1024.0, runs)


def _growth(count: int, mib: float, runs: int) -> Iterator[Result]:
    with kept():
        pairs = [(ours(reading(count), files=10, workers=_WORKERS), _ours()) for _ in range(runs)]
    large = tuple(one.seconds / count * 1e3 for one, _ in pairs)
    small = tuple(one.seconds / _COUNT * 1e3 for _, one in pairs)
    cpu = statistics.median((a.cpu / count) / (b.cpu / _COUNT) for a, b in pairs)
    what = f"{count:,} read-only tasks"
    yield Result(f"{what}, each", "ms", large, f"{_COUNT:,} tasks, each", small, Goal(1.2), cpu)
    peaks = tuple(one.peak_mib for one, _ in pairs)
    yield Result(f"{what}, memory", "MiB", peaks, goal=Goal(mib))


def _ours() -> Measured:
    return ours(reading(_COUNT), files=10, workers=_WORKERS)


def _by(program: others.ByFile) -> Callable[[int, int], Measured]:
    return lambda count, workers: program(loose(count), workers)


def _published(count: int, workers: int) -> Measured:
    return others.published(count, workers, files=10, writes=False)
