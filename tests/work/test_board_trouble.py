"""A board whose disks are full, or do not answer, waits for them; and after a minute gives up."""

import errno
import os
import threading
from collections.abc import Callable

import pytest

from parallel_orchestra.board import Board, Clock
from parallel_orchestra.board.gate import Demands, Gate
from parallel_orchestra.errors import EnvironmentProblem
from parallel_orchestra.graph import Graph
from parallel_orchestra.model import Task
from parallel_orchestra.schedule import Schedule
from parallel_orchestra.states import TaskState
from parallel_orchestra.store import Claim, room
from parallel_orchestra.store.room import Place, Room
from support.clock import FakeClock
from support.merging import Stage
from support.repository import make_repository
from support.waiting import wait_until

pytestmark = pytest.mark.slow

FULL = "the disk of the worktrees has too little room: 0 MiB are free"


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
def said():
    return []


@pytest.fixture
def disk(monkeypatch):
    """How many bytes are free on all disks."""
    free = {"bytes": 1 << 40}
    monkeypatch.setattr(room, "free_bytes", lambda path: free["bytes"])
    return free


@pytest.fixture
def board(stage, clock, said, disk, tmp_path, monkeypatch):
    monkeypatch.setattr("parallel_orchestra.board.board._PAUSE", 0.01)
    tasks = {"a": Task("a")}
    graph = Graph.of(tuple(tasks.values()))
    return Board(
        tasks,
        Schedule(tuple(tasks.values()), graph, {}, {}, {"a": 1.0}, None),
        stage.store,
        stage.recovery(*tasks),
        Clock(clock.now, clock.monotonic),
        {},
        {},
        Room((Place("worktrees", tmp_path),), said.append, clock.monotonic),
        Gate(Demands(memory=0), said.append, clock.monotonic, lambda: 0.5),
    )


class Asker(threading.Thread):
    """A worker thread that asks the board for a task."""

    def __init__(self, board: Board) -> None:
        super().__init__(daemon=True)
        self.board = board
        self.claim: Claim | None = None
        self.error: Exception | None = None
        self.start()

    def run(self) -> None:
        try:
            self.claim = self.board.next()
        except Exception as error:  # noqa: BLE001  # whatever it is, the test looks at it
            self.error = error

    def advance(self, clock: FakeClock, until: Callable[[], bool]) -> None:
        """Lets time pass, a few seconds at a time, until something is so."""

        def so() -> bool:
            clock.advance(4.0)
            return until()

        wait_until(so, 60)
        self.join(0)

    def ended(self) -> bool:
        return not self.is_alive()


def failing(real: Callable, times: int, number: int = errno.EIO) -> Callable:
    """Returns a call that fails so many times before it does what the real one does."""
    left = [times]

    def call(*args: object, **options: object) -> object:
        if left[0]:
            left[0] -= 1
            raise OSError(number, os.strerror(number))
        return real(*args, **options)

    call.left = left
    return call


def test_no_task_starts_on_a_full_disk_and_it_is_said_once(board, clock, said, disk, tmp_path):
    disk["bytes"] = 0

    asker = Asker(board)
    asker.advance(clock, lambda: said and clock.elapsed > 30)

    assert not asker.ended()
    assert said == [f"{FULL} ({tmp_path}): no task starts until there is room"]
    disk["bytes"] = 1 << 40
    asker.advance(clock, asker.ended)
    assert asker.claim is not None
    assert asker.claim.task == "a"


def test_a_disk_that_is_full_for_a_minute_ends_the_run_by_name(board, clock, disk, tmp_path):
    disk["bytes"] = 0

    asker = Asker(board)
    asker.advance(clock, asker.ended)

    assert isinstance(asker.error, EnvironmentProblem)
    (problem,) = asker.error.problems
    assert (problem.what, problem.where) == (FULL, str(tmp_path))
    assert problem.hint == "make room there, then go on with `--resume`"
    assert clock.elapsed > 60


@pytest.mark.parametrize("call", ["recover", "roll_forward"])
def test_a_move_of_healing_that_fails_is_tried_again_and_ends_no_worker(
    board, stage, clock, monkeypatch, call
):
    if call == "recover":
        stage.claim("a")
    else:
        stage.merge("a")
    fails = failing(getattr(stage.store, call), 3)
    monkeypatch.setattr(stage.store, call, fails)

    asker = Asker(board)
    asker.advance(clock, asker.ended)

    assert asker.error is None
    assert fails.left == [0]
    assert stage.state("a") == ("locked" if call == "recover" else "done")
    assert (asker.claim is not None) == (call == "recover")


@pytest.mark.parametrize("call", ["listing", "claim"])
def test_a_disk_that_does_not_answer_for_a_while_is_asked_again(
    board, stage, clock, monkeypatch, call
):
    fails = failing(getattr(stage.store, call), 3)
    monkeypatch.setattr(stage.store, call, fails)

    asker = Asker(board)
    asker.advance(clock, asker.ended)

    assert asker.error is None
    assert asker.claim is not None
    assert fails.left == [0]


@pytest.mark.parametrize("call", ["listing", "claim"])
def test_a_disk_that_does_not_answer_for_a_minute_ends_the_run(
    board, stage, clock, monkeypatch, call
):
    monkeypatch.setattr(stage.store, call, failing(getattr(stage.store, call), -1))
    # Between two tries of the thread this clock may go on by more than any real one.
    monkeypatch.setattr("parallel_orchestra.board.troubles._TROUBLE_GAP", 1e9)

    asker = Asker(board)
    asker.advance(clock, asker.ended)

    assert isinstance(asker.error, EnvironmentProblem)
    (problem,) = asker.error.problems
    assert problem.what == "tasks can't be claimed: Input/output error"
    assert problem.where == str(stage.layout.root)
    assert clock.elapsed > 60


def test_two_troubles_long_after_each_other_are_not_one_that_lasts(
    board, stage, clock, monkeypatch
):
    fails = failing(stage.store.listing, 1)
    monkeypatch.setattr(stage.store, "listing", fails)
    stage.publish("b")
    first = Asker(board)
    first.advance(clock, first.ended)
    board.ended(stage.store.complete(first.claim, ()), TaskState.DONE)
    fails.left[0] = 1
    clock.advance(3_600)

    asker = Asker(board)
    asker.advance(clock, asker.ended)

    assert asker.error is None
    assert fails.left == [0]
