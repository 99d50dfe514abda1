"""Agents that only sleep: how well a run keeps its workers busy, beside what its schedule promises.

Random plans of the shape that agents get (`support.simulation`): 100 tasks, 8 workers, another plan
in each round. Durations are log-normal with a median of 1.5 seconds where an agent takes minutes,
so whatever we add weighs hundreds of times more than in a real run. Every task writes a file, which is
committed and merged.
"""

import json
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from random import Random

import grounds
import others
from grounds import Job
from measuring import Goal, Result

sys.path[:0] = [str(grounds.ROOT), str(grounds.ROOT / "tests")]

from parallel_orchestra.graph import Graph  # noqa: E402  # found by the line above
from parallel_orchestra.model import Task  # noqa: E402
from support.simulation import SHAPES  # noqa: E402

TASKS, WORKERS = 100, 8
_MEDIAN, _SIGMA = 1.5, 0.6


@dataclass(frozen=True)
class Sleepers:
    """One random plan, by its seed."""

    seed: int

    @cached_property
    def seconds(self) -> dict[str, float]:
        """How long each task sleeps."""
        dice = Random(f"sleep/{self.seed}")  # no secret
        return {f"t{n}": round(_MEDIAN * dice.lognormvariate(0, _SIGMA), 3) for n in range(TASKS)}

    @cached_property
    def graph(self) -> Graph:
        """Who needs whom."""
        needs = SHAPES["agent-plan"](Random(f"shape/{self.seed}"), TASKS)
        return Graph.of(
            [
                Task(id=f"t{number}", depends_on=tuple(f"t{need}" for need in sorted(each)))
                for number, each in enumerate(needs)
            ]
        )

    def jobs(self) -> tuple[Job, ...]:
        """Returns the plan as other programs take it."""
        return tuple(
            Job(task, self.graph.dependencies[task], f"sleep {seconds}")
            for task, seconds in self.seconds.items()
        )

    def text(self, begun: Path, *, waves: bool) -> str:
        """Returns the plan as we take it; with `waves` nobody starts before a whole level is done.

        The first task makes the file `begun`.
        """
        level = {task: n for n, wave in enumerate(self.graph.waves(), 1) for task in wave}
        return grounds.plan(
            f"id: {job.name}, {grounds.WRITING}, depends_on: [{', '.join(job.needs)}], "
            f"estimate: {self.seconds[job.name]}s, "
            + (f"wave: {level[job.name]}, " if waves else "")
            + f"command: 'test -e {begun} || : > {begun}; echo > {job.name}.txt; {job.command}'"
            for job in self.jobs()
        )


def sleeping(runs: int) -> Iterator[Result]:
    """A run beside what its schedule promises, beside the same plan in waves, and other programs."""
    rounds = [_round(Sleepers(seed)) for seed in range(1, runs + 1)]
    what = f"{TASKS} sleeping tasks, {WORKERS} workers"
    yield Result(
        f"{what}, from the first agent on",
        ours=tuple(one.since_begun for one in rounds),
        beside="the schedule's promise",
        other=tuple(one.promised for one in rounds),
        goal=Goal(1.03),
    )
    ours = tuple(one.ours for one in rounds)
    waves = tuple(one.waves for one in rounds)
    yield Result(what, ours=ours, beside="the same in waves", other=waves, goal=Goal(0.8))
    yield from others.told(what, "s", ours, [one.others for one in rounds])


@dataclass(frozen=True, slots=True)
class _Round:
    """Seconds of all ways to run one plan; for a program that can't be had, why."""

    promised: float
    since_begun: float
    ours: float
    waves: float
    others: Mapping[str, float | str]


def _round(plan: Sleepers) -> _Round:
    with grounds.ground("", 10) as place:
        begun = place / "begun"
        (place / "plan.md").write_text(plan.text(begun, waves=False))
        promised = _promise(place)
        ours = grounds.run(place, WORKERS).seconds
        since_begun = time.time() - begun.stat().st_mtime
    with grounds.ground("", 10) as place:
        (place / "plan.md").write_text(plan.text(place / "begun", waves=True))
        waves = grounds.run(place, WORKERS).seconds
    took = others.from_files(lambda program: program(plan.jobs(), WORKERS).seconds)
    return _Round(promised, since_begun, ours, waves, took)


def _promise(place: Path) -> float:
    """Returns the seconds that a dry run promises."""
    said = subprocess.run(
        [*grounds.TOOL, "run", "plan.md", "--dry-run", "--json", "-j", str(WORKERS)],
        cwd=place,
        env=grounds.environment(),
        check=True,
        capture_output=True,
    )
    return float(json.loads(said.stdout)["outlook"]["expected_sec"])
