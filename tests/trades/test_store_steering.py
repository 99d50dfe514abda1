"""What people ask of a run: files that any process reads, and a person may make."""

import pytest

from parallel_orchestra.store import Layout, steering
from parallel_orchestra.store.steering import Asked, Selection, Wish

ASKED = Asked("ana@host", 12.5, "lunch")


@pytest.fixture
def layout(tmp_path):
    made = Layout(tmp_path / "_tasks")
    made.create()
    return made


def test_nothing_is_asked_for_at_first(layout):
    assert [steering.asked_for(layout, wish) for wish in Wish] == [None, None, None]
    assert (steering.paused(layout), steering.wishes(layout)) == (False, frozenset())
    assert (steering.cancels(layout), steering.selection(layout)) == ({}, None)
    assert steering.hold(layout, "a") == ""


def test_a_wish_holds_until_it_is_withdrawn(layout):
    steering.ask(layout, Wish.PAUSE, ASKED)

    assert steering.asked_for(layout, Wish.PAUSE) == ASKED
    assert steering.hold(layout, "a") == "the run is paused by ana@host: lunch"
    assert steering.withdraw(layout, Wish.STOP, Wish.PAUSE)
    assert not steering.withdraw(layout, Wish.STOP, Wish.PAUSE)
    assert not steering.paused(layout)


def test_two_wishes_are_both_withdrawn(layout):
    steering.ask(layout, Wish.STOP, ASKED)
    steering.ask(layout, Wish.STOP_NOW, ASKED)

    assert steering.withdraw(layout, Wish.STOP, Wish.STOP_NOW)
    assert steering.wishes(layout) == frozenset()


@pytest.mark.parametrize(
    "content", ["", "{", "[]", "null", '{"by": 5, "time": "x"}', '{"time": 1e300}', "[" * 100_000]
)
def test_a_file_that_a_person_made_counts_whatever_is_in_it(layout, content):
    (layout.steering / "pause").write_text(content)
    (layout.steering / "cancel.a").write_text(content)

    assert steering.paused(layout)
    assert steering.asked_for(layout, Wish.PAUSE) in (Asked(), Asked("5"))
    assert list(steering.cancels(layout)) == ["a"]


def test_a_directory_that_an_older_version_made_has_no_wishes_and_gets_them(layout):
    layout.steering.rmdir()

    before = steering.wishes(layout)
    steering.ask_to_cancel(layout, "a", ASKED)

    assert before == frozenset()
    assert steering.cancels(layout, steering.wishes(layout)) == {"a": ASKED}
    assert steering.cancel_of(layout, "a") == ASKED
    assert steering.forget_cancel(layout, "a")
    assert steering.cancel_of(layout, "a") is None


def test_a_selection_leaves_the_other_tasks_out(layout):
    chosen = Selection(frozenset({"a", "b"}), "--only b")
    steering.select(layout, chosen)

    assert steering.selection(layout) == chosen
    assert steering.hold(layout, "a") == ""
    assert steering.hold(layout, "c") == "left out of this run: --only b"
    steering.select(layout, None)
    assert steering.selection(layout) is None


@pytest.mark.parametrize("content", ["", "{}", '{"tasks": 3, "why": ""}', "[]"])
def test_a_selection_that_cant_be_read_lets_nothing_start(layout, content):
    (layout.steering / "selection").write_text(content)

    assert steering.selection(layout).tasks == frozenset()
    assert "can't be read" in steering.hold(layout, "a")
