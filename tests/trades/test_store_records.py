import errno
import json
import os
import stat

import pytest
from hypothesis import given
from hypothesis import strategies as st

from parallel_orchestra.errors import EnvironmentProblem, Problem
from parallel_orchestra.store import AttemptResult, Layout, RunRecord
from parallel_orchestra.store.records import (
    attempt_results,
    last_result,
    read_result,
    read_run,
    read_worker,
    read_workers,
    write_result,
    write_run,
    write_worker,
)
from support.tasks_dir import ME, OTHER, record, tasks_dir

RUN = RunRecord(
    run="run1",
    plan={"name": "p", "tasks": [{"id": "a", "prompt": "\ud800 ü 👋 \udcff"}]},
    fingerprints={"a": "abc"},
    base_branch="main",
    base_commit="0" * 40,
    integration="refs/heads/orchestra/p",
    created=1_800_000_000.5,
    repository="/somewhere/\udcff",
)


@pytest.fixture
def layout(tmp_path):
    return tasks_dir(tmp_path)


def result(attempt, started=1.0, **facts):
    return AttemptResult("a", attempt, ME, started, 2.0, **facts)


def keep(layout, one, owner=ME):
    directory = layout.attempt("a", one.attempt, owner)
    directory.mkdir(parents=True)
    write_result(directory, one)


def test_a_run_comes_back_as_it_was_with_half_surrogate_pairs_too(layout):
    write_run(layout, RUN)

    assert read_run(layout) == RUN
    assert stat.S_IMODE(layout.run_file.stat().st_mode) == 0o600
    assert os.listdir(layout.tmp) == []


def test_a_run_is_replaced_at_once_and_a_failure_leaves_the_old_one(layout, monkeypatch):
    write_run(layout, RUN)

    def full(descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        write_run(layout, RunRecord(**{**_values(RUN), "run": "run2"}))

    assert read_run(layout) == RUN


def test_a_worker_comes_back_as_it_was(layout):
    write_worker(layout, record(ME))
    write_worker(layout, record(OTHER, kind="manual", lease=1800.0))

    assert read_worker(layout, ME) == record(ME)
    assert [one.owner for one in read_workers(layout)] == [ME, OTHER]


@given(
    text=st.text(),
    cost=st.none() | st.floats(-1e17, 1e17),
    count=st.none() | st.integers(-(10**17), 10**17),
)
def test_a_result_of_any_words_comes_back_as_it_was(tmp_path_factory, text, cost, count):
    directory = tmp_path_factory.mktemp("attempt")
    one = result(1, reason=text, text=text, files=[text], cost_usd=cost, input_tokens=count)

    write_result(directory, one)

    assert read_result(directory) == one


@pytest.mark.parametrize("cost", [float("inf"), float("nan"), 10**400], ids=["inf", "nan", "long"])
def test_a_figure_of_an_agent_that_is_none_hides_nothing_of_the_result(tmp_path, cost):
    write_result(tmp_path, result(1, reason="verify", cost_usd=cost))

    assert read_result(tmp_path) == result(1, reason="verify", cost_usd=None)


def test_a_field_of_a_newer_version_is_ignored(layout):
    values = {**_values(record(ME)), "invented_later": {"a": 1}}
    (layout.workers / f"{ME}.json").write_text(json.dumps(values), encoding="utf-8")

    assert read_worker(layout, ME) == record(ME)


TORN = [
    b"",
    b"\0" * 500,
    b'{"owner": "her',
    b"[]",
    b"null",
    b'"owner"',
    b"7",
    b"{}",
    b"\xff\xfe",
    b"[" * 100_000,
]


@pytest.mark.parametrize("data", TORN, ids=lambda data: repr(data[:12]))
def test_a_damaged_record_of_a_worker_is_missing_and_stays_where_it_is(layout, data):
    path = layout.workers / f"{ME}.json"
    path.write_bytes(data)

    assert read_worker(layout, ME) is None

    assert path.read_bytes() == data


@pytest.mark.parametrize("data", TORN, ids=lambda data: repr(data[:12]))
def test_a_damaged_record_of_the_run_is_an_error_and_stays_where_it_is(layout, data):
    layout.run_file.write_bytes(data)

    with pytest.raises(EnvironmentProblem) as caught:
        read_run(layout)

    aside = f"{layout.root}/run.damaged"
    assert caught.value.problems == (
        Problem(
            "the record of the run is damaged",
            str(layout.run_file),
            "mend it or put a copy back, then `--resume`; or give the run up: "
            f"`mv {layout.run_file} {aside}`, then begin anew with `--fresh`",
        ),
    )
    assert layout.run_file.read_bytes() == data


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (os.mkdir, "can't be read: is a directory"),
        (lambda path: path.symlink_to(path.name), "can't be read: too many levels"),
        (lambda path: path.symlink_to("nowhere"), "can't be read: no such file"),
        (os.mkfifo, "is damaged"),
    ],
    ids=["directory", "loop", "dangling link", "pipe"],
)
def test_something_else_in_the_place_of_the_run_s_record_is_not_no_run(layout, spoil, said):
    spoil(layout.run_file)

    with pytest.raises(EnvironmentProblem, match=said):
        read_run(layout)

    assert os.path.lexists(layout.run_file)


def test_a_run_s_record_that_the_disk_does_not_give_is_not_no_run(layout, monkeypatch):
    write_run(layout, RUN)

    def fails(*_):
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    with monkeypatch.context() as patch:
        patch.setattr(os, "fstat", fails)
        with pytest.raises(EnvironmentProblem, match="can't be read: input/output error"):
            read_run(layout)

    assert read_run(layout) == RUN


def test_a_missing_record_or_directory_is_no_run(layout, tmp_path):
    (tmp_path / "file").touch()

    assert read_run(layout) is None
    assert read_run(Layout(tmp_path / "nowhere")) is None
    assert read_run(Layout(tmp_path / "file")) is None


@pytest.mark.parametrize(
    "wrong",
    [
        {"lease": None},
        {"lease": float("nan")},
        {"lease": 1e999},
        {"pid": 10**400},
        {"lease": "long"},
        {"pid": [1]},
        {"boot": 5},
        {"owner": {}},
    ],
    ids=lambda wrong: str(wrong)[:20],
)
def test_a_record_with_a_value_of_another_type_is_unreadable(layout, wrong):
    values = {**_values(record(ME)), **wrong}
    (layout.workers / f"{ME}.json").write_text(json.dumps(values), encoding="utf-8")

    assert read_worker(layout, ME) is None


def test_a_whole_number_of_seconds_is_fine(layout):
    values = {**_values(record(ME)), "lease": 60}
    (layout.workers / f"{ME}.json").write_text(json.dumps(values), encoding="utf-8")

    assert read_worker(layout, ME) == record(ME)


def test_an_unreadable_worker_does_not_hide_the_others(layout):
    write_worker(layout, record(OTHER))
    (layout.workers / f"{ME}.json").write_bytes(b"{")
    (layout.workers / "notes.txt").write_bytes(b"")

    assert read_workers(layout) == [record(OTHER)]


def test_a_pipe_or_directory_in_the_place_of_a_worker_s_record_is_missing(layout):
    os.mkfifo(layout.workers / f"{OTHER}.json")
    (layout.workers / f"{ME}.json").mkdir()

    assert read_workers(layout) == []


def test_the_results_of_a_task_come_in_the_order_of_its_attempts(layout):
    for attempt in (10, 2, 1):
        keep(layout, result(attempt))
    layout.attempt("a", 11, ME).mkdir()

    assert [one.attempt for one in attempt_results(layout, "a")] == [1, 2, 10]
    assert last_result(layout, "a") == result(10)


def test_a_task_that_was_never_tried_has_no_result(layout):
    assert attempt_results(layout, "a") == []
    assert last_result(layout, "a") is None


def test_a_torn_result_is_left_in_its_attempt_and_counts_as_none(layout):
    keep(layout, result(1))
    keep(layout, result(2))
    torn = layout.attempt("a", 2, ME) / "result.json"
    torn.write_bytes(b'{"task":')

    assert last_result(layout, "a") == result(1)
    assert torn.exists()


def _values(one):
    return {name: getattr(one, name) for name in one.__slots__}
