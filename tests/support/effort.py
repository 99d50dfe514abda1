"""How hard the storms try: a sample in `make test`, more in `make ci-extra`, all in `make storm`.

Three variables say it, read once: `STORM` is `sample`, `short` or `full`, `STORM_SEED` the first
seed, `STORM_WORKERS` the number of worker processes. With other seeds the storms are other ones.
"""

import os
from collections.abc import Callable, Collection, Iterable
from enum import Enum
from typing import TypeVar

import pytest

T = TypeVar("T")


class Effort(Enum):
    """How much of a storm is let loose."""

    SAMPLE = "sample"
    SHORT = "short"
    FULL = "full"


EFFORT = Effort(os.environ.get("STORM", "sample"))
FIRST_SEED = int(os.environ.get("STORM_SEED", "1"))
WORKERS = int(os.environ.get("STORM_WORKERS", "8"))


def by_effort(sample: T, short: T, full: T) -> T:
    """Returns the one of three values that belongs to this session's effort."""
    return {Effort.SAMPLE: sample, Effort.SHORT: short, Effort.FULL: full}[EFFORT]


def seeds(sample: int, short: int, full: int) -> range:
    """Returns so many seeds, from `STORM_SEED` on."""
    return range(FIRST_SEED, FIRST_SEED + by_effort(sample, short, full))


_RARE = (
    pytest.mark.storm,
    pytest.mark.skipif(EFFORT is Effort.SAMPLE, reason="rare: run with STORM=short"),
)


def rare(test):
    """Marks what few will meet, or what is much like something beside it: CI and `make storm` do it."""
    for mark in _RARE:
        test = mark(test)
    return test


def cases(
    names: Iterable[T], often: Collection[T], shown: Callable[[T], str | None] = str
) -> list[object]:
    """Returns the cases for `parametrize`, all but those of `often` as rare ones."""
    return [pytest.param(one, marks=() if one in often else _RARE, id=shown(one)) for one in names]
