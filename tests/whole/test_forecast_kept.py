"""A real run takes as long as the simulator says."""

import json
from random import Random

import pytest

from parallel_orchestra.graph import Graph
from parallel_orchestra.model import Task
from parallel_orchestra.schedule import Schedule, Standing, play
from support.effort import EFFORT, Effort
from support.figures import tell
from support.scene import Scene
from support.simulation import SHAPES

pytestmark = [
    pytest.mark.slow,
    pytest.mark.storm,
    pytest.mark.skipif(EFFORT is Effort.SAMPLE, reason="sleeps for a minute: `make storm` runs it"),
]

WORKERS = 6
HEAD = f"""---
po_plan_version: "0.2"
name: sleepers
max_workers: {WORKERS}
defaults: {{backend: command, read_only: true, isolation: none}}
tasks:
"""


def sleepers(count: int, scale: float) -> list[Task]:
    """A plan as agents have it, with estimates in seconds that its tasks will really sleep."""
    dice = Random(4)
    needs = SHAPES["agent-plan"](dice, count)
    return [
        Task(
            id=f"t{i}",
            depends_on=tuple(f"t{j}" for j in sorted(needs[i])),
            estimate=round(scale * dice.lognormvariate(0.0, 0.6), 2),
        )
        for i in range(count)
    ]


def expected(tasks: list[Task]) -> float:
    """The seconds of the simulated run."""
    graph = Graph.of(tasks)
    schedule = Schedule.of(tasks, graph, {}, {}, {})
    schedule.observe(Standing.fresh(tasks).seen)
    return play(schedule, {task.id: task.estimate for task in tasks}, WORKERS).seconds


def test_sixty_sleeping_tasks_take_what_the_simulator_says_within_five_percent(tmp_path):
    tasks = sleepers(60, scale=4.0)
    rows = (
        f'  - {{id: {one.id}, command: "sleep {one.estimate}", estimate: {one.estimate}s, '
        f"depends_on: [{', '.join(one.depends_on)}]}}\n"
        for one in tasks
    )
    scene = Scene(tmp_path).repository(1).plan(HEAD + "".join(rows) + "---\n")

    scene.run("--yes", "--report", "report.json", check=0, within=300)

    report = json.loads((scene.project / "report.json").read_text(encoding="utf-8"))
    simulated = expected(tasks)
    tell("sleepers", simulated=round(simulated, 2), real=report["duration_sec"])
    assert simulated <= report["duration_sec"] <= simulated * 1.05
