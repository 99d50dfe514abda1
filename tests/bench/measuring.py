"""Runs two sides in turn and keeps what each run took: the ratio of a pair is what counts.

A pair meets the same weather: on a machine that does other things too, seconds mean little, ratios
of neighbours something, and ratios of processor time most.
"""

import os
import statistics
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path


class Unfinished(SystemExit):
    """What is measured did not do its work; says what it said."""


@dataclass(frozen=True, slots=True)
class Measured:
    """One run of one side: wall and processor seconds with all children, MiB of the largest."""

    seconds: float
    cpu: float = 0.0
    peak_mib: float = 0.0


@dataclass(frozen=True, slots=True)
class Goal:
    """What a value may be at most, or must be at least."""

    limit: float
    at_least: bool = False

    def missed_by(self, value: float) -> float:
        """Returns by which factor a value misses the goal; 0.0 if it does not."""
        met = value >= self.limit if self.at_least else value <= self.limit
        if met:
            return 0.0
        return (self.limit / value if self.at_least else value / self.limit) - 1.0

    def __str__(self) -> str:
        return f"{'>=' if self.at_least else '<='} {self.limit:,g}"


@dataclass(frozen=True, slots=True)
class Result:
    """One line of the table: what all runs of both sides took, and the goal.

    Beside something else the value is the ratio of ours to it, else ours itself, in `unit`.
    `skipped` says why there are no figures.
    """

    what: str
    unit: str = "s"
    ours: tuple[float, ...] = ()
    beside: str = ""
    other: tuple[float, ...] = ()
    goal: Goal | None = None
    cpu_ratio: float | None = None
    skipped: str = ""

    @property
    def values(self) -> tuple[float, ...]:
        """What is compared with the goal, one for each run or pair of runs."""
        if not self.other:
            return self.ours
        return tuple(one / other for one, other in zip(self.ours, self.other, strict=True))

    @property
    def value(self) -> float:
        """The median of the values."""
        return statistics.median(self.values)

    @property
    def missed_by(self) -> float:
        """By which factor the goal is missed; 0.0 if it is not, or there is none."""
        return self.goal.missed_by(self.value) if self.goal and not self.skipped else 0.0


Side = Callable[[], Measured]


def interleaved(
    what: str, one: Side, beside: str, other: Side, runs: int, goal: Goal | None
) -> Result:
    """Runs both sides in turn (A B A B ...) so often and returns what they took."""
    pairs = [(one(), other()) for _ in range(runs)]
    ours, others = tuple(a.seconds for a, _ in pairs), tuple(b.seconds for _, b in pairs)
    shares = [a.cpu / b.cpu for a, b in pairs if b.cpu]
    cpu = statistics.median(shares) if shares else None
    return Result(what, "s", ours, beside, others, goal, cpu)


def repeated(what: str, unit: str, value: Callable[[], float], runs: int, goal: Goal) -> Result:
    """Takes one value so often."""
    return Result(what, unit, tuple(value() for _ in range(runs)), goal=goal)


def timed(
    command: Sequence[str],
    directory: Path | None,
    environ: Mapping[str, str],
    *,
    codes: Sequence[int] = (0,),
) -> Measured:
    """Runs a command to its end and returns what it took.

    Raises:
        Unfinished: it ended with another code than these.
    """
    started = time.perf_counter()
    with subprocess.Popen(
        command, cwd=directory, env=environ, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    ) as child:
        said = child.stderr.read() if child.stderr else b""
        _, status, usage = os.wait4(child.pid, 0)
        # So that nobody waits for it again.
        child.returncode = os.waitstatus_to_exitcode(status)
    seconds = time.perf_counter() - started
    if child.returncode not in codes:
        words = said.decode(errors="replace")[-2000:]
        raise Unfinished(f"{list(command)} ended with {child.returncode}: {words}")
    return Measured(seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024)
