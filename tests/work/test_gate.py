"""A gate shuts while memory is short or the load is high, says so, and never for ever."""

import pytest

from parallel_orchestra.board.gate import Demands, Gate
from parallel_orchestra.machine import Memory
from support.clock import FakeClock

MIB = 1 << 20


class Machine:
    """A machine whose memory (MiB) and load are what the test says, and a gate on it."""

    def __init__(self, demands: Demands, total: int = 8192) -> None:
        self.clock, self.said = FakeClock(), []
        self.available, self.total, self.load = total, total, 0.0
        self.gate = Gate(
            demands,
            self.said.append,
            self.clock.monotonic,
            lambda: 0.5,
            memory=lambda: Memory(self.total * MIB, self.available * MIB),
            load=lambda: self.load,
        )

    def shut(self, running: int = 1, *, available: int | None = None, after: float = 1.0) -> bool:
        self.clock.advance(after)
        self.available = self.available if available is None else available
        return self.gate.shut(running)


def test_it_shuts_while_memory_is_short_and_opens_once_there_is_clearly_enough():
    machine = Machine(Demands(memory=1000 * MIB))

    seen = [machine.shut(available=size) for size in (1000, 999, 1100, 1249, 1250, 1001)]

    assert seen == [False, True, True, True, False, False]


def test_it_says_once_that_it_shuts_and_once_that_it_opens():
    machine = Machine(Demands(memory=1000 * MIB))

    for size in (999, 500, 2000, 2000):
        machine.shut(available=size)

    assert machine.said == [
        "memory is short: 999 MiB are available, and 1000 must be (`--min-memory`)",
        "",
    ]


@pytest.mark.parametrize(
    ("total", "least"), [(8192, 512), (2000, 200)], ids=["usual", "small machine"]
)
def test_without_a_word_the_demand_fits_the_machine(total, least):
    machine = Machine(Demands(), total)

    assert [machine.shut(available=size) for size in (least, least - 1)] == [False, True]


def test_zero_demands_nothing():
    assert not Machine(Demands(memory=0)).shut(available=0)


def test_a_system_that_does_not_tell_is_no_reason_to_wait():
    clock, said = FakeClock(), []
    gate = Gate(
        Demands(load=1.0),
        said.append,
        clock.monotonic,
        lambda: 0.5,
        memory=lambda: None,
        load=lambda: None,
    )

    assert not gate.shut(1)
    assert said == []


def test_it_shuts_while_the_load_is_high():
    machine = Machine(Demands(load=4.0))

    seen = []
    for machine.load in (4.0, 4.5, 3.9):
        seen.append(machine.shut())

    assert seen == [False, True, False]
    assert machine.said == ["the load of the machine is 4.5, and may be 4 (`--max-load`)", ""]


def test_with_nothing_running_one_task_a_minute_gets_through():
    machine = Machine(Demands(memory=1000 * MIB))

    seen = [machine.shut(0, available=1, after=after) for after in (1, 59, 1, 1, 59)]

    assert seen == [True, True, False, True, False]


def test_while_something_runs_none_gets_through_however_long_it_takes():
    machine = Machine(Demands(memory=1000 * MIB))

    assert all(machine.shut(1, available=1, after=3600) for _ in range(3))


def test_a_reading_holds_for_half_a_second():
    machine = Machine(Demands(memory=1000 * MIB))
    machine.shut(available=2000)

    assert [machine.shut(available=1, after=0.3), machine.shut(after=0.3)] == [False, True]


def test_between_two_starts_lies_what_the_backend_needs_more_or_less():
    machine = Machine(Demands(gaps={"claude": 2.0, "command": 0.0}))

    assert [machine.gate.gap(name) for name in ("claude", "command", "new")] == [2.0, 0.0, 0.0]
