import os
import threading

import pytest

from parallel_orchestra.states import TaskState
from parallel_orchestra.store import Entry, Listing, TaskName, TaskStore
from parallel_orchestra.store.tasks import RESCANS
from support.tasks_dir import ME, OTHER, publish, put, store_of, tasks_dir

AVAILABLE, LOCKED, DONE, FAILED = TaskState


@pytest.fixture
def layout(tmp_path):
    return tasks_dir(tmp_path)


def test_a_listing_says_where_each_task_lies_and_what_its_name_says(layout):
    put(layout, AVAILABLE, "a.md")
    put(layout, LOCKED, f"b.a1f0.{OTHER}.md")
    put(layout, DONE, f"c.a2f1.{OTHER}.md")
    put(layout, FAILED, "d.a2f2.md")

    listing = store_of(layout).listing()

    assert listing.entries == {
        "a": Entry.of(AVAILABLE, TaskName("a")),
        "b": Entry.of(LOCKED, TaskName("b", 1, 0, OTHER)),
        "c": Entry.of(DONE, TaskName("c", 2, 1, OTHER)),
        "d": Entry.of(FAILED, TaskName("d", 2, 2)),
    }
    assert listing.doubles == {}
    assert listing.strange == ()


def test_each_look_says_what_is_there_whatever_the_looks_before_have_seen(layout):
    store = store_of(layout)
    publish(store, "a", "b", "c")
    put(layout, AVAILABLE, "odd")
    before = store.listing()
    store.claim(TaskName("a"))
    (layout.state(AVAILABLE) / "b.md").rename(layout.state(DONE) / "b.a1f0.md")
    (layout.state(AVAILABLE) / "odd").rename(layout.state(AVAILABLE) / "d.md")

    after = store.listing()
    again = store.listing()

    mine = TaskName("a").claimed_by(store.owner)
    assert set(before.entries) == {"a", "b", "c"}
    assert before.strange == ("available/odd",)
    assert after == again
    assert after == Listing(
        {
            "a": Entry.of(LOCKED, mine),
            "b": Entry.of(DONE, TaskName("b", 1)),
            "c": Entry.of(AVAILABLE, TaskName("c")),
            "d": Entry.of(AVAILABLE, TaskName("d")),
        }
    )


def test_strange_names_are_told_with_their_directory_and_left_alone(layout):
    put(layout, DONE, "notes.txt")
    put(layout, AVAILABLE, "a copy.md")

    listing = store_of(layout).listing()

    assert listing.strange == ("available/a copy.md", "done/notes.txt")
    assert listing.entries == {}
    assert os.listdir(layout.state(DONE)) == ["notes.txt"]


def test_a_task_in_several_places_is_double_and_the_later_place_is_listed(layout):
    for state in (AVAILABLE, LOCKED, DONE):
        put(layout, state, "a.md")
    put(layout, FAILED, "b.md")

    listing = store_of(layout).settled_listing(["a", "b"])

    assert [entry.state for entry in listing.doubles["a"]] == [AVAILABLE, LOCKED, DONE]
    assert listing.doubles.keys() == {"a"}
    assert listing.entries["a"].state is DONE


def test_two_files_of_one_task_in_one_directory_are_double_too(layout):
    put(layout, AVAILABLE, "a.md")
    put(layout, AVAILABLE, "a.a1f1.md")

    assert len(store_of(layout).settled_listing(()).doubles["a"]) == 2


def test_a_task_that_lies_nowhere_is_missing_also_in_a_settled_listing(layout):
    publish(store_of(layout), "a")

    listing = store_of(layout).settled_listing(["a", "gone"])

    assert set(listing.entries) == {"a"}


def test_a_directory_that_was_removed_has_no_tasks(layout):
    layout.state(FAILED).rmdir()
    publish(store_of(layout), "a")

    assert set(store_of(layout).listing().entries) == {"a"}


A = Entry.of(AVAILABLE, TaskName("a"))
B = Entry.of(AVAILABLE, TaskName("b"))
TWICE = Entry.of(LOCKED, TaskName("a", 1, 0, ME))


def looks(monkeypatch, layout, *listings):
    """A store whose looks at the disk are these, the last one for ever."""
    store, left = store_of(layout), list(listings)
    monkeypatch.setattr(TaskStore, "listing", lambda _: left.pop(0) if len(left) > 1 else left[0])
    return store


def test_a_task_that_one_look_misses_is_found_by_the_next(monkeypatch, layout):
    store = looks(monkeypatch, layout, Listing({"a": A}), Listing({"a": A, "b": B}))

    assert store.settled_listing(["a", "b"]).entries == {"a": A, "b": B}


def test_a_task_that_only_the_last_look_misses_is_not_missing(monkeypatch, layout):
    store = looks(monkeypatch, layout, Listing({"b": B}), Listing({"a": A}))

    assert store.settled_listing(["a", "b"]).entries == {"a": A, "b": B}


def test_a_task_that_only_the_last_look_saw_twice_is_not_double(monkeypatch, layout):
    store = looks(
        monkeypatch,
        layout,
        Listing({"b": B}),
        Listing({"a": TWICE, "b": B}, {"a": (A, TWICE)}),
    )

    assert store.settled_listing(["a", "b"]).doubles == {}


def test_a_task_seen_twice_by_some_looks_only_is_not_double(monkeypatch, layout):
    double = Listing({"a": TWICE}, {"a": (A, TWICE)})
    store = looks(monkeypatch, layout, *[double] * RESCANS, Listing({"a": TWICE}))

    assert store.settled_listing(["a"]).doubles == {}


def test_what_is_at_rest_is_looked_at_once(monkeypatch, layout):
    publish(store_of(layout), "a")
    store, real, count = store_of(layout), TaskStore.listing, []

    def counting(self):
        count.append(1)
        return real(self)

    monkeypatch.setattr(TaskStore, "listing", counting)

    store.settled_listing(["a"])

    assert len(count) == 1


@pytest.mark.slow
def test_of_tasks_that_move_all_the_time_none_is_ever_missing_or_double(layout):
    names = [f"task-{number}" for number in range(40)]
    store = store_of(layout)
    publish(store, *names)
    over, moved = threading.Event(), []

    def move(mine, owner):
        hand = store_of(layout, owner)
        current = {name: TaskName(name) for name in mine}
        while not over.is_set():
            for task, name in current.items():
                claim = hand.claim(name)
                current[task] = claim.name.freed()
                os.rename(claim.path, layout.state(AVAILABLE) / current[task].file)
                moved.append(task)

    movers = [
        threading.Thread(target=move, args=(names[start::2], owner))
        for start, owner in enumerate((ME, OTHER))
    ]
    for mover in movers:
        mover.start()
    seen_missing, seen_double, plain, looks = 0, 0, 0, 0
    # On a busy machine it takes long until a plain look meets a move.
    while looks < 300 or ((not plain or len(moved) < 1_000) and looks < 20_000):
        looks += 1
        listing = store.settled_listing(names)
        seen_missing += len(listing.entries) != len(names)
        seen_double += bool(listing.doubles)
        look = store.listing()
        plain += len(look.entries) != len(names) or bool(look.doubles)
    over.set()
    for mover in movers:
        mover.join()

    assert (seen_missing, seen_double) == (0, 0)
    assert len(moved) >= 1_000
    assert plain, "nothing was caught moving: the test shows nothing"
