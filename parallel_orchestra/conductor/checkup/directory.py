"""The health of a task directory: what lies wrong in it, as one look shows. Changes nothing."""

import os
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

from parallel_orchestra import files
from parallel_orchestra.conductor.checkup.finding import Finding, Level, problems_as_findings
from parallel_orchestra.conductor.myself import myself
from parallel_orchestra.conductor.picture import NOBODY, resume_command
from parallel_orchestra.conductor.present import alive
from parallel_orchestra.events import from_line
from parallel_orchestra.model import Task
from parallel_orchestra.report.summary import LONG_LOCKED
from parallel_orchestra.report.text import span
from parallel_orchestra.states import TaskState
from parallel_orchestra.store import (
    Entry,
    Layout,
    Listing,
    RunRecord,
    TaskStore,
    Watch,
    WorkerKind,
)
from parallel_orchestra.store.records import unreadable

#: Seconds after which a file under construction is one that nobody finishes any more.
OLD_DRAFT = 3600.0
#: What to do in place of changing a task's file.
EDIT_THE_PLAN = "what a task is stands in the plan; change it there, then resume the run"
#: How many of a kind are named.
_NAMED = 5


def fitness(layout: Layout) -> Iterator[Finding]:
    """Yields what keeps the directory from being used at all."""
    yield from problems_as_findings(list(layout.faults()))
    for name in (*(state.value for state in TaskState), "tmp", "workers", "journal", "attic"):
        path = layout.root / name
        if path.is_dir() and not os.access(path, os.W_OK | os.X_OK):
            said = f"`{name}/` in the task directory is not writable"
            yield Finding(Level.PROBLEM, said, str(path), f"`chmod u+rwx {path}`")


def records(layout: Layout, record: RunRecord | None) -> Iterator[Finding]:
    """Yields which records are missing or can't be read."""
    broken = unreadable(layout)
    if layout.run_file in broken:
        yield Finding(
            Level.PROBLEM,
            "`run.json` can't be read, so nobody knows what the run is",
            str(layout.run_file),
            f"put a copy back; else `mv {layout.run_file} {layout.attic}`, and "
            "`parallel-orchestra run PLAN --fresh` begins anew",
        )
    elif record is None and TaskStore(layout, "nobody-0-00000000").listing().entries:
        yield Finding(
            Level.PROBLEM,
            "there are task files, but no `run.json` that says what they belong to",
            str(layout.root),
            "`parallel-orchestra run PLAN --fresh` moves them to the attic and begins anew",
        )
    others = [path for path in broken if path != layout.run_file]
    if others:
        what = f"{_count(others, 'record')} can't be read and count as missing"
        mend = f"`mv {' '.join(map(str, others[:_NAMED]))} {layout.attic}`"
        yield Finding(Level.WARNING, what, str(others[0]), mend)
    torn = [path for path in sorted(layout.journal.glob("*.jsonl")) if _torn(path)]
    if torn:
        said = f"{_count(torn, 'journal')} with lines that can't be read: they are passed over"
        yield Finding(Level.NOTE, said, str(torn[0]))


def tasks(layout: Layout, record: RunRecord, listing: Listing) -> Iterator[Finding]:
    """Yields which task files lie where they should not; `listing` is a settled one."""
    resume = f"`{resume_command(record, layout)}`"
    for path in listing.strange:
        said = f"`{path}` is not the name of a task file: it is left alone"
        yield Finding(Level.WARNING, said, str(layout.root / path), _moved_away(layout, path))
    known = set(record.fingerprints)
    for task, entry in sorted(listing.entries.items()):
        if task not in known:
            said = f"the run has no task `{task}`: its file is left alone"
            path = f"{entry.state.value}/{entry.file}"
            yield Finding(Level.WARNING, said, str(layout.root / path), _moved_away(layout, path))
    for task, entries in sorted(listing.doubles.items()):
        places = " and ".join(f"{one.state.value}/{one.name.file}" for one in entries)
        said = f"task `{task}` lies in two places: {places}; whoever goes on settles it"
        yield Finding(Level.WARNING, said, str(layout.root), resume)
    missing = sorted(known - listing.entries.keys())
    if missing:
        said = f"no file is there of {_count(missing, 'task')}: {_names(missing)}"
        yield Finding(Level.PROBLEM, said, str(layout.root), resume)


def edits(
    layout: Layout, record: RunRecord, tasks: Iterable[Task], listing: Listing
) -> Iterator[Finding]:
    """Yields the files of those tasks that wait and that somebody changed, in vain."""
    store, resume = TaskStore(layout, NOBODY), f"`{resume_command(record, layout)}`"
    for task in tasks:
        entry = listing.entries.get(task.id)
        if entry is None or entry.state is not TaskState.AVAILABLE:
            continue
        if store.edited(entry.name, task, record.run, record.fingerprints[task.id]):
            said = f"the file of task `{task.id}` was changed, which has no effect: {EDIT_THE_PLAN}"
            yield Finding(Level.WARNING, said, str(layout.state(entry.state) / entry.file), resume)


def locks(layout: Layout, record: RunRecord, listing: Listing, now: float) -> Iterator[Finding]:
    """Yields the locks that nobody alive holds, that a person set, or that are old."""
    me = myself(record.run, WorkerKind.MANUAL, layout)
    watch = Watch(layout, me, time.monotonic)
    broken = {path.stem for path in unreadable(layout)}
    for task, entry in sorted(listing.entries.items()):
        if entry.state is not TaskState.LOCKED:
            continue
        path = layout.state(entry.state) / entry.file
        # Asking for a record that can't be read would move it away.
        dead = "" if entry.name.owner in broken else watch.death(entry.name, str(path))
        age = now - _beaten(path, now)
        if dead:
            said = f"task `{task}` is locked by the dead: {dead}"
            yield Finding(Level.WARNING, said, str(path), f"`parallel-orchestra unlock {task}`")
        elif not entry.name.owner:
            said = f"task `{task}` is locked by hand, and waits for whoever did it"
            mend = f"`mv {path} {layout.state(TaskState.AVAILABLE)}`"
            yield Finding(Level.WARNING, said, str(path), mend)
        elif age > LONG_LOCKED:
            said = f"task `{task}` gave no sign of life for {span(age)}"
            mend = f"`parallel-orchestra unlock {task} --force` takes it from its owner"
            yield Finding(Level.WARNING, said, str(path), mend)


def leftovers(layout: Layout, now: float) -> Iterator[Finding]:
    """Yields what was under construction when somebody died."""
    old = old_drafts(layout, now)
    if old:
        said = f"{_count(old, 'file')} under construction that nobody finishes any more"
        yield Finding(Level.NOTE, said, str(layout.tmp), "`parallel-orchestra clean`")


def at_work(layout: Layout) -> Iterator[Finding]:
    """Yields who is at work here on this machine."""
    for kind in (WorkerKind.CONDUCTOR, WorkerKind.WORKER):
        for one in alive(layout, kind):
            yield Finding(Level.OK, f"a {kind.value} is at work: process {one.pid}")


def old_drafts(layout: Layout, now: float) -> list[Path]:
    """Returns what lies in `tmp/` for longer than an hour at `now` (epoch), by name."""
    found = sorted(layout.tmp.iterdir()) if layout.tmp.is_dir() else []
    return [path for path in found if abs(now - _beaten(path, now)) > OLD_DRAFT]


def lies_wrong(entry: Entry | None) -> bool:
    """Returns whether a merged task's file lies anywhere but where it belongs, unclaimed."""
    return entry is not None and entry.state in (TaskState.AVAILABLE, TaskState.FAILED)


def _moved_away(layout: Layout, path: str) -> str:
    return f"`mv {layout.root / path} {layout.attic}`"


def _torn(path: Path) -> bool:
    lines = (files.read_text(path) or "").split("\n")
    return any(line and from_line(line) is None for line in lines)


def _beaten(path: Path, now: float) -> float:
    try:
        return path.lstat().st_mtime
    except OSError:
        return now


def _count(things: list[str] | list[Path], kind: str) -> str:
    return f"1 {kind}" if len(things) == 1 else f"{len(things)} {kind}s"


def _names(names: list[str]) -> str:
    shown = ", ".join(f"`{name}`" for name in names[:_NAMED])
    return shown + (", ..." if len(names) > _NAMED else "")
