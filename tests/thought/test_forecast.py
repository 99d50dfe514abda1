"""How a plan, or the rest of one, will go; and why each task that is open waits."""

from dataclasses import replace
from pathlib import Path

import pytest

from parallel_orchestra.events import Claimed, Failed, Returned, RunEnded, RunStarted, StartsHeld
from parallel_orchestra.graph import Graph, rivals
from parallel_orchestra.model import Plan, Task
from parallel_orchestra.progress import Place, RunFacts, fold
from parallel_orchestra.schedule import (
    Hold,
    Schedule,
    Seen,
    Standing,
    at_the_start,
    outlook,
    play,
)
from parallel_orchestra.states import TaskState

AVAILABLE, LOCKED, DONE, FAILED = TaskState
ME, OTHER = "host-1-00000001", "host-2-00000002"


def outlook_of(tasks, workers=2, past=None, limits=None, took=None, **standing):
    graph = Graph.of(tasks)
    seen = {task.id: Seen(AVAILABLE) for task in tasks} | standing.pop("seen", {})
    return outlook(
        tasks,
        graph,
        rivals(tasks, graph),
        limits or {},
        past or {},
        workers,
        Standing(seen, **standing),
        took=took or {},
    )


FORK = [
    Task(id="a", estimate=10.0),
    Task(id="b", depends_on=("a",), estimate=20.0),
    Task(id="c", depends_on=("a",), estimate=5.0),
    Task(id="d", depends_on=("a",), estimate=6.0),
]


def test_the_outlook_of_a_fresh_plan_is_that_of_its_schedule():
    found = outlook_of(FORK)

    assert (found.path, found.path_seconds) == (("a", "b"), 30.0)
    assert (found.seconds, found.work, found.width) == (30.0, 41.0, 3)
    assert (found.tasks, found.known) == (4, 4)


def test_what_is_done_failed_or_doomed_is_not_part_of_the_rest():
    rest = outlook_of(FORK, seen={"a": Seen(DONE), "b": Seen(DONE)}, workers=1)
    lost = outlook_of(FORK, seen={"a": Seen(FAILED)})

    assert (rest.path, rest.seconds, rest.tasks) == (("d",), 11.0, 2)
    assert (lost.path, lost.seconds, lost.tasks) == ((), 0.0, 0)


def test_a_running_task_needs_what_is_left_of_it_and_never_less_than_nothing():
    seen = {"a": Seen(DONE), "b": Seen(LOCKED), "c": Seen(LOCKED), "d": Seen(DONE)}

    found = outlook_of(FORK, seen=seen, elapsed={"b": 12.0, "c": 99.0})

    assert (found.path, found.seconds) == (("b",), 8.0)


def test_a_persons_lock_is_waited_for_by_nobody():
    seen = {"a": Seen(DONE), "b": Seen(LOCKED, parked=True)}

    found = outlook_of(FORK, seen=seen, workers=1)

    assert (found.tasks, found.seconds) == (2, 11.0)


def test_a_backoff_is_waited_for_on_the_clock_of_the_standing():
    seen = {"a": Seen(AVAILABLE, not_before=1_000_007.0)}

    assert outlook_of(FORK[:1], seen=seen, now=1_000_000.0).seconds == 17.0


def test_groups_and_shared_files_make_it_longer_and_past_durations_tell_how_long():
    group = [Task(id=name, concurrency_group="db") for name in "ab"]
    files = [Task(id=name, writes=("x",)) for name in "ab"]
    past = {"a": 10.0, "b": 10.0}

    assert outlook_of(group, past=past, limits={"db": 2}).seconds == 10.0
    assert [outlook_of(tasks, past=past).seconds for tasks in (group, files)] == [20.0, 20.0]


def test_where_too_many_share_a_file_only_the_least_is_told(monkeypatch):
    monkeypatch.setattr("parallel_orchestra.schedule.forecast._MOST_PAIRS", 2)
    tasks = [Task(id=name, writes=("x",), estimate=10.0) for name in "abc"]

    found = outlook_of(tasks)

    assert (found.seconds, found.at_least) == (15.0, True)
    assert not outlook_of(tasks[:2]).at_least


def test_where_nothing_is_known_nothing_is_told():
    assert outlook_of([Task(id="a"), Task(id="b")]).known == 0


def test_tasks_of_which_nothing_is_known_take_as_long_as_those_that_ended_in_this_run():
    tasks = [Task(id=name) for name in "abcdef"]
    done = {name: Seen(DONE) for name in "abc"}
    took = {"a": 4.0, "b": 6.0, "c": 8.0}

    found = outlook_of(tasks, seen=done, took=took)
    early = outlook_of(tasks, seen=done, took={"a": 4.0, "b": 6.0})

    assert (found.seconds, found.known, found.told) == (12.0, 0, True)
    assert not early.told


def test_a_play_tells_when_each_task_ends():
    graph = Graph.of(FORK)
    schedule = Schedule.of(FORK, graph, {}, {}, {})
    schedule.observe(Standing.fresh(FORK).seen)

    played = play(schedule, {task.id: task.estimate for task in FORK}, 2)

    assert played.ends == {"a": 10.0, "b": 30.0, "d": 16.0, "c": 21.0}


def test_at_the_start_all_workers_have_one_and_the_others_say_why_not():
    tasks = [
        *FORK[:2],
        *(Task(id=name, writes=("x",)) for name in ("w1", "w2")),
        *(Task(id=name, concurrency_group="db") for name in ("d1", "d2")),
        Task(id="free"),
    ]
    graph = Graph.of(tasks)
    schedule = Schedule.of(tasks, graph, rivals(tasks, graph), {}, {})
    schedule.observe(Standing.fresh(tasks).seen)

    causes = at_the_start(schedule, 3)

    assert {task: cause.kind for task, cause in causes.items()} == {
        "b": Hold.DEPENDENCY,
        "w2": Hold.OVERLAP,
        "d2": Hold.GROUP,
        "free": Hold.WORKER,
    }


# A run that is looked at


def look(tasks, places, *told, past=None):
    plan = Plan("0.2", "demo", Path("/repo/plan.md"), Path("/repo"), tuple(tasks))
    facts = RunFacts("r1", plan, "/repo/_tasks", "main", "b0", "orchestra/demo", "t1", {})
    history = [(ME, RunStarted(100.0, "r1", 2, "parallel", "", resumed=False)), *told]
    return fold(replace(facts, past=past or {}), places, history, 200.0)


def lies(state, attempts=0, failures=0):
    return Place(state, attempts, failures, ME if state is LOCKED else "")


def causes_of(report):
    return {task.id: task.cause.kind for task in report.tasks if task.cause is not None}


def test_a_look_at_a_run_says_why_each_open_task_waits():
    tasks = [
        Task(id="run"),
        Task(id="after", depends_on=("run",)),
        Task(id="bad"),
        Task(id="lost", depends_on=("bad",)),
        Task(id="again"),
        Task(id="ready"),
    ]
    places = {task.id: lies(AVAILABLE) for task in tasks} | {
        "run": lies(LOCKED, 1),
        "bad": lies(FAILED, 2, 2),
        "again": lies(AVAILABLE, 1, 1),
    }
    told = [
        (ME, Claimed(150.0, "run", 1, 1)),
        (ME, Failed(160.0, "bad", 2, "transient", "why")),
        (ME, Returned(170.0, "again", 1, "transient", "why", 230.0)),
    ]

    report = look(tasks, places, *told)

    assert causes_of(report) == {
        "after": Hold.DEPENDENCY,
        "lost": Hold.DOOMED,
        "again": Hold.BACKOFF,
        "ready": Hold.WORKER,
    }
    assert report.tasks[4].cause.words == "failed before; next attempt in 30 s"
    assert report.outlook.workers == 2


def test_the_rest_of_a_run_counts_from_what_its_tasks_took_before():
    tasks = [Task(id="a"), Task(id="b", depends_on=("a",))]
    places = {"a": lies(LOCKED, 1), "b": lies(AVAILABLE)}

    report = look(tasks, places, (ME, Claimed(150.0, "a", 1, 1)), past={"a": 70.0, "b": 30.0})

    assert (report.outlook.seconds, report.outlook.path) == (50.0, ("a", "b"))


def test_short_memory_is_the_cause_until_it_is_over_or_the_run_is():
    tasks, places = [Task(id="a")], {"a": lies(AVAILABLE)}
    short = (ME, StartsHeld(150.0, "memory is short"))

    held = look(tasks, places, short)
    over = look(tasks, places, short, (ME, StartsHeld(160.0, "")))
    of_two = look(tasks, places, short, (OTHER, StartsHeld(160.0, "")))
    resumed = look(tasks, places, short, (ME, RunStarted(180.0, "r1", 2, "", "", resumed=True)))
    ended = look(tasks, places, short, (ME, RunEnded(190.0, 3, 90.0)))

    assert [held.held, of_two.held] == [("memory is short",)] * 2
    assert held.tasks[0].cause.words == "memory is short"
    kinds = [causes_of(one)["a"] for one in (held, over, resumed, ended)]
    assert kinds == [Hold.MACHINE, Hold.WORKER, Hold.WORKER, Hold.NO_RUN]
    assert [over.held, resumed.held, ended.held] == [()] * 3


@pytest.mark.parametrize("state", [DONE, FAILED])
def test_a_run_in_which_nothing_is_open_has_no_outlook(state):
    report = look([Task(id="a")], {"a": lies(state, 1)})

    assert report.outlook is None
    assert causes_of(report) == {}


def test_a_paused_run_and_a_task_that_is_left_out_say_so():
    tasks = [Task(id="a"), Task(id="b"), Task(id="c", depends_on=("a",))]
    plan = Plan("0.2", "demo", Path("/repo/plan.md"), Path("/repo"), tuple(tasks))
    facts = RunFacts("r1", plan, "/repo/_tasks", "main", "b0", "orchestra/demo", "t1", {})
    facts = replace(facts, paused="by ana", left_out={"b": "left out of this run: `--skip`"})

    report = fold(facts, {task.id: lies(AVAILABLE) for task in tasks}, [], 200.0)

    assert {task.id: task.cause.words for task in report.tasks} == {
        "a": "the run is paused by ana",
        "b": "left out of this run: `--skip`",
        "c": "waits for `a`",
    }
    assert report.outlook.tasks == 2
