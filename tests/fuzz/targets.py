"""What reads bytes that others wrote, one small function each: it returns, or raises what it may.

Each target takes any bytes at all through the product's own door. Anything but a return or the
one error that the door allows is a fault.
"""

import atexit
import contextlib
import json
import os
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from parallel_orchestra import journal
from parallel_orchestra.errors import EnvironmentProblem, PlanError
from parallel_orchestra.git import Commit
from parallel_orchestra.isolation import salvage
from parallel_orchestra.merge_queue import failing, trailers
from parallel_orchestra.model import Plan, Task
from parallel_orchestra.plan import parse, plan_from_json
from parallel_orchestra.progress import Place, RunFacts, fold
from parallel_orchestra.report.registry import FORMATS
from parallel_orchestra.report.together import integration_lines, integration_record
from parallel_orchestra.states import TaskState
from parallel_orchestra.store import Layout, TaskStore, integrations, names, records, task_file
from parallel_orchestra.store.doubles import winner

_OWNER = "host-1-00000001"
_TASKS = (Task("a"), Task("b", depends_on=("a",)), Task("c", read_only=True))


@dataclass(frozen=True, slots=True)
class Target:
    """A door, the errors that it may raise, and its share of a run's inputs."""

    run: Callable[[bytes], object]
    share: float
    allowed: tuple[type[Exception], ...] = ()

    def __call__(self, data: bytes) -> None:
        """Gives these bytes to the door; returns if all is well."""
        with contextlib.suppress(*self.allowed):
            self.run(data)


@cache
def _place() -> Path:
    place = Path(tempfile.mkdtemp(prefix="fuzz-"))
    atexit.register(shutil.rmtree, place, ignore_errors=True)
    return place


@cache
def _layout() -> Layout:
    layout = Layout(_place() / "_tasks")
    layout.create()
    return layout


def _written(path: Path, data: bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path


def _plan(data: bytes, file: str) -> None:
    """Plans in Markdown or YAML; a prompt file is there, whatever it is called."""
    parse(data, Path("/nowhere") / file, lambda _: b"prompt")


def _file_name(data: bytes) -> None:
    """A name in `available/`, and what a listing and a claim make of it."""
    file = os.fsdecode(data)
    name = names.parse(file)
    if name is None:
        return
    assert name.file == file
    for other in (name.freed(), name.failed_once_more(), name.claimed_by(_OWNER)):
        assert names.parse(other.file) == other
    store = TaskStore(_layout(), _OWNER)
    available = _layout().state(TaskState.AVAILABLE)
    _written(available / file, b"")
    try:
        assert name.task in store.available_tasks()
        entry = store.settled_listing([name.task]).entries[name.task]
        winner([entry, entry], merged=False, live=lambda _: True)
        claim = store.claim(entry.name)
        assert claim is not None
        store.fail(claim, counted=True, then=())
    finally:
        store.close()
        for state in TaskState:
            for left in _layout().state(state).iterdir():
                left.unlink()


def _odd_name(data: bytes) -> None:
    """A name that may not be ours: it stays where it lies and is told as strange."""
    file = data.replace(b"/", b"").replace(b"\0", b"")[:200]
    if file.strip(b".") == b"":
        return
    path = os.path.join(os.fsencode(_layout().state(TaskState.DONE)), file)
    with open(path, "wb"):
        pass
    try:
        listing = TaskStore(_layout(), _OWNER).listing()
        assert len(listing.entries) + len(listing.strange) == 1
        TaskStore(_layout(), _OWNER).available_tasks()
    finally:
        os.unlink(path)


def _task_text(data: bytes) -> None:
    """A task file, which people may have edited."""
    text = data.decode("utf-8", "replace")
    assert 0 <= task_file.generation_in(text) < 10**9
    task_file.fingerprint_in(text)


def _worker(data: bytes) -> None:
    _written(_layout().workers / f"{_OWNER}.json", data)
    records.read_workers(_layout())


def _result(data: bytes) -> None:
    _written(_layout().attempt("a", 1, _OWNER) / "result.json", data)
    result = records.last_result(_layout(), "a")
    if result is not None:
        assert isinstance(result.not_before, float | int)


def _run_record(data: bytes) -> None:
    """The run's record: its plan becomes tasks, and each task a file."""
    _written(_layout().run_file, data)
    record = records.read_run(_layout())
    if record is not None:
        for task in plan_from_json(record.plan).tasks:
            task_file.task_file(task, record.run, 1, record.fingerprints.get(task.id, ""))


def _journal(data: bytes) -> None:
    """A journal of any lines, folded into a picture that is told in every format."""
    _written(_layout().journal / f"{_OWNER}.jsonl", data)
    plan = Plan("0.2", "fuzz", Path("/nowhere/plan.md"), Path("/nowhere"), _TASKS)
    facts = RunFacts("run1", plan, "/nowhere/_tasks", "main", "b" * 40, "refs/heads/o", "", {})
    places = {"a": Place(TaskState.DONE, 1, 0, ""), "b": Place(TaskState.LOCKED, 2, 1, _OWNER)}
    report = fold(facts, places, journal.read(_layout().journal), 1_800_000_000.0)
    for form in FORMATS:
        form.report.render(report)


def _integration(data: bytes) -> None:
    """An integration report that lies in `_tasks/`, and what is told of it."""
    place = _layout().integrations / "1"
    place.mkdir(parents=True, exist_ok=True)
    _written(place / integrations.REPORT, data)
    found = integrations.last_integration(_layout())
    if found is not None:
        json.dumps(integration_record(found), allow_nan=False)
        assert list(integration_lines(found))


def _label(data: bytes) -> None:
    left = salvage.read_label(_written(_place() / "label", data), "wt-1")
    assert left is not None
    assert left.ref.startswith("refs/")


def _message(data: bytes) -> None:
    """A commit's message: what it says of a task, and that an agent can't say it for us."""
    text = data.decode("utf-8", "replace")
    trailers.read_note(text)
    trailers.undone_task(text)
    trailers.batch_of(text, "run1")
    assert not trailers.is_ours(Commit("c", "t", ("p",), trailers.cleaned(text)))


def _junit(data: bytes) -> None:
    """A report that a project's tests wrote, which an agent may have written too."""
    assert all(failing.named_by_junit(data))


def _empty(directory: Path) -> None:
    for path in directory.iterdir():
        path.unlink()


TARGETS: dict[str, Target] = {
    "plan": Target(lambda data: _plan(data, "plan.md"), 0.08, (PlanError,)),
    "plan-yaml": Target(lambda data: _plan(data, "plan.yaml"), 0.04, (PlanError,)),
    "file-name": Target(_file_name, 0.05),
    "odd-name": Target(_odd_name, 0.08),
    "task-file": Target(_task_text, 0.2),
    "worker": Target(_worker, 0.1),
    "result": Target(_result, 0.1),
    "run": Target(_run_record, 0.08, (EnvironmentProblem,)),
    "journal": Target(_journal, 0.05),
    "label": Target(_label, 0.08),
    "integration": Target(_integration, 0.02),
    "message": Target(_message, 0.12),
    "junit": Target(_junit, 0.05, (ValueError,)),
}
