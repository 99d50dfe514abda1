"""What keys choose in `watch`, as plain values."""

import pytest

from parallel_orchestra.cli.watch.keys import keys_in
from parallel_orchestra.cli.watch.state import KEYS, Pane, View

TASKS = ("a", "b", "c")


def after(keys, view=None, tasks=TASKS):
    view = View(task="a") if view is None else view
    for key in keys.split():
        view = view.pressed(key, tasks)
    return view


@pytest.mark.parametrize(
    ("keys", "task"),
    [
        ("j", "b"),
        ("j down j", "c"),
        ("k", "a"),
        ("j j up", "b"),
        ("tab j", "a"),
        ("tab tab j", "b"),
    ],
)
def test_steps_lead_through_the_list_while_it_has_the_focus(keys, task):
    assert after(keys).task == task


@pytest.mark.parametrize(
    ("key", "pane"),
    [("l", Pane.LOG), ("d", Pane.DIFF), ("r", Pane.RESULT), ("u", Pane.USAGE), ("?", Pane.HELP)],
)
def test_a_letter_chooses_what_the_pane_shows_from_its_beginning(key, pane):
    view = after(key, View(task="a", offset=7))

    assert (view.pane, view.offset, view.task) == (pane, 0, "a")


def test_a_log_is_seen_from_its_end_and_all_else_from_its_beginning():
    log = View(task="a", in_pane=True).part(100, 10)
    diff = View(task="a", in_pane=True, pane=Pane.DIFF).part(100, 10)

    assert (log[1], diff[1]) == (90, 0)


@pytest.mark.parametrize(
    ("pane", "keys", "first"),
    [
        (Pane.LOG, "k k", 88),
        (Pane.LOG, "k k j", 89),
        (Pane.LOG, "j", 90),
        (Pane.LOG, "b", 81),
        (Pane.LOG, "g", 0),
        (Pane.LOG, "g G", 90),
        (Pane.DIFF, "j j", 2),
        (Pane.DIFF, "space", 9),
        (Pane.DIFF, "space b b", 0),
        (Pane.DIFF, "G", 90),
        (Pane.DIFF, "G g", 0),
    ],
)
def test_the_pane_is_scrolled_within_its_lines(pane, keys, first):
    view = View(task="a", pane=pane, in_pane=True)
    for key in keys.split():
        view = view.part(100, 10)[0].pressed(key, TASKS)

    assert view.part(100, 10)[1] == first


def test_enter_opens_the_pane_over_the_whole_window_and_again_closes_it():
    assert (after("enter").whole, after("enter").in_pane) == (True, True)
    assert (after("enter enter").whole, after("enter esc").whole) == (False, False)


def test_a_task_that_is_gone_gives_way_to_the_first_one():
    assert View(task="z").settled(TASKS).task == "a"
    assert View(task="b").settled(TASKS).task == "b"
    assert View(task="b").settled(()).task == "b"


def test_leaving_is_one_key_and_others_do_nothing():
    assert after("q").over
    assert after("x é f5") == View(task="a")


def test_an_empty_list_has_nowhere_to_go():
    assert after("j k", View(), ()) == View()


def test_every_key_of_the_help_does_something():
    named = [key for key in KEYS if key != "q"]
    begun = View(task="b", pane=Pane.LOG, in_pane=True, offset=30, page=10)

    idle = [key for key in named if begun.pressed(key, TASKS) == begun]

    assert idle == []


@pytest.mark.parametrize(
    ("data", "keys"),
    [
        (b"j", ["j"]),
        (b"\x1b[A\x1bOB\x1b[5~q", ["up", "down", "pgup", "q"]),
        (b"\r\t ?", ["enter", "tab", "space", "?"]),
        (b"\x1b", ["esc"]),
        (b"\xff", ["ÿ"]),
    ],
)
def test_bytes_of_a_terminal_are_keys(data, keys):
    assert keys_in(data) == keys
