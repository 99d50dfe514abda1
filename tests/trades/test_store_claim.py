import os
import subprocess
import sys

import pytest

from parallel_orchestra.states import TaskState
from parallel_orchestra.store import TaskName
from support.effort import by_effort
from support.tasks_dir import (
    ME,
    OTHER,
    files_in,
    places,
    publish,
    put,
    store_of,
    tasks_dir,
    tasks_seen,
)

AVAILABLE, LOCKED = TaskState.AVAILABLE, TaskState.LOCKED

CLAIMER = """\
import sys
from pathlib import Path
from parallel_orchestra.store import Layout, TaskName, TaskStore

root, owner, count, offset = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
store = TaskStore(Layout(Path(root)), owner)
print("ready", flush=True)
sys.stdin.readline()
for number in range(count):
    # All begin near the front, so that they meet at as many tasks as can be.
    task = f"task-{(number + offset) % count}"
    if store.claim(TaskName(task)):
        print(task)
"""


@pytest.fixture
def layout(tmp_path):
    return tasks_dir(tmp_path)


def test_a_claim_names_attempt_and_owner(layout):
    store = store_of(layout)
    publish(store, "a")

    claim = store.claim(TaskName("a"))

    assert claim is not None
    assert (claim.task, claim.attempt, claim.name.owner) == ("a", 1, ME)
    assert places(layout) == {"locked": [f"a.a1f0.{ME}.md"]}
    assert claim.path == layout.state(LOCKED) / f"a.a1f0.{ME}.md"
    assert store.holds(claim)


@pytest.mark.parametrize(
    ("file", "locked"),
    [
        ("a.md", f"a.a1f0.{ME}.md"),
        ("a.a2f1.md", f"a.a3f1.{ME}.md"),
        (f"a.a2f1.{OTHER}.md", f"a.a3f1.{ME}.md"),
        (f"a.{OTHER}.md", f"a.a1f0.{ME}.md"),
        ("a.a999999f3.md", f"a.a999999f3.{ME}.md"),
    ],
)
def test_whatever_a_person_moved_back_can_be_claimed(layout, file, locked):
    put(layout, AVAILABLE, file)
    store = store_of(layout)

    claim = store.claim(store.listing().entries["a"].name)

    assert claim is not None
    assert places(layout) == {"locked": [locked]}


def test_a_task_that_somebody_else_was_first_to_take_is_none(layout):
    mine, theirs = store_of(layout), store_of(layout, OTHER)
    publish(mine, "a")
    theirs.claim(TaskName("a"))

    claim = mine.claim(TaskName("a"))

    assert claim is None
    assert places(layout) == {"locked": [f"a.a1f0.{OTHER}.md"]}


def test_a_copy_of_a_task_that_we_hold_is_not_claimed_over_it(layout):
    store = store_of(layout)
    publish(store, "a")
    claim = store.claim(TaskName("a"))
    claim.path.write_text("the first", encoding="utf-8")
    put(layout, AVAILABLE, "a.md", "the copy")

    again = store.claim(TaskName("a"))

    assert again is None
    assert claim.path.read_text(encoding="utf-8") == "the first"
    assert tasks_seen(layout) == ["a", "a"]


def test_a_link_to_nowhere_under_our_name_is_not_replaced_either(layout):
    store = store_of(layout)
    publish(store, "a")
    back = store.give_back(store.claim(TaskName("a")), counted=False, then=())
    (layout.state(LOCKED) / f"a.a2f0.{ME}.md").symlink_to("nowhere")

    assert store.claim(back) is None
    assert files_in(layout, AVAILABLE) == ["a.a1f0.md"]


def test_a_claim_is_as_old_as_the_claim_and_not_as_the_task(layout):
    store = store_of(layout)
    publish(store, "a")
    os.utime(layout.state(AVAILABLE) / "a.md", (1.0, 1.0))

    claim = store.claim(TaskName("a"))

    assert claim.path.stat().st_mtime > 1_000_000_000


def test_a_beat_changes_the_sign_of_life_and_says_whether_the_claim_holds(layout):
    store = store_of(layout)
    publish(store, "a")
    claim = store.claim(TaskName("a"))
    os.utime(claim.path, (1.0, 1.0))

    holding = store.beat(claim)

    assert holding
    assert claim.path.stat().st_mtime > 1.0
    os.rename(claim.path, layout.state(AVAILABLE) / "a.md")
    assert not store.beat(claim)
    assert not store.holds(claim)


def test_a_beat_that_fails_for_another_reason_gives_up_nothing(layout, monkeypatch):
    store = store_of(layout)
    publish(store, "a")
    claim = store.claim(TaskName("a"))

    def failing(*_):
        raise OSError(116, "Stale file handle")

    monkeypatch.setattr(os, "utime", failing)

    assert store.beat(claim)


def _lie(monkeypatch, error):
    """Makes rename do what it is told and then report an error, as NFS may."""
    real = os.rename

    def lying(source, target):
        real(source, target)
        raise error

    monkeypatch.setattr(os, "rename", lying)


def _fail(monkeypatch, error):
    def failing(source, target):
        raise error

    monkeypatch.setattr(os, "rename", failing)


ERRORS = [
    FileNotFoundError(2, "No such file or directory"),
    FileExistsError(17, "File exists"),
    OSError(5, "Input/output error"),
    OSError(116, "Stale file handle"),
]


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: error.strerror)
def test_a_claim_that_was_made_but_reported_as_failed_is_ours(layout, monkeypatch, error):
    store = store_of(layout)
    publish(store, "a")
    _lie(monkeypatch, error)

    claim = store.claim(TaskName("a"))

    assert claim is not None
    assert files_in(layout, LOCKED) == [claim.name.file]


@pytest.mark.parametrize("error", [*ERRORS[1:], OSError(28, "No space left on device")], ids=str)
def test_a_claim_that_failed_is_an_error_and_moves_nothing(layout, monkeypatch, error):
    store = store_of(layout)
    publish(store, "a")
    _fail(monkeypatch, error)

    with pytest.raises(OSError, match=error.strerror):
        store.claim(TaskName("a"))

    assert places(layout) == {"available": ["a.md"]}


def test_a_claim_without_the_directory_of_locks_is_an_error_and_not_somebody_s(layout):
    store = store_of(layout)
    publish(store, "a")
    layout.state(LOCKED).rmdir()

    with pytest.raises(FileNotFoundError):
        store.claim(TaskName("a"))

    assert files_in(layout, AVAILABLE) == ["a.md"]


def test_the_locked_tasks_are_told_by_id(layout):
    store = store_of(layout)
    publish(store, "a", "b", "c")
    store.claim(TaskName("b"))
    put(layout, LOCKED, "parked.md")
    put(layout, LOCKED, "not ours.txt")

    assert store.locked_tasks() == {"b", "parked"}


@pytest.mark.slow
@pytest.mark.storm
def test_of_many_tasks_and_processes_each_is_claimed_once(layout):
    count, processes = by_effort((600, 4), (2_000, 16), (2_000, 16))
    publish(store_of(layout), *(f"task-{number}" for number in range(count)))
    arguments = [
        (f"host-{number}-{number:08x}", str(count), str(number * 3)) for number in range(processes)
    ]
    claimers = [
        subprocess.Popen(
            [sys.executable, "-c", CLAIMER, str(layout.root), *one],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for one in arguments
    ]
    for claimer in claimers:
        assert claimer.stdout.readline() == "ready\n"

    for claimer in claimers:
        claimer.stdin.write("go\n")
        claimer.stdin.flush()
    claimed = [claimer.communicate(timeout=300)[0].split() for claimer in claimers]

    together = [task for tasks in claimed for task in tasks]
    assert len(together) == len(set(together)) == count
    assert sum(map(bool, claimed)) > 1
    assert files_in(layout, AVAILABLE) == []
    assert files_in(layout, LOCKED) == sorted(
        f"{task}.a1f0.{owner}.md"
        for tasks, (owner, *_) in zip(claimed, arguments, strict=True)
        for task in tasks
    )
