import os

import pytest

from parallel_orchestra.events import Completed
from parallel_orchestra.model import Task
from parallel_orchestra.states import Move, TaskState
from parallel_orchestra.store import Entry, LostClaim, TaskName
from parallel_orchestra.store.names import parse
from support.tasks_dir import ME, OTHER, files_in, places, publish, put, store_of, tasks_dir

AVAILABLE, LOCKED, DONE, FAILED = TaskState


@pytest.fixture
def layout(tmp_path):
    return tasks_dir(tmp_path)


@pytest.fixture
def store(layout):
    store = store_of(layout)
    yield store
    store.close()


@pytest.fixture
def claim(store):
    publish(store, "a")
    return store.claim(TaskName("a"))


MOVES = {
    "complete": lambda store, claim: store.complete(claim, ()),
    "fail": lambda store, claim: store.fail(claim, counted=True, then=()),
    "fail uncounted": lambda store, claim: store.fail(claim, counted=False, then=()),
    "retry": lambda store, claim: store.give_back(claim, counted=True, then=()),
    "release": lambda store, claim: store.give_back(claim, counted=False, then=()),
}
WHERE = {
    "complete": {"done": [f"a.a1f0.{ME}.md"]},
    "fail": {"failed": [f"a.a1f1.{ME}.md"]},
    "fail uncounted": {"failed": [f"a.a1f0.{ME}.md"]},
    "retry": {"available": ["a.a1f1.md"]},
    "release": {"available": ["a.a1f0.md"]},
}


@pytest.mark.parametrize("move", MOVES)
def test_an_owner_s_move_ends_in_one_place_with_its_counters(layout, store, claim, move):
    name = MOVES[move](store, claim)

    assert places(layout) == WHERE[move]
    assert [[name.file]] == list(places(layout).values())


@pytest.mark.parametrize("move", MOVES)
def test_who_lost_its_claim_can_not_move_the_task(layout, store, claim, move):
    store_of(layout, OTHER).recover(claim.name)
    store_of(layout, OTHER).claim(TaskName("a", 1))
    before = places(layout)

    with pytest.raises(LostClaim):
        MOVES[move](store, claim)

    assert places(layout) == before == {"locked": [f"a.a2f0.{OTHER}.md"]}


@pytest.mark.parametrize("move", MOVES)
def test_a_lost_claim_tells_of_nothing(layout, claim, move):
    told = []
    store = store_of(layout, tell=told.extend)
    os.unlink(claim.path)

    with pytest.raises(LostClaim):
        MOVES[move](store, claim)
    store.close()

    assert told == []


def test_what_is_to_be_told_is_told_after_the_move(layout, claim):
    told = []

    def tell(events):
        told.append((list(events), places(layout)))

    store = store_of(layout, tell=tell)

    store.complete(claim, (Completed(1.0, "a", 1),))
    store.close()

    assert told == [([Completed(1.0, "a", 1)], WHERE["complete"])]


@pytest.mark.parametrize("move", ["complete", "fail", "fail uncounted"])
@pytest.mark.parametrize("error", [FileNotFoundError(2, "gone"), OSError(5, "Input/output error")])
def test_a_move_that_was_made_but_reported_as_failed_counts(
    layout, store, claim, monkeypatch, move, error
):
    real = os.rename

    def lying(source, target):
        real(source, target)
        raise error

    monkeypatch.setattr(os, "rename", lying)

    MOVES[move](store, claim)

    assert places(layout) == WHERE[move]


@pytest.mark.parametrize("move", MOVES)
def test_a_move_that_failed_is_an_error_and_leaves_the_lock(
    layout, store, claim, monkeypatch, move
):
    def failing(source, target):
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(os, "rename", failing)

    with pytest.raises(OSError, match="Input/output"):
        MOVES[move](store, claim)

    assert files_in(layout, LOCKED) == [claim.name.file]


def test_a_dead_owner_s_task_is_freed_with_its_counters_once(layout, store):
    put(layout, LOCKED, f"a.a3f1.{OTHER}.md")
    name = TaskName("a", 3, 1, OTHER)

    answers = [store.recover(name), store_of(layout, OTHER).recover(name)]

    assert answers == [True, False]
    assert places(layout) == {"available": ["a.a3f1.md"]}


@pytest.mark.parametrize("state", [AVAILABLE, LOCKED, FAILED], ids=lambda state: state.value)
def test_a_task_whose_merge_was_found_rolls_forward_once(layout, store, state):
    put(layout, state, f"a.a3f1.{OTHER}.md")
    entry = Entry.of(state, TaskName("a", 3, 1, OTHER))

    answers = [store.roll_forward(entry), store.roll_forward(entry)]

    assert answers[0]
    assert places(layout) == {"done": [f"a.a3f1.{OTHER}.md"]}


@pytest.mark.parametrize("file", ["a.md", "a.a2f2.md", f"a.a2f2.{OTHER}.md"])
def test_a_failed_task_is_requeued_with_its_counters(layout, store, file):
    put(layout, FAILED, file)
    name = parse(file)

    answers = [store.requeue(name), store.requeue(name)]

    assert answers == [True, False]
    assert places(layout) == {"available": [name.freed().file]}


def test_counters_grow_over_attempts_and_failures(layout, store):
    publish(store, "a")

    one = store.give_back(store.claim(TaskName("a")), counted=True, then=())
    two = store.give_back(store.claim(one), counted=False, then=())
    three = store.fail(store.claim(two), counted=True, then=())

    assert (one.file, two.file) == ("a.a1f1.md", "a.a2f1.md")
    assert three.file == f"a.a3f2.{ME}.md"


def test_a_move_that_the_table_does_not_have_is_not_made(layout, store):
    publish(store, "a")

    with pytest.raises(AssertionError):
        store._move(Move.COMPLETE, AVAILABLE, TaskName("a"), DONE, TaskName("a"))

    assert places(layout) == {"available": ["a.md"]}


def test_a_done_task_that_runs_again_is_published_as_the_next_generation(layout, store, claim):
    done = store.complete(claim, ())

    generation = store.run_again(done, Task(id="a", prompt="anew"), "run1", "print2")

    assert generation == 2
    assert places(layout) == {"available": ["a.a1f0.md"]}
    assert store.generation(AVAILABLE, TaskName("a", 1)) == 2
    assert store.fingerprint(AVAILABLE, TaskName("a", 1)) == "print2"
    assert len(os.listdir(layout.attic)) == 1


def test_a_waiting_task_that_is_redefined_keeps_its_attempts_and_its_generation(
    layout, store, claim
):
    store.run_again(store.complete(claim, ()), Task(id="a", prompt="anew"), "run1", "print2")

    store.redefine(TaskName("a", 1), Task(id="a", prompt="changed"), "run1", "print3")

    assert places(layout) == {"available": ["a.a1f0.md"]}
    assert store.generation(AVAILABLE, TaskName("a", 1)) == 2
    assert store.fingerprint(AVAILABLE, TaskName("a", 1)) == "print3"


@pytest.mark.parametrize("broken", ["link", "replace", "rename"])
def test_a_crash_while_a_task_is_redefined_keeps_it_with_its_generation(
    layout, store, claim, monkeypatch, broken
):
    name = store.give_back(claim, counted=True, then=())
    store.requeue(store.fail(store.claim(name), counted=True, then=()))
    (name,) = (entry.name for entry in store.listing().entries.values())
    done = store.complete(store.claim(name), ())
    store.run_again(done, Task(id="a", prompt="anew"), "run1", "print2")
    waiting = TaskName("a", done.attempts)

    class Crash(BaseException):
        pass

    def crash(*_):
        raise Crash

    monkeypatch.setattr(os, broken, crash)
    with pytest.raises(Crash):
        store.redefine(waiting, Task(id="a", prompt="changed"), "run1", "print3")
    monkeypatch.undo()

    assert store.listing().doubles == {}
    assert store.generation(AVAILABLE, store.listing().entries["a"].name) == 2


def test_generations_go_on_counting(layout, store, claim):
    name, generations = store.complete(claim, ()), []

    for _ in range(3):
        generations.append(store.run_again(name, Task(id="a"), "run1", "print"))
        name = store.complete(store.claim(TaskName("a", name.attempts)), ())

    assert generations == [2, 3, 4]
    assert len(os.listdir(layout.attic)) == 3


def test_a_discarded_file_lies_in_the_attic_and_says_where_it_came_from(layout, store):
    put(layout, FAILED, "a.a1f1.md", "text")

    store.discard(FAILED, TaskName("a", 1, 1))
    store.discard(FAILED, TaskName("a", 1, 1))

    (kept,) = layout.attic.iterdir()
    assert kept.name.startswith("failed.")
    assert kept.name.endswith(".a.a1f1.md")
    assert kept.read_text(encoding="utf-8") == "text"
    assert places(layout) == {}


def test_a_copy_by_hand_in_the_target_does_not_pass_for_a_move_that_failed(
    layout, store, claim, monkeypatch
):
    put(layout, DONE, claim.name.file, "a copy by hand")

    def failing(source, target):
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(os, "rename", failing)

    with pytest.raises(OSError, match="Input/output"):
        store.complete(claim, ())

    assert store.holds(claim)
