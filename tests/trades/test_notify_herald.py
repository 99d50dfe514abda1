"""Who is told of a run never holds it up, and what went wrong is said once."""

import threading

import pytest

from parallel_orchestra.notify.herald import MOST_WAITING, Herald


def test_all_news_are_delivered_in_order_before_the_end():
    told = []
    herald = Herald("x", told.append)

    for number in range(100):
        herald.tell(number)

    assert herald.close(10) == ""
    assert told == list(range(100))


def test_what_went_wrong_first_stands_for_all_of_it():
    herald = Herald("on_event", lambda number: f"no {number}" if number else None)

    for number in range(4):
        herald.tell(number)

    assert herald.close(10) == "`on_event`: no 1, and 2 more times"


def test_who_hangs_is_left_behind():
    busy, free = threading.Event(), threading.Event()

    def hang(_):
        busy.set()
        free.wait()

    herald = Herald("notify", hang)
    herald.tell(1)
    herald.tell(2)
    busy.wait()

    trouble = herald.close(0.01)

    free.set()
    assert trouble == (
        "`notify`: it was still busy 0.01 s after the end; it was too slow for 1 of the news"
    )


def test_who_is_slow_loses_news_and_no_memory_is_filled():
    busy, free = threading.Event(), threading.Event()
    told = []

    def slow(number):
        busy.set()
        free.wait()
        told.append(number)

    herald = Herald("x", slow)
    herald.tell(-1)
    busy.wait()
    for number in range(MOST_WAITING + 5):
        herald.tell(number)
    free.set()

    assert herald.close(10) == "`x`: it was too slow for 5 of the news"
    assert told == [-1, *range(MOST_WAITING)]


def test_a_listener_that_breaks_is_a_trouble_and_hears_the_next_news():
    told = []

    def broken(number):
        if number == 1:
            raise OSError("gone")
        told.append(number)

    herald = Herald("x", broken)
    for number in (1, 2):
        herald.tell(number)

    assert herald.close(10) == "`x`: OSError: gone"
    assert told == [2]


@pytest.mark.parametrize("patience", [-1, 0])
def test_where_no_time_is_left_nobody_is_waited_for(patience):
    busy, free = threading.Event(), threading.Event()

    def hang(_):
        busy.set()
        free.wait()

    herald = Herald("x", hang)
    herald.tell(1)
    busy.wait()

    trouble = herald.close(patience)

    free.set()
    assert trouble == "`x`: it was still busy 0 s after the end"
