"""A `_tasks/` directory with the store's own hands, for tests that need no run around it."""

import os
from collections.abc import Callable, Sequence
from pathlib import Path

from parallel_orchestra.events import Event
from parallel_orchestra.model import Task
from parallel_orchestra.process import identity
from parallel_orchestra.states import TaskState
from parallel_orchestra.store import Layout, TaskStore, WorkerKind, WorkerRecord
from parallel_orchestra.store.names import parse

#: Owners as they stand in file names.
ME = "here-1-00000001"
OTHER = "there-2-00000002"


def tasks_dir(place: Path) -> Layout:
    """Makes an empty `_tasks/` in the place and returns its layout."""
    layout = Layout(place / "_tasks")
    layout.create()
    return layout


def store_of(
    layout: Layout, owner: str = ME, tell: Callable[[Sequence[Event]], None] = lambda _: None
) -> TaskStore:
    """Returns a store on that directory; its owner needs no record."""
    return TaskStore(layout, owner, tell)


def publish(store: TaskStore, *names: str) -> None:
    """Publishes tasks that have nothing but an id."""
    store.publish([Task(id=name) for name in names], "run1", dict.fromkeys(names, "print"))


def put(layout: Layout, state: TaskState, file: str, text: str = "---\nid: x\n---\n") -> Path:
    """Puts a file where a person's `mv` or `cp` might have put it, and returns its path."""
    path = layout.state(state) / file
    path.write_text(text, encoding="utf-8")
    return path


def files_in(layout: Layout, state: TaskState) -> list[str]:
    """Returns the names in a state's directory, sorted, as the disk has them."""
    return sorted(os.listdir(layout.state(state)))


def places(layout: Layout) -> dict[str, list[str]]:
    """Returns the files of all four states, without the empty ones."""
    found = {state.value: files_in(layout, state) for state in TaskState}
    return {state: files for state, files in found.items() if files}


def tasks_seen(layout: Layout) -> list[str]:
    """Returns the ids of all task files that lie anywhere, sorted; one per file."""
    names = (parse(file) for state in TaskState for file in files_in(layout, state))
    return sorted(name.task for name in names if name is not None)


def record(owner: str = ME, **facts: object) -> WorkerRecord:
    """Returns the record of this very process, but for the facts that are given."""
    known: dict[str, object] = {
        "owner": owner,
        "kind": WorkerKind.WORKER.value,
        "host": identity.host_name(),
        "machine": "this machine",
        "boot": identity.boot_id(),
        "pid_namespace": identity.pid_namespace(),
        "pid": os.getpid(),
        "start": identity.start_time(os.getpid()) or "",
        "run": "run1",
        "version": "0",
        "lease": 60.0,
    }
    return WorkerRecord(**{**known, **facts})  # type: ignore[arg-type]  # facts of any type
