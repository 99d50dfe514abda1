"""A board whose workers wait hears at once of tasks that end in another process."""

import os
import threading

import pytest

from parallel_orchestra.board import Board, Clock
from parallel_orchestra.board.gate import Demands, Gate
from parallel_orchestra.graph import Graph
from parallel_orchestra.model import Halt, HaltWhen, Task
from parallel_orchestra.schedule import Schedule
from parallel_orchestra.states import TaskState
from parallel_orchestra.store import TaskStore
from parallel_orchestra.store.room import Room
from support.clock import FakeClock
from support.merging import Stage
from support.repository import make_repository
from support.waiting import wait_until

TASKS = {
    "long": Task("long"),
    "theirs": Task("theirs"),
    "next": Task("next", depends_on=("theirs",)),
}


@pytest.fixture
def stage(tmp_path):
    one = Stage(make_repository(tmp_path / "project", {"a.txt": "a\n"}))
    one.publish(*TASKS)
    yield one
    one.close()


@pytest.fixture
def theirs(stage):
    """The store of another process, which is alive."""
    there = Stage(stage.project)
    there.register()
    yield there.store
    there.close()


def board_of(stage: Stage, tasks=TASKS, **facts) -> Board:
    """A board whose clock stands still, so that no look is due by itself after the first."""
    clock = FakeClock()
    listed = tuple(tasks.values())
    return Board(
        tasks,
        Schedule.of(listed, Graph.of(listed), {}, {}, {}),
        stage.store,
        stage.recovery(*tasks),
        Clock(clock.now, clock.monotonic),
        {},
        {},
        Room((), print, clock.monotonic),
        Gate(Demands(memory=0), print, clock.monotonic, lambda: 0.5),
        **facts,
    )


def end(store, *tasks):
    """Claims and completes these tasks."""
    for task in tasks:
        store.complete(store.claim(store.listing().entries[task].name), ())


def looks_of(monkeypatch):
    """Returns a list that grows with every look at all tasks."""
    looks, real = [], TaskStore.listing

    def look(one):
        looks.append(one)
        return real(one)

    monkeypatch.setattr(TaskStore, "listing", look)
    return looks


@pytest.mark.parametrize("mends", [True, False])
def test_once_all_have_ended_only_who_mends_looks_at_them_all_again(
    stage, theirs, monkeypatch, mends
):
    end(theirs, "theirs")
    board = board_of(stage, mends=mends)
    mine = board.next()
    end(theirs, "next")
    looks = looks_of(monkeypatch)

    board.ended(stage.store.complete(mine, ()), TaskState.DONE)

    assert board.next() is None
    assert bool(looks) == mends


@pytest.mark.parametrize(
    ("facts", "halted"),
    [({}, False), ({"halt": Halt.of("soon")}, True), ({"halt": Halt.of("soon,2")}, False)],
    ids=["goes on", "halts", "not yet"],
)
def test_who_is_to_halt_starts_nothing_once_a_task_has_failed_elsewhere(
    stage, theirs, facts, halted
):
    tasks = {**TASKS, "other": Task("other", priority=-1)}
    stage.publish("other")
    claim = theirs.claim(theirs.listing().entries["theirs"].name)
    board = board_of(stage, tasks, **facts)
    mine = board.next()
    theirs.fail(claim, counted=True, then=())
    board.ended(stage.store.complete(mine, ()), TaskState.DONE)

    after = board.next()

    assert mine.task == "long"
    assert (after is None) == halted
    assert board.halted() == (HaltWhen.SOON if halted else None)


def test_all_have_ended_if_none_waits_and_none_is_at_work_and_one_can_see_that(stage):
    store, seen = stage.store, []
    for task in TASKS:
        seen.append(store.all_ended())
        claim = stage.claim(task)
        seen.append(store.all_ended())
        store.complete(claim, ())
    locked = stage.layout.state(TaskState.LOCKED)

    ended = store.all_ended()
    locked.rmdir()
    locked.touch()

    assert seen == [False] * 6
    assert ended
    assert not store.all_ended()


@pytest.mark.slow
def test_who_mends_nothing_waits_for_a_task_that_another_process_has(stage, theirs):
    end(theirs, "theirs")
    board, got = board_of(stage, mends=False), []
    mine = board.next()
    claim = theirs.claim(theirs.listing().entries["next"].name)
    board.ended(stage.store.complete(mine, ()), TaskState.DONE)
    asker = threading.Thread(target=lambda: got.append(board.next()), daemon=True)
    asker.start()
    asker.join(0.3)
    waits = asker.is_alive()

    theirs.complete(claim, ())
    asker.join(10)

    assert waits
    assert got == [None]


@pytest.mark.slow
def test_who_waits_beside_a_busy_worker_hears_that_a_task_ended_elsewhere(stage, theirs):
    claim = theirs.claim(theirs.listing().entries["theirs"].name)
    board, got = board_of(stage), []
    mine = board.next()
    asker = threading.Thread(target=lambda: got.append(board.next()), daemon=True)
    asker.start()
    asker.join(0.3)
    waits = asker.is_alive()

    theirs.complete(claim, ())
    asker.join(10)

    assert mine.task == "long"
    assert waits
    assert [one.task for one in got] == ["next"]


@pytest.mark.slow
def test_of_all_that_wait_one_looks_out(stage, theirs, monkeypatch):
    assert theirs.claim(theirs.listing().entries["theirs"].name)
    board, peeks = board_of(stage), []
    board.next()
    real = TaskStore.signs_of_ends

    def peek(store):
        peeks.append(threading.get_ident())
        return real(store)

    monkeypatch.setattr(TaskStore, "signs_of_ends", peek)
    askers = [threading.Thread(target=board.next, daemon=True) for _ in range(3)]
    for asker in askers:
        asker.start()
    wait_until(lambda: len(peeks) > 3)
    seen = set(peeks)
    board.stop()
    for asker in askers:
        asker.join(10)

    assert len(seen) == 1


def test_the_signs_of_ends_are_others_after_an_end_and_none_without_directories(stage, tmp_path):
    claim = stage.claim("long")
    before, again = stage.store.signs_of_ends(), stage.store.signs_of_ends()
    # An end in the same tick of the clock would leave them as they are.
    os.utime(stage.layout.state(TaskState.DONE), (1, 1))
    old = stage.store.signs_of_ends()

    stage.store.complete(claim, ())

    assert before == again
    assert stage.store.signs_of_ends() != old
    stage.layout.root.rename(tmp_path / "away")
    assert stage.store.signs_of_ends() == ()
