"""When a board looks, and what keeps a look from costing more than it must."""

from parallel_orchestra.board.rounds import Rounds
from support.clock import FakeClock


def test_that_nothing_keeps_tasks_from_starting_is_believed_for_a_hundredth_of_a_second():
    clock = FakeClock()
    rounds = Rounds(clock.monotonic)
    rounds.looked(clock.monotonic(), ())
    now = clock.monotonic()

    rounds.made_sure(now)
    believed = [rounds.sure(now + later) for later in (0.0, 0.009, 0.011)]
    rounds.ask()

    assert believed == [True, True, False]
    assert not rounds.sure(now)
