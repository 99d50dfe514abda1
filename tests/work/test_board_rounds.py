"""When a board looks, and what keeps a look from costing more than it must."""

import gc

import pytest

from parallel_orchestra.board.rounds import Rounds, leave, stay, undisturbed
from support.clock import FakeClock


def test_no_garbage_is_looked_for_in_a_look_and_it_is_again_after_one_that_failed():
    seen = []

    def look():
        with undisturbed():
            seen.append(gc.isenabled())
            raise OSError("full")

    with pytest.raises(OSError, match="full"):
        look()

    assert (seen, gc.isenabled()) == ([False], True)


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


def test_who_looks_for_no_garbage_at_all_is_left_in_peace():
    gc.disable()
    try:
        with undisturbed():
            pass
        after = gc.isenabled()
    finally:
        gc.enable()

    assert not after


def test_what_stays_for_the_run_is_garbage_like_any_other_afterwards():
    stay()
    kept = gc.get_freeze_count()
    leave()

    assert kept > 0
    assert gc.get_freeze_count() == 0
