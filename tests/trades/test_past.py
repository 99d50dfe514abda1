"""How long tasks took before: remembered in the git directory, and never in the way."""

import json
import os

import pytest

from parallel_orchestra.past import Took, past_durations, remember

FILE = "orchestra-durations.json"


def told(place, **took):
    """Remembers attempts of the plan `p`: name = (started, seconds)."""
    remember(place, "p", {task: Took(*values) for task, values in took.items()})


def test_a_task_is_expected_to_take_the_median_of_its_newest_five_attempts(tmp_path):
    for number, seconds in enumerate([1000, 10, 20, 30, 40, 50]):
        told(tmp_path, a=(number, seconds))

    assert past_durations(tmp_path, "p", ["a", "b"]) == {"a": 30}


def test_an_attempt_that_is_told_again_counts_once(tmp_path):
    for _ in range(3):
        told(tmp_path, a=(7, 10.0))
    told(tmp_path, a=(8, 30.0))

    assert past_durations(tmp_path, "p", ["a"]) == {"a": 20.0}


def test_a_task_of_another_plan_is_another_task(tmp_path):
    told(tmp_path, a=(1, 10.0))
    remember(tmp_path, "q", {"a": Took(1, 99.0)})

    assert past_durations(tmp_path, "p", ["a"]) == {"a": 10.0}


def test_what_did_not_run_for_the_longest_time_is_forgotten(tmp_path, monkeypatch):
    monkeypatch.setattr("parallel_orchestra.past._MOST", 2)

    told(tmp_path, old=(1, 5.0), new=(3, 5.0), newer=(2, 5.0))

    assert past_durations(tmp_path, "p", ["old", "new", "newer"]) == {"new": 5.0, "newer": 5.0}


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\xff\xfe",
        b"[]",
        b'{"p/a": 5}',
        b'{"p/a": [5, [1], [1, "x"], [1, NaN], [NaN, 1], [1, -1], [1, 1e999], [1, true, 2]]}',
        b'{"p/a": [[1, 1' + b"0" * 400 + b"]]}",
        b"[" * 100_000,
    ],
    ids=["empty", "no text", "list", "number", "odd pairs", "endless number", "deep"],
)
def test_a_damaged_file_is_nothing_known_and_is_written_anew(tmp_path, content):
    (tmp_path / FILE).write_bytes(content)

    before = past_durations(tmp_path, "p", ["a"])
    told(tmp_path, a=(1, 10.0))

    assert before == {}
    assert past_durations(tmp_path, "p", ["a"]) == {"a": 10.0}


def test_sound_attempts_beside_odd_ones_count(tmp_path):
    (tmp_path / FILE).write_text('{"p/a": [[1, 10.0], [2, "x"]], "p/b": null}')

    assert past_durations(tmp_path, "p", ["a", "b"]) == {"a": 10.0}


def test_a_pipe_in_its_place_holds_nobody_up(tmp_path):
    os.mkfifo(tmp_path / FILE)

    assert past_durations(tmp_path, "p", ["a"]) == {}


def test_nothing_new_writes_nothing_and_nothing_half_written_is_left(tmp_path):
    told(tmp_path, a=(1, 10.0))
    before = (tmp_path / FILE).stat().st_ino

    told(tmp_path, a=(1, 10.0))

    assert (tmp_path / FILE).stat().st_ino == before
    assert os.listdir(tmp_path) == [FILE]
    assert json.loads((tmp_path / FILE).read_text()) == {"p/a": [[1, 10.0]]}
