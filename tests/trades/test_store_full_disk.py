"""A file system of one MiB that is full. Needs root, and a kernel that lets us mount one."""

import os
import shutil
import subprocess

import pytest

from parallel_orchestra.errors import EnvironmentProblem
from parallel_orchestra.events import Completed, Warned
from parallel_orchestra.journal import Journal, read
from parallel_orchestra.model import Task
from parallel_orchestra.states import TaskState
from parallel_orchestra.store import Layout, TaskName
from support.tasks_dir import ME, files_in, places, publish, store_of, tasks_dir


@pytest.fixture
def small(tmp_path):
    """An empty file system with room for one MiB."""
    place = tmp_path / "small"
    place.mkdir()
    if os.getuid() != 0 or shutil.which("mount") is None:
        pytest.skip("only root can mount a small file system")
    mount = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", place]
    mounted = subprocess.run(mount, check=False, capture_output=True)
    if mounted.returncode != 0:
        pytest.skip(f"no file system could be mounted: {mounted.stderr.decode().strip()}")
    yield place
    subprocess.run(["umount", "-l", place], check=True)


def fill(place):
    """Takes all the room there is, and returns the file that has it."""
    path = place / "filler"
    with path.open("wb", buffering=0) as stream:
        try:
            while stream.write(b"x" * 4096):
                pass
        except OSError:
            return path
    raise AssertionError("the file system has no end")


def test_a_directory_of_tasks_can_not_be_set_up_on_a_full_disk(small):
    fill(small)

    with pytest.raises(EnvironmentProblem, match="No space left"):
        tasks_dir(small)


def test_tasks_are_claimed_renewed_and_finished_on_a_full_disk(small):
    layout = tasks_dir(small)
    store = store_of(layout)
    publish(store, "a", "b", "c")
    fill(small)

    claims = [store.claim(TaskName(name)) for name in "abc"]
    renewed = [store.beat(claim) for claim in claims]
    store.complete(claims[0], (Completed(1.0, "a", 1),))
    store.fail(claims[1], counted=True, then=())
    store.give_back(claims[2], counted=False, then=())
    store.close()

    assert renewed == [True] * 3
    assert places(layout) == {
        "available": ["c.a1f0.md"],
        "done": [f"a.a1f0.{ME}.md"],
        "failed": [f"b.a1f1.{ME}.md"],
    }


def test_on_a_full_disk_nothing_is_published_and_all_when_there_is_room(small):
    layout = tasks_dir(small)
    store = store_of(layout)
    tasks = [Task(id=f"task-{number}", prompt="x" * 20_000) for number in range(100)]
    prints = {task.id: "print" for task in tasks}

    with pytest.raises(OSError, match="No space left"):
        store.publish(tasks, "run1", prints)
    some = files_in(layout, TaskState.AVAILABLE)
    left = os.listdir(layout.tmp)
    subprocess.run(["mount", "-o", "remount,size=8m", small], check=True)
    new = store.publish(tasks, "run1", prints)

    assert some == []
    assert left == []
    assert new == 100
    assert len(files_in(layout, TaskState.AVAILABLE)) == 100
    assert os.listdir(layout.tmp) == []


def test_the_journal_goes_on_after_the_disk_was_full(small):
    layout = tasks_dir(small)
    journal = Journal(layout.journal, ME)
    journal.write(Warned(0.0, "", "before"))
    filler = fill(small)

    for number in range(1, 50):
        journal.write(Warned(float(number), "", "x" * 300))
    filler.unlink()
    journal.write(Warned(50.0, "", "after"))
    journal.close()

    assert [event.time for _, event in read(layout.journal)] == [float(n) for n in range(51)]


def test_a_directory_that_lies_on_another_file_system_is_refused(small, tmp_path):
    layout = Layout(tmp_path / "_tasks")
    layout.root.mkdir()
    done = layout.state(TaskState.DONE)
    done.mkdir()
    subprocess.run(["mount", "--bind", small, done], check=True)
    try:
        with pytest.raises(EnvironmentProblem, match="`done` lies on another file system"):
            layout.create()
    finally:
        subprocess.run(["umount", "-l", done], check=True)
