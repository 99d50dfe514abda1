"""What holds starts up holds no worker: short memory, and agents that start one after the other."""

import pytest

from parallel_orchestra.board import Board, Clock
from parallel_orchestra.board.gate import Demands, Gate
from parallel_orchestra.graph import Graph
from parallel_orchestra.machine import Memory
from parallel_orchestra.model import Task
from parallel_orchestra.schedule import Schedule
from parallel_orchestra.states import TaskState
from parallel_orchestra.store.room import Room
from support.clock import FakeClock
from support.merging import Stage
from support.repository import make_repository

pytestmark = pytest.mark.slow


@pytest.fixture
def stage(tmp_path):
    one = Stage(make_repository(tmp_path / "project", {"a.txt": "a\n"}))
    yield one
    one.close()


@pytest.fixture
def clock(monkeypatch):
    monkeypatch.setattr("parallel_orchestra.board.board._PAUSE", 0.01)
    return FakeClock()


def board_of(stage: Stage, clock: FakeClock, tasks: list[Task], gate: Gate) -> Board:
    stage.publish(*(task.id for task in tasks))
    return Board(
        {task.id: task for task in tasks},
        Schedule.of(tasks, Graph.of(tasks), {}, {}, {}),
        stage.store,
        stage.recovery(*(task.id for task in tasks)),
        Clock(clock.now, clock.monotonic),
        {},
        {},
        Room((), print, clock.monotonic),
        gate,
    )


def gate_of(clock: FakeClock, demands: Demands, readings: list[int], said: list[str]) -> Gate:
    """A gate that reads one number of free bytes after the other, and the last one for ever."""

    def memory() -> Memory:
        clock.advance(1.0)
        return Memory(1 << 40, readings.pop(0) if len(readings) > 1 else readings[0])

    return Gate(demands, said.append, clock.monotonic, lambda: 0.5, memory=memory)


def test_no_task_starts_while_memory_is_short_and_then_they_do(stage, clock):
    said, readings = [], [10, 20, 30, 1000]
    board = board_of(stage, clock, [Task("a")], gate_of(clock, Demands(100), readings, said))

    claim = board.next()

    assert claim is not None
    assert claim.task == "a"
    assert readings == [1000]
    assert [bool(text) for text in said] == [True, False]


def test_a_run_that_has_nothing_left_ends_however_short_memory_is(stage, clock):
    said = []
    board = board_of(stage, clock, [Task("a")], gate_of(clock, Demands(100), [1000, 1], said))
    claim = board.next()

    board.ended(stage.store.complete(claim, ()), TaskState.DONE)

    assert board.next() is None
    assert said == []


def test_the_gap_between_two_agents_of_a_backend_is_filled_with_others_tasks(stage, clock):
    command = {"backend": "command", "command": "true"}
    tasks = [Task("a"), Task("b"), Task("c", **command), Task("d", **command)]
    demands = Demands(memory=0, gaps={"claude": 8.0, "command": 0.0})
    board = board_of(stage, clock, tasks, gate_of(clock, demands, [0], []))

    before = [board.next().task for _ in range(3)]
    held = board.why("b")
    clock.advance(8.0)
    after = board.next().task

    assert before == ["a", "c", "d"]
    assert held == "the agents of `claude` start one after the other"
    assert after == "b"
