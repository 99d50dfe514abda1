"""How a plan will go: the real schedule, played with workers and durations in made-up time."""

import heapq
from collections.abc import Mapping, Sequence
from dataclasses import field
from types import MappingProxyType

from parallel_orchestra.frozen import frozen
from parallel_orchestra.graph import Graph, Rivals, caps, width
from parallel_orchestra.model import Task
from parallel_orchestra.schedule.causes import Cause, Hold, doomed
from parallel_orchestra.schedule.expected import durations, known_durations
from parallel_orchestra.schedule.order import Schedule
from parallel_orchestra.schedule.seen import Seen
from parallel_orchestra.states import TaskState

#: Pairs of tasks that share files up to which a plan is played: about half a second.
_MOST_PAIRS = 1_000_000
#: Ended tasks that tell at least how long one takes: of fewer, one may be odd.
_FEWEST = 3
_NOTHING: Mapping[str, float] = MappingProxyType({})


@frozen
class Played:
    """When each task ended, in seconds after the beginning; who could not run is not in it."""

    ends: Mapping[str, float]

    @property
    def seconds(self) -> float:
        """How long it took until the last task ended."""
        return max(self.ends.values(), default=0.0)


@frozen
class Outlook:
    """How what is left of a plan will go.

    `width` is that of the whole plan, a bound from above. `path` is the longest chain of open tasks. `known` is of
    how many of the open `tasks` a duration is known: if of none, the seconds mean nothing. `work`
    is what one worker alone would need, `seconds` what `workers` will; only the least that they
    can need if `at_least`, where playing would take too long: very many tasks share files.
    `measured` tasks of this very run tell how long one takes of which nothing is known.
    """

    workers: int
    width: int
    path: tuple[str, ...]
    path_seconds: float
    work: float
    seconds: float
    tasks: int
    known: int
    at_least: bool = False
    measured: int = 0

    @property
    def told(self) -> bool:
        """Whether the seconds are more than a guess.

        Of half of the open tasks a duration is known, or as many have ended as work at once.
        """
        typical = self.measured >= max(_FEWEST, self.workers)
        return self.tasks > 0 and (self.known * 2 >= self.tasks or typical)


@frozen
class Standing:
    """Where the tasks of a plan lie, and for how many seconds those in `locked/` have run.

    `now` is the instant of it, on the clock that backoffs are told in.
    """

    seen: Mapping[str, Seen]
    elapsed: Mapping[str, float] = field(default_factory=dict)
    now: float = 0.0

    @classmethod
    def fresh(cls, tasks: Sequence[Task]) -> "Standing":
        """Returns the standing of a plan before its first task."""
        return cls({task.id: Seen(TaskState.AVAILABLE) for task in tasks})


def play(
    schedule: Schedule,
    seconds: Mapping[str, float],
    workers: int,
    running: Mapping[str, float] | None = None,
    begin: float = 0.0,
) -> Played:
    """Lets so many workers do all that can be done; every task takes its seconds and succeeds.

    `running` are the tasks at work already, with the seconds that each still needs. The
    schedule is used up. Its time begins at `begin`.
    """
    now, ends = begin, {}
    at_work = [(begin + left, task) for task, left in (running or {}).items()]
    heapq.heapify(at_work)
    while True:
        while len(at_work) < workers and (task := schedule.take(now)) is not None:
            heapq.heappush(at_work, (now + seconds[task], task))
        wake = schedule.next_wake() if len(at_work) < workers else None
        if at_work and (wake is None or at_work[0][0] <= wake):
            now, task = heapq.heappop(at_work)
            ends[task] = now - begin
            schedule.moved(task, TaskState.DONE)
        elif wake is not None:
            now = wake
        else:
            return Played(ends)


def at_the_start(schedule: Schedule, workers: int) -> dict[str, Cause]:
    """Returns why each task does not run once all workers have taken one; the schedule is used up.

    Who is not in it, runs.
    """
    for _ in range(workers):
        if schedule.take(0.0) is None:
            break
    causes = schedule.causes(0.0)
    for task in schedule.available():
        causes.setdefault(task, Cause(Hold.WORKER, "waits for a free worker"))
    return causes


def outlook(
    tasks: Sequence[Task],
    graph: Graph,
    rivals: Rivals,
    limits: Mapping[str, int],
    past: Mapping[str, float],
    workers: int,
    standing: Standing,
    most: int | None = None,
    took: Mapping[str, float] = _NOTHING,
) -> Outlook:
    """Returns how the rest of a plan will go with so many workers.

    `most` is the plan's width, if it is known already. `took` are the seconds of tasks that ended in
    this very run: of those whose duration nobody knows, one takes as long as they did on average.

    What was locked by hand, and what failed tasks doom, is not part of it. A running task that
    has passed its expected duration counts as ending at once.
    """
    open_, at_work = _left(graph, standing)
    known = known_durations(tasks, past)
    # What was measured just now says more of its like than what was estimated.
    unit = sum(took.values()) / len(took) if took else None
    expected = durations(tasks, past, unit)
    left = dict.fromkeys(graph.order, 0.0) | {task: expected[task] for task in open_}
    running = {task: max(0.0, expected[task] - standing.elapsed.get(task, 0.0)) for task in at_work}
    left |= running
    path = graph.critical_path(left)
    length, work = sum(left[task] for task in path), sum(left.values())
    seconds = max(length, work / workers)
    playable = rivals.pairs() <= _MOST_PAIRS
    if playable:
        schedule = Schedule.of(tasks, graph, rivals, limits, past)
        schedule.observe(standing.seen)
        seconds = play(schedule, expected, workers, running, standing.now).seconds
    return Outlook(
        workers=workers,
        width=width(graph, rivals, caps(tasks, limits)) if most is None else most,
        path=tuple(task for task in path if task in open_ or task in at_work),
        path_seconds=length,
        work=work,
        seconds=seconds,
        tasks=len(open_ | at_work),
        known=len(known.keys() & (open_ | at_work)),
        at_least=not playable,
        measured=len(took),
    )


def _left(graph: Graph, standing: Standing) -> tuple[set[str], set[str]]:
    """Returns the tasks that still will begin, and those at work."""
    lost = doomed(graph, {task: seen.state for task, seen in standing.seen.items()})
    open_, at_work = set(), set()
    for task, seen in standing.seen.items():
        if seen.state is TaskState.LOCKED and not seen.parked:
            at_work.add(task)
        elif seen.state is TaskState.AVAILABLE and task not in lost:
            open_.add(task)
    return open_, at_work
