"""A task that comes back gets the berth that it had, and nobody waits for one."""

from contextlib import ExitStack

import pytest

from parallel_orchestra.worker import Berths


class Made:
    """A berth of which only its number and its directory are known."""

    def __init__(self, number):
        self.number = number

    def has(self, directory):
        return directory == f"/pool/wt-{self.number}"


@pytest.fixture
def berths():
    made = Berths()
    for number in (1, 2, 3):
        made.add(Made(number))
    return made


def test_a_worker_has_its_own_berth_if_the_task_had_none(berths):
    with berths.lent(2, "") as berth:
        assert berth.number == 2


def test_a_task_gets_the_berth_that_it_had_whoever_takes_it(berths):
    with berths.lent(2, "/pool/wt-3") as berth:
        assert berth.number == 3


def test_a_berth_that_is_lent_holds_nobody_up(berths):
    with ExitStack() as stack:
        lent = [stack.enter_context(berths.lent(n, "/pool/wt-1")).number for n in (3, 2, 1)]

    assert lent == [1, 2, 3]


def test_a_berth_comes_back_after_a_failure_too(berths):
    with pytest.raises(OSError, match="full"), berths.lent(1, ""):
        raise OSError("full")

    assert [berths.retired(1).number, berths.retired(1).number] == [1, 2]


def test_one_that_is_retired_is_lent_no_more(berths):
    berths.retired(1)

    with berths.lent(1, "/pool/wt-1") as berth:
        assert berth.number == 2
