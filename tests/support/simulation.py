"""Random plans and how long they take: by the schedule of a run, and by others beside it.

Time is made up, the scheduling is not: `ours` plays `Schedule.of` as a run makes it, told
durations or guesses. What stands beside it is written plainly here: waves, first come first
served, and a list schedule that knows every duration. Durations are log-normal, as those of
agents are: a median of five minutes, one in six longer than nine.
"""

import heapq
import statistics
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from random import Random

from parallel_orchestra.graph import Graph, rivals
from parallel_orchestra.model import Task
from parallel_orchestra.plan.values import SIZES
from parallel_orchestra.schedule import Schedule, Standing, play

_MEDIAN = 300.0
_SIGMA = 0.6

#: How many random plans make a table.
PLANS = 200

#: A plan's dependencies: for each task the positions of earlier ones.
Shape = Callable[[Random, int], list[set[int]]]


@dataclass(frozen=True, slots=True)
class Case:
    """One random plan: what its tasks really take, and what its author guesses (S, M or L).

    `sharing` are the same tasks when half of them write files that others write too.
    """

    shape: str
    tasks: tuple[Task, ...]
    sharing: tuple[Task, ...]
    workers: int
    seconds: Mapping[str, float]
    guesses: Mapping[str, float]


def cases(seed: int, count: int = PLANS) -> Iterable[Case]:
    """Yields so many plans of all shapes in turn; the same ones for the same seed."""
    names = list(SHAPES)
    for number in range(count):
        yield _case(names[number % len(names)], Random(f"{seed}/{number}"))


def _case(shape: str, dice: Random) -> Case:
    count, workers = dice.randint(20, 400), dice.randint(2, 16)
    needs = SHAPES[shape](dice, count)
    tasks = [
        Task(id=f"t{i}", depends_on=tuple(f"t{j}" for j in sorted(needs[i]))) for i in range(count)
    ]
    seconds = {task.id: _MEDIAN * dice.lognormvariate(0.0, _SIGMA) for task in tasks}
    files = [f"file-{i}" for i in range(max(2, count // 4))]
    sharing = [
        Task(
            id=task.id,
            depends_on=task.depends_on,
            writes=tuple(dice.sample(files, dice.randint(1, 2))) if dice.random() < 0.5 else (),
        )
        for task in tasks
    ]
    guesses = {task: _guess(value) for task, value in seconds.items()}
    return Case(shape, tuple(tasks), tuple(sharing), workers, seconds, guesses)


def _guess(seconds: float) -> float:
    """Returns the size that a person who knows the task would choose: the nearest by ratio."""
    return min(SIZES.values(), key=lambda size: max(size / seconds, seconds / size))


# Shapes


def _chains(dice: Random, count: int) -> list[set[int]]:
    width = dice.randint(2, 12)
    return [{i - width} if i >= width else set() for i in range(count)]


def _fork_join(dice: Random, count: int) -> list[set[int]]:
    needs: list[set[int]] = [set()]
    while len(needs) < count:
        fork, width = len(needs) - 1, min(dice.randint(2, 16), count - len(needs))
        needs += [{fork}] * width
        if len(needs) < count:
            needs.append(set(range(fork + 1, fork + 1 + width)))
    return needs


def _layered(dice: Random, count: int) -> list[set[int]]:
    needs: list[set[int]] = []
    before: list[int] = []
    while len(needs) < count:
        layer = range(len(needs), min(count, len(needs) + dice.randint(2, 24)))
        needs += [set(dice.sample(before, min(len(before), dice.randint(1, 3)))) for _ in layer]
        before = list(layer)
    return needs


def _agent_plan(dice: Random, count: int) -> list[set[int]]:
    """A base, features of a few steps each that sometimes need another one, loose ends, a check."""
    needs: list[set[int]] = [set()]
    features: list[int] = []
    while len(needs) < count - 1:
        if dice.random() < 0.15:
            needs.append(set())
            continue
        last = 0
        for _ in range(min(dice.randint(1, 5), count - 1 - len(needs))):
            others = [dice.choice(features)] if features and dice.random() < 0.2 else []
            needs.append({last, *others})
            last = len(needs) - 1
        features.append(last)
    return [*needs, set(features)]


def _independent(_: Random, count: int) -> list[set[int]]:
    return [set()] * count


def _random(dice: Random, count: int) -> list[set[int]]:
    degrees = (min(i, dice.choice([0, 1, 1, 2, 3])) for i in range(count))
    return [set(dice.sample(range(i), degree)) for i, degree in enumerate(degrees)]


SHAPES: dict[str, Shape] = {
    "chains": _chains,
    "fork-join": _fork_join,
    "layered": _layered,
    "agent-plan": _agent_plan,
    "independent": _independent,
    "random": _random,
}


# Ways to run a plan; each returns the seconds until its last task ended


def bound(case: Case) -> float:
    """Returns what no way can beat: the critical path, or all the work spread evenly."""
    longest = max(Graph.of(case.tasks).bottom_levels(case.seconds).values())
    return max(longest, sum(case.seconds.values()) / case.workers)


def ours(case: Case, tasks: tuple[Task, ...], told: Mapping[str, float]) -> float:
    """Plays the schedule of a run that was told these durations."""
    graph = Graph.of(tasks)
    schedule = Schedule.of(tasks, graph, rivals(tasks, graph), {}, told)
    schedule.observe(Standing.fresh(tasks).seen)
    played = play(schedule, case.seconds, case.workers)
    assert played.ends.keys() == case.seconds.keys()
    return played.seconds


def knowing(case: Case, tasks: tuple[Task, ...]) -> float:
    """A critical-path list schedule that knows all durations, in the plainest words there are."""
    graph = Graph.of(tasks)
    levels = graph.bottom_levels(case.seconds)
    left = sorted(graph.order, key=lambda task: -levels[task])
    never_beside = rivals(tasks, graph)
    done: set[str] = set()
    running: list[tuple[float, str]] = []
    now = 0.0
    while left or running:
        busy = {task for _, task in running}
        for task in list(left):
            if len(busy) == case.workers:
                break
            ready = done.issuperset(graph.dependencies[task])
            if ready and busy.isdisjoint(never_beside.get(task, ())):
                left.remove(task)
                busy.add(task)
                heapq.heappush(running, (now + case.seconds[task], task))
        now, ended = heapq.heappop(running)
        done.add(ended)
    return now


def waves(case: Case) -> float:
    """Level by level, each with all workers; nobody goes on before the slowest of a level."""
    total = 0.0
    for wave in Graph.of(case.tasks).waves():
        free = [0.0] * case.workers
        for task in wave:
            heapq.heapreplace(free, free[0] + case.seconds[task])
        total += max(free)
    return total


def first_come(case: Case) -> float:
    """First come, first served: a task enters the queue when the last of its needs is done."""
    graph = Graph.of(case.tasks)
    missing = {task: len(needs) for task, needs in graph.dependencies.items()}
    queue = [task for task, count in missing.items() if not count]
    running: list[tuple[float, str]] = []
    now = 0.0
    while queue or running:
        while queue and len(running) < case.workers:
            task = queue.pop(0)
            heapq.heappush(running, (now + case.seconds[task], task))
        now, ended = heapq.heappop(running)
        for dependent in graph.dependents[ended]:
            missing[dependent] -= 1
            if not missing[dependent]:
                queue.append(dependent)
    return now


# The table


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table: a ratio per plan, and the limit that the house sets its mean."""

    name: str
    ratios: tuple[float, ...]
    limit: float | None = None

    @property
    def mean(self) -> float:
        """The mean of all plans."""
        return statistics.fmean(self.ratios)


#: Each row's name, its limit, and the ratio of one plan.
ROWS: tuple[tuple[str, float | None, Callable[[Case], float]], ...] = (
    ("exact durations", 1.03, lambda case: ours(case, case.tasks, case.seconds) / bound(case)),
    ("guesses S, M, L", 1.045, lambda case: ours(case, case.tasks, case.guesses) / bound(case)),
    ("no durations", None, lambda case: ours(case, case.tasks, {}) / bound(case)),
    (
        "overlaps, guesses / a list that knows",
        1.06,
        lambda case: ours(case, case.sharing, case.guesses) / knowing(case, case.sharing),
    ),
    (
        "overlaps, guesses",
        None,
        lambda case: ours(case, case.sharing, case.guesses) / bound(case),
    ),
    ("first come, first served", None, lambda case: first_come(case) / bound(case)),
    ("waves with barriers", None, lambda case: waves(case) / bound(case)),
)


def table(seed: int, count: int = PLANS) -> tuple[Row, ...]:
    """Returns all rows over so many plans of one seed."""
    plans = tuple(cases(seed, count))
    return tuple(Row(name, tuple(map(ratio, plans)), limit) for name, limit, ratio in ROWS)
