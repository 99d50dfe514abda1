"""Python looks for no garbage where much is made that stays, and does so again afterwards."""

import gc
import subprocess
import sys
from contextlib import ExitStack

import pytest

from parallel_orchestra.garbage import leave, loading, stay, staying, undisturbed


def test_no_garbage_is_looked_for_in_a_block_and_it_is_again_after_one_that_failed():
    seen = []

    def look():
        with undisturbed():
            seen.append(gc.isenabled())
            raise OSError("full")

    with pytest.raises(OSError, match="full"):
        look()

    assert (seen, gc.isenabled()) == ([False], True)


def test_of_several_threads_in_such_blocks_the_last_one_out_puts_it_back():
    first, last = ExitStack(), ExitStack()
    first.enter_context(undisturbed())
    last.enter_context(undisturbed())

    first.close()
    between = gc.isenabled()
    last.close()

    assert (between, gc.isenabled()) == (False, True)


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


def test_what_was_there_before_a_block_stays_until_its_end_also_if_it_fails():
    seen = []

    def look():
        with staying():
            seen.append(gc.get_freeze_count())
            raise OSError("full")

    with pytest.raises(OSError, match="full"):
        look()

    assert seen[0] > 0
    assert gc.get_freeze_count() == 0


def test_no_garbage_is_looked_for_when_a_process_ends():
    program = (
        "from parallel_orchestra.garbage import none_at_the_end\n"
        "class Loud:\n"
        "    def __del__(self): print('looked at')\n"
        "loud = Loud(); loud.itself = loud; del loud\n"
    )

    def said(*more):
        command = [sys.executable, "-c", "\n".join((program, *more))]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout

    assert said() == "looked at\n"
    assert said("none_at_the_end()", "none_at_the_end()") == ""


def test_what_is_loaded_stays_and_is_not_looked_through():
    leave()

    with loading():
        seen = gc.isenabled()
    kept = gc.get_freeze_count()
    leave()

    assert (seen, gc.isenabled()) == (False, True)
    assert kept > 0
