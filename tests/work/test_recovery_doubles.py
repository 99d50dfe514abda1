import os

import pytest

from parallel_orchestra.journal import Journal, read
from parallel_orchestra.model import Task
from parallel_orchestra.recovery import Recovery
from parallel_orchestra.states import TaskState
from parallel_orchestra.store import TaskName, Watch
from support.clock import FakeClock
from support.tasks_dir import ME, places, publish, put, record, store_of, tasks_dir


class NothingMerged:
    """A merge queue in whose branch nothing is."""

    def tip(self):
        return ""

    def merged_tasks(self):
        return ()

    def undone_tasks(self):
        return frozenset()

    def undone_of(self, task):
        return None

    def merge_of(self, task):
        return None

    def tombstone(self, task):
        pass


@pytest.fixture
def layout(tmp_path):
    return tasks_dir(tmp_path)


@pytest.fixture
def store(layout):
    return store_of(layout)


@pytest.fixture
def recovery(layout, store):
    clock = FakeClock()
    journal = Journal(layout.journal, ME)
    watch = Watch(layout, record(ME), clock.monotonic)
    tasks = {"a": Task(id="a", read_only=True)}
    yield Recovery(store, NothingMerged(), watch, tasks, journal, clock.now)
    journal.close()


def test_a_copy_of_a_task_that_we_work_on_does_not_take_it_from_us(layout, store, recovery):
    publish(store, "a")
    claim = store.claim(TaskName("a"))
    put(layout, TaskState.AVAILABLE, "a.a1f0.md", "a copy by hand")

    recovery.heal(store.listing(), {"a"})

    assert store.holds(claim)
    assert places(layout) == {"locked": [claim.name.file]}
    assert len(os.listdir(layout.attic)) == 1


def test_our_own_lock_that_nobody_works_on_is_freed(layout, store, recovery):
    publish(store, "a")
    store.claim(TaskName("a"))

    recovery.heal(store.listing(), ())

    assert places(layout) == {"available": ["a.a1f0.md"]}


def test_a_persons_file_whose_id_is_taken_is_told_with_its_new_place(layout, store, recovery):
    publish(store, "a")
    store.claim(TaskName("a"))
    mine = put(layout, TaskState.AVAILABLE, "a.md", "---\ncommand: x\n---\n")

    recovery.heal(store.listing(), {"a"})

    (place,) = layout.attic.iterdir()
    assert place.read_text() == "---\ncommand: x\n---\n"
    assert not mine.exists()
    assert [event.text for _, event in read(layout.journal)] == [
        (
            "`available/a.md` did not join the run: the id `a` is taken by the task in `locked/`; the "
            f"file lies in `attic/{place.name}`: give it another id and name, and add that"
        )
    ]


def test_doubles_are_settled_by_unlinking_what_is_one_file_and_told_of(layout, store, recovery):
    done = put(layout, TaskState.DONE, "a.a1f0.md")
    os.link(done, layout.state(TaskState.AVAILABLE) / "a.md")

    recovery.heal(store.listing(), ())

    assert places(layout) == {"done": ["a.a1f0.md"]}
    assert os.listdir(layout.attic) == []
    assert [event.text for _, event in read(layout.journal)] == [
        "was in two places; `done/` counts"
    ]
