"""Reservations and results of attempts, as they lie on the disk."""

import pytest

from parallel_orchestra import files
from parallel_orchestra.model import Usage
from parallel_orchestra.states import TaskState
from parallel_orchestra.store import AttemptResult, Layout, TaskName
from parallel_orchestra.store.outlays import Outlays, note_after_merge
from parallel_orchestra.store.records import write_result

ME = "host-1-00000001"
COST = "max_cost_usd"


@pytest.fixture
def layout(tmp_path):
    found = Layout(tmp_path / "_tasks")
    found.create()
    return found


@pytest.fixture
def outlays(layout):
    return Outlays(layout)


def lock(layout, task):
    name = TaskName(task, 1, 0, ME)
    files.write(layout.state(TaskState.LOCKED) / name.file, b"")


def end(layout, task, **facts):
    directory = layout.attempt(task, 1, ME)
    files.make_directory(directory)
    write_result(directory, AttemptResult(task, 1, ME, 100.0, 5.0, **facts))


def test_each_turn_after_the_last_merge_counts_for_the_run_and_for_no_task(layout, outlays):
    for turn in (1, 2, 3):
        files.make_directory(layout.after_merge / str(turn))
    note_after_merge(layout.after_merge / "1", Usage(0.5, 10, 5))
    note_after_merge(layout.after_merge / "2", Usage(0.25))
    files.write(layout.after_merge / "3" / "usage.json", b"[torn")

    spent = outlays.spent(100.0)

    assert (spent.used[COST], spent.used["max_tokens"]) == (0.75, 15.0)
    assert spent.by_task == {}


def test_a_reservation_is_held_while_its_attempt_runs_and_its_result_takes_its_place(
    layout, outlays
):
    outlays.reserve("a", 1, ME, 100.0, {COST: 2.0})
    lock(layout, "a")
    running = outlays.spent(200.0)
    end(layout, "a", cost_usd=0.5, input_tokens=7)
    ended = outlays.spent(200.0)

    assert (running.held[COST], running.used[COST]) == (2.0, 0.0)
    assert (ended.held[COST], ended.used[COST], ended.used["max_tokens"]) == (0.0, 0.5, 7.0)


@pytest.mark.parametrize(
    ("facts", "used"),
    [(None, 2.0), ({"failure": "timeout"}, 2.0), ({"asked": False}, 0.0), ({"cost_usd": 3.0}, 3.0)],
    ids=["died", "told nothing", "was not asked", "used more"],
)
def test_an_attempt_that_runs_no_more_counts_with_what_is_known_of_it(layout, facts, used):
    Outlays(layout).reserve("a", 1, ME, 100.0, {COST: 2.0})
    if facts is not None:
        end(layout, "a", **facts)

    assert Outlays(layout).spent(200.0).used[COST] == used


def test_processes_see_what_others_reserve(layout):
    one, other = Outlays(layout), Outlays(layout)
    for number, outlays in enumerate((one, other, one)):
        outlays.spent(0.0)
        outlays.reserve(f"t{number}", 1, ME, 100.0, {COST: 1.0})

    assert [outlays.spent(200.0).used[COST] for outlays in (one, other)] == [3.0, 3.0]


def test_a_reservation_that_is_taken_back_counts_no_more(outlays):
    outlays.reserve("a", 1, ME, 100.0, {COST: 2.0})
    outlays.reserve("a", 1, ME, 100.0, {COST: 0.0})

    assert outlays.spent(200.0).used[COST] == 0.0


def test_a_line_that_a_killed_process_began_spoils_no_other(layout, outlays):
    path = layout.root / "reservations.jsonl"
    files.write(path, b'not ours\n{"task":"a","att')
    outlays.reserve("b", 1, ME, 100.0, {COST: 2.0})

    assert outlays.spent(200.0).used[COST] == 2.0
    assert path.stat().st_mode & 0o777 == 0o600


def test_what_a_process_knows_of_reservations_stays_when_their_file_is_taken_away(layout, outlays):
    outlays.reserve("a", 1, ME, 100.0, {COST: 2.0})
    outlays.reserve("b", 1, ME, 100.0, {COST: 2.0})
    outlays.spent(200.0)
    (layout.root / "reservations.jsonl").unlink()
    outlays.reserve("c", 1, ME, 100.0, {COST: 1.0})

    assert outlays.spent(200.0).used[COST] == 5.0


def test_attempts_before_there_was_a_budget_count_with_what_they_said(layout, outlays):
    end(layout, "a", cost_usd=0.5)
    end(layout, "b")

    found = outlays.spent(200.0)

    assert (found.used[COST], found.seconds) == (0.5, 0.0)


def test_the_result_of_an_older_attempt_of_the_same_number_is_not_taken_for_its_own(
    layout, outlays
):
    end(layout, "a", cost_usd=0.5)
    outlays.reserve("a", 1, ME, 300.0, {COST: 2.0})

    assert outlays.spent(400.0).used[COST] == 2.0


@pytest.mark.parametrize(
    ("facts", "used"),
    [
        ({"cost_usd": 0.5, "qa": "approved", "qa_cost_usd": 0.25}, 0.75),
        ({"cost_usd": 0.5, "qa": "unheard"}, 2.0),
        ({"qa": "approved", "qa_cost_usd": 0.25}, 2.0),
        ({"way": "judge", "qa": "approved", "qa_cost_usd": 0.25}, 0.25),
        ({"way": "judge", "qa": "unheard"}, 2.0),
    ],
    ids=["both told", "qa did not", "the agent did not", "qa alone", "qa alone did not"],
)
def test_what_qa_used_counts_with_what_its_agent_did(layout, facts, used):
    Outlays(layout).reserve("a", 1, ME, 100.0, {COST: 2.0})
    end(layout, "a", **facts)

    assert Outlays(layout).spent(200.0).used[COST] == used
