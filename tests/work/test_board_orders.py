"""A board keeps to what people ask of the run, and takes in tasks that join it."""

import threading

import pytest

from parallel_orchestra.board import Board, Clock
from parallel_orchestra.board.gate import Demands, Gate
from parallel_orchestra.errors import WaitsForPerson
from parallel_orchestra.graph import Graph
from parallel_orchestra.model import Task
from parallel_orchestra.schedule import Schedule
from parallel_orchestra.states import TaskState
from parallel_orchestra.store import steering
from parallel_orchestra.store.room import Room
from parallel_orchestra.store.steering import Asked, Selection, Wish
from support.clock import FakeClock
from support.merging import Stage
from support.repository import make_repository
from support.waiting import wait_until

pytestmark = pytest.mark.slow


@pytest.fixture
def stage(tmp_path):
    one = Stage(make_repository(tmp_path / "project", {"a.txt": "a\n"}))
    one.publish("a")
    yield one
    one.close()


@pytest.fixture
def clock():
    return FakeClock()


@pytest.fixture
def tasks():
    return {"a": Task("a")}


@pytest.fixture
def board(stage, clock, tasks, monkeypatch):
    monkeypatch.setattr("parallel_orchestra.board.board._PAUSE", 0.01)
    return Board(
        tasks,
        schedule_of(tasks),
        stage.store,
        stage.recovery("a"),
        Clock(clock.now, clock.monotonic),
        {},
        {},
        Room((), lambda _: None, clock.monotonic),
        Gate(Demands(memory=0), lambda _: None, clock.monotonic, lambda: 0.5),
    )


def schedule_of(tasks):
    listed = tuple(tasks.values())
    return Schedule(listed, Graph.of(listed), {}, {}, dict.fromkeys(tasks, 1.0), None)


def test_a_paused_board_hands_out_nothing_until_it_may(stage, board):
    steering.ask(stage.layout, Wish.PAUSE, Asked())
    claims = []
    asker = threading.Thread(target=lambda: claims.append(board.next()), daemon=True)

    by_hand = board.now(lambda: None)
    asker.start()
    asker.join(0.2)
    waits = asker.is_alive()
    steering.withdraw(stage.layout, Wish.PAUSE)
    asker.join(10)

    assert by_hand is None
    assert waits
    assert [claim.task for claim in claims] == ["a"]


def test_a_pause_of_more_than_a_day_ends_an_idle_process(stage, board, clock):
    steering.ask(stage.layout, Wish.PAUSE, Asked())
    errors = []

    def ask():
        try:
            board.next()
        except WaitsForPerson as error:
            errors.append(error)

    asker = threading.Thread(target=ask, daemon=True)
    asker.start()
    wait_until(lambda: clock.advance(3600) or errors)

    assert "paused for a day" in str(errors[0])
    assert steering.paused(stage.layout)


def test_a_paused_board_with_nothing_left_to_do_is_over(stage, board):
    claim = board.now(lambda: None)
    name = stage.store.complete(claim, ())
    board.ended(name, TaskState.DONE)
    steering.ask(stage.layout, Wish.PAUSE, Asked())

    assert board.next() is None


def test_a_task_that_the_run_leaves_out_is_not_handed_out(stage, board):
    steering.select(stage.layout, Selection(frozenset(), "--only b"))

    assert board.now(lambda: None) is None
    assert board.exhausted()
    assert board.next() is None


def test_a_board_that_was_over_hands_out_a_task_that_joined(stage, board, tasks):
    claim = board.now(lambda: None)
    board.ended(stage.store.complete(claim, ()), TaskState.DONE)
    over = board.next()
    before = board.revived()
    tasks["b"] = Task("b", depends_on=("a",))
    stage.publish("b")

    board.enlarge(schedule_of(tasks), {}, {})

    assert (over, before) == (None, False)
    assert board.revived()
    assert board.next().task == "b"
