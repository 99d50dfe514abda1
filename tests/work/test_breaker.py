"""All workers and processes of a run keep to one usage limit, and one of them tries when it ends."""

from dataclasses import dataclass

import pytest

from parallel_orchestra.board import Board, Clock, Demands, Gate
from parallel_orchestra.board.breaker import Breaker
from parallel_orchestra.events import LimitOver, LimitReached, Warned
from parallel_orchestra.graph import Graph
from parallel_orchestra.model import FailureClass, LimitMode, Task, UsageLimit
from parallel_orchestra.schedule import Hold, Schedule, Seen
from parallel_orchestra.schedule.usage_limits import PROBATION, Account
from parallel_orchestra.states import TaskState
from parallel_orchestra.store import Claim, Layout, TaskName, TaskStore
from parallel_orchestra.store.limits import limits
from parallel_orchestra.store.room import Room
from support.clock import FakeClock
from support.merging import Stage
from support.repository import make_repository

HOUR = 3600.0
PATIENT = UsageLimit()
ONE, TWO = Account("claude", "11"), Account("claude", "22", "22")
LIMIT = FailureClass.USAGE_LIMIT
#: What the service's time is followed by, with the dice at nought.
JITTER = 1.0
#: `a` to `c` are paid by one account, `other` by another one.
ACCOUNTS = {"a": ONE, "b": ONE, "c": ONE, "other": TWO}


@dataclass
class Process:
    """One process of the run: its breaker, its schedule, and what it was told."""

    breaker: Breaker
    schedule: Schedule
    store: TaskStore
    clock: FakeClock
    told: list[object]

    def start(self, *tasks: str) -> list[Claim]:
        """Claims tasks as a worker does, those that may start at this moment."""
        return [claim for task in tasks if (claim := self._started(task)) is not None]

    def _started(self, task: str) -> Claim | None:
        self.breaker.heed(self.schedule)
        if self.schedule.take(self.clock.monotonic(), only=task) is None:
            return None
        if not self.breaker.admits(task):
            self.schedule.moved(task, TaskState.AVAILABLE)
            return None
        claim = self.store.claim(self.store.listing().entries[task].name)
        assert claim is not None
        self.breaker.began(claim)
        self.breaker.brake(self.schedule)
        return claim

    def end(self, claim: Claim, failure: FailureClass | None, wait: float | None = None) -> None:
        """Ends an attempt: the breaker is told, then the task moves."""
        if self.breaker.concerns(claim, failure):
            self.breaker.ended(claim, failure, "hit your limit", wait)
            self.breaker.brake(self.schedule)
        if failure is None:
            self.store.complete(claim, ())
            self.schedule.moved(claim.task, TaskState.DONE)
        else:
            self.store.give_back(claim, counted=False, then=())
            self.schedule.moved(claim.task, TaskState.AVAILABLE)

    def look(self) -> None:
        """Sees where tasks lie, as every now and then."""
        self.breaker.heed(self.schedule, anyhow=True)
        entries = self.store.listing().entries
        self.schedule.observe({task: Seen(entry.state) for task, entry in entries.items()})


@pytest.fixture
def clock():
    return FakeClock()


@pytest.fixture
def layout(tmp_path):
    found = Layout(tmp_path / "_tasks")
    found.create()
    tasks = [Task(one) for one in ACCOUNTS]
    TaskStore(found, "host-1-00000000").publish(tasks, "run1", dict.fromkeys(ACCOUNTS, "print"))
    return found


@pytest.fixture
def process(layout, clock):
    def made(owner="host-1-00000001", policy=PATIENT):
        tasks = [Task(one) for one in ACCOUNTS]
        lanes = {task: account.lane for task, account in ACCOUNTS.items()}
        schedule = Schedule.of(tasks, Graph.of(tasks), {}, {}, {}, lanes=lanes)
        told = []
        breaker = Breaker(
            layout,
            ACCOUNTS,
            policy,
            Clock(clock.now, clock.monotonic),
            dice=lambda: 0.0,
            tell=told.append,
        )
        one = Process(breaker, schedule, TaskStore(layout, owner), clock, told)
        one.look()
        return one

    return made


def test_no_process_starts_a_task_of_the_account_until_the_limit_ends(process, clock):
    first, second = process(), process("host-2-00000002")
    (claim,) = first.start("a")

    first.end(claim, LIMIT, HOUR)

    assert first.start("a", "b") == second.start("b", "c") == []
    assert [one.task for one in second.start("other")] == ["other"]
    cause = second.schedule.causes(clock.monotonic())["b"]
    assert (cause.kind, cause.until) == (Hold.USAGE_LIMIT, clock.monotonic() + HOUR + JITTER)
    assert [type(event) for event in first.told] == [LimitReached]
    assert second.told == []


def test_who_runs_goes_on_and_two_at_one_limit_are_one_limit(process, layout, clock):
    first, second = process(), process("host-2-00000002")
    (a,), (b,) = first.start("a"), second.start("b")

    first.end(a, LIMIT, HOUR)
    clock.advance(2)
    second.end(b, LIMIT, HOUR - 2)

    (limit,) = limits(layout)[0].values()
    assert limit.until == clock.now() + HOUR - 2 + JITTER
    assert second.told == []


def test_when_it_ends_one_tries_alone_and_the_others_follow_once_it_got_through(process, clock):
    first, second = process(), process("host-2-00000002")
    first.end(*first.start("a"), LIMIT, HOUR)

    clock.advance(HOUR + JITTER)
    (probe,) = first.start("a", "b")
    held = second.start("b", "c")
    first.end(probe, None)

    assert (probe.task, held) == ("a", [])
    assert [one.task for one in second.start("b", "c")] == ["b", "c"]
    assert isinstance(first.told[-1], LimitOver)


def test_a_limit_that_is_met_again_opens_again(process, clock):
    first, second = process(), process("host-2-00000002")
    first.end(*first.start("a"), LIMIT, HOUR)
    clock.advance(HOUR + JITTER)

    second.end(*second.start("b"), LIMIT, 2 * HOUR)

    assert first.start("a", "b", "c") == []
    clock.advance(2 * HOUR)
    assert second.start("a", "b", "c") == []
    clock.advance(JITTER)
    assert len(second.start("a", "b", "c")) == 1


def test_one_that_tries_and_shows_nothing_leaves_it_to_the_next(process, clock):
    first, second = process(), process("host-2-00000002")
    first.end(*first.start("a"), LIMIT, HOUR)
    clock.advance(HOUR + JITTER)

    first.end(*first.start("a"), FailureClass.TRANSIENT)

    second.look()
    assert len(second.start("b", "c")) == 1


def test_one_that_tries_and_dies_leaves_it_to_the_next(process, layout, clock):
    first, second = process(), process("host-2-00000002")
    first.end(*first.start("a"), LIMIT, HOUR)
    clock.advance(HOUR + JITTER)
    (probe,) = first.start("a")

    held = second.start("b")
    lock = layout.state(TaskState.LOCKED) / probe.name.file
    lock.rename(layout.state(TaskState.AVAILABLE) / TaskName("a", 2, 0).file)
    second.look()

    assert held == []
    assert len(second.start("b", "c")) == 1


def test_who_tries_for_a_minute_lets_the_others_in(process, clock):
    first, second = process(), process("host-2-00000002")
    first.end(*first.start("a"), LIMIT, HOUR)
    clock.advance(HOUR + JITTER)
    first.start("a")

    clock.advance(PROBATION - 1)
    second.look()
    early = second.start("b", "c")
    clock.advance(1)
    second.look()

    assert early == []
    assert len(second.start("b", "c")) == 2


def test_a_success_of_one_that_ran_before_shows_nothing(process, clock):
    first = process()
    a, b = first.start("a", "b")
    first.end(a, LIMIT, HOUR)

    first.end(b, None)

    assert first.start("c") == []


def test_whoever_removes_the_file_lets_all_of_them_start(process, layout):
    first = process()
    first.end(*first.start("a"), LIMIT, HOUR)

    (path,) = layout.limits.iterdir()
    path.unlink()

    assert [one.task for one in first.start("a", "b")] == ["a", "b"]


def test_a_file_that_is_no_record_is_told_once_and_holds_nobody(process, layout):
    first = process()
    (layout.limits / f"{ONE.lane}.json").write_text("{")

    started = first.start("a", "b")
    first.look()

    assert [one.task for one in started] == ["a", "b"]
    (warning,) = first.told
    assert isinstance(warning, Warned)
    assert "is no record of a limit: ignored" in warning.text


def test_a_run_that_is_to_stop_starts_none_of_them_even_when_the_time_comes(process, clock):
    first = process(policy=UsageLimit(LimitMode.STOP))
    first.end(*first.start("a"), LIMIT, 10.0)

    now = [first.breaker.stopped(task) for task in ("a", "b", "other")]
    clock.advance(HOUR)
    first.look()

    assert now == [True, True, False]
    assert first.breaker.stopped("a")


def test_a_limit_beyond_the_longest_wait_stops_and_one_within_it_does_not(process, clock):
    patient, hasty = process(), process("host-2-00000002", UsageLimit(max_wait=HOUR))
    patient.end(*patient.start("a"), LIMIT, 2 * HOUR)

    hasty.look()

    assert not patient.breaker.stopped("b")
    assert hasty.breaker.stopped("b")


def test_a_full_disk_does_not_let_this_process_forget(process, layout, monkeypatch):
    first = process()
    claims = first.start("a")

    def full(*_: object, via: object) -> None:
        del via
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("parallel_orchestra.store.limits.files.replace", full)
        first.end(*claims, LIMIT, HOUR)
        written = limits(layout)[0]
        held = first.start("a", "b")
    first.look()

    assert (written, held) == ({}, [])
    assert limits(layout)[0].keys() == {ONE.lane}
    assert first.start("a", "b") == []
    assert "could not be written down for other processes" in first.told[0].text


@pytest.mark.slow
def test_a_worker_waits_for_the_end_of_a_limit_and_goes_on_by_itself(tmp_path, clock, monkeypatch):
    monkeypatch.setattr("parallel_orchestra.board.board._PAUSE", 0.01)
    monkeypatch.setattr("parallel_orchestra.board.rounds.LOOK_WAITING", 0.01)
    monkeypatch.setattr("parallel_orchestra.board.rounds._LOOK_EVERY", 0.01)
    stage = Stage(make_repository(tmp_path / "project", {"a.txt": "a\n"}))

    def ticking() -> float:
        clock.advance(0.5)
        return clock.monotonic()

    stage.publish("a")
    tasks = {"a": Task("a")}
    held = Clock(clock.now, ticking)
    schedule = Schedule.of(
        tuple(tasks.values()), Graph.of([Task("a")]), {}, {}, {}, None, {"a": ONE.lane}
    )
    breaker = Breaker(
        stage.layout, {"a": ONE}, UsageLimit(), held, dice=lambda: 0.0, tell=lambda _: None
    )
    gate = Gate(Demands(memory=0), print, ticking, lambda: 0.5)
    room = Room((), print, ticking)
    board = Board(
        tasks, schedule, stage.store, stage.recovery("a"), held, {}, {}, room, gate, breaker=breaker
    )
    claim = board.next()

    met = clock.now()
    board.answered(claim, LIMIT, "hit your limit", 60.0)
    board.ended(stage.store.give_back(claim, counted=False, then=()), TaskState.AVAILABLE)
    again = board.next()

    assert again is not None
    assert again.attempt == 2
    assert clock.now() >= met + 60.0 + JITTER
    stage.close()
