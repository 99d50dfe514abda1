"""What the agents of a run are doing at this moment, as their logs tell: seen from any process.

It changes nothing and decides nothing. One listing, and for each running task one look at a file
that has grown: cheap enough to be asked several times a second.
"""

import contextlib
import os
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

from parallel_orchestra import files
from parallel_orchestra.agents import AgentSettings, backend_of
from parallel_orchestra.agents.log import GrowingLog
from parallel_orchestra.agents.story import Reader, Story
from parallel_orchestra.conductor.present import alive
from parallel_orchestra.frozen import frozen
from parallel_orchestra.model import Plan
from parallel_orchestra.process import identity
from parallel_orchestra.process.copier import LATEST
from parallel_orchestra.progress import Silence
from parallel_orchestra.states import TaskState
from parallel_orchestra.store import Layout, TaskName, WorkerKind
from parallel_orchestra.store.life import LIFE, silence_of
from parallel_orchestra.store.names import parse
from parallel_orchestra.store.records import read_worker

#: The log of an attempt's agent; the others are those of commands.
AGENT_LOG = "agent.log"
#: That of who judges its work.
QA_LOG = "qa.log"
#: That of who resolves its conflict.
RESOLVE_LOG = "resolve.log"
#: Bytes of a log's end in which the latest act is looked for at first.
_LATEST = 1 << 16
#: The beginning of a path that leads into one of our worktrees.
_WORKTREE = re.compile(r"(?<![\w.-])/[^\s'\"]*?/(?:wt|clone|shared|qa)-\d+/(?=[^\s'\"])")


@frozen
class Doing:
    """What a running attempt's agent does: its latest act, or the beginning of its latest words.

    `since` (epoch) is when it last printed something; `act` may be empty. `silence` is None while it
    shows signs of life.
    """

    task: str
    attempt: int
    owner: str
    act: str
    since: float
    silence: Silence | None = None


@dataclass(slots=True)
class _Watched:
    """A running attempt: its folder, its logs with what was last known of each, and its story."""

    folder: Path
    logs: tuple[GrowingLog, ...]
    story: Story
    known: list[tuple[float, int]]

    def read(self, there: Collection[str]) -> float:
        """Takes in what was added, given the folder's names; returns when that was, 0 for never."""
        for place, log in enumerate(self.logs):
            if log.path.name not in there:
                continue
            with contextlib.suppress(OSError):
                found = os.stat(log.path)
                if (found.st_mtime, found.st_size) == self.known[place]:
                    continue
                self.known[place] = (found.st_mtime, found.st_size)
            for line in log.lines():
                self.story.take(line.decode("utf-8", "replace").rstrip("\n"))
        return max(mtime for mtime, _ in self.known)


class Glance:
    """Looks at what runs, again and again; keep one for as long as you watch. For one thread."""

    def __init__(self, layout: Layout, plan: Plan) -> None:
        self._layout = layout
        self._readers = readers_of(plan)
        self._seen: dict[TaskName, _Watched] = {}

    def look(self) -> tuple[Doing, ...]:
        """Returns what each running task does, by task; those that have printed nothing are left
        out, unless they are known to be silent.
        """
        names = [
            name
            for file in files.names(self._layout.state(TaskState.LOCKED))
            if (name := parse(file)) is not None and name.owner
        ]
        self._seen = {name: self._seen.get(name) or self._begun(name) for name in names}
        found = (self._doing(name) for name in sorted(names, key=lambda one: one.task))
        return tuple(one for one in found if one is not None)

    def _begun(self, name: TaskName) -> _Watched:
        folder = self._layout.attempt(name.task, name.attempts, name.owner)
        reader = self._readers.get(name.task, lambda _: None)
        # the log, and where it is full, a glimpse of what would come next
        logs = (
            GrowingLog(folder / AGENT_LOG, _LATEST),
            GrowingLog(folder / f"{AGENT_LOG}{LATEST}"),
        )
        return _Watched(folder, logs, Story(reader, shortened), [(0.0, 0), (0.0, 0)])

    def _doing(self, name: TaskName) -> Doing | None:
        watched = self._seen[name]
        # One listing for all that may be there: sixty-four agents are looked at every second.
        there = files.names(watched.folder)
        since = watched.read(there)
        silence = silence_of(watched.folder) if LIFE in there else None
        if not since and silence is None:
            return None
        return Doing(name.task, name.attempts, name.owner, watched.story.latest, since, silence)


def readers_of(plan: Plan) -> dict[str, Reader]:
    """Returns who reads the lines of each task's agent, by task."""
    settings = AgentSettings({}, plan.cwd, templates=plan.backends)
    return {task.id: backend_of(task.backend, settings).acts for task in plan.tasks}


def log_readers_of(plan: Plan) -> dict[str, Mapping[str, Reader]]:
    """Returns who reads the lines of which log of an attempt, by task: its agents' and QA's."""
    settings = AgentSettings({}, plan.cwd, templates=plan.backends)
    found: dict[str, Mapping[str, Reader]] = {}
    for task in plan.tasks:
        agents = {AGENT_LOG: task, RESOLVE_LOG: task, QA_LOG: plan.judge_of(task)}
        found[task.id] = {
            log: backend_of(one.backend, settings).acts
            for log, one in agents.items()
            if one is not None
        }
    return found


def shortened(text: str) -> str:
    """Returns a text in which paths of our worktrees begin in the worktree."""
    return _WORKTREE.sub("", text)


def why_over(layout: Layout, task: str) -> str:
    """Returns why nothing more comes of a task, in a word or a sentence; empty while it may.

    Who is on another machine is taken to be at work.
    """
    for state in (TaskState.DONE, TaskState.FAILED):
        if _name_in(layout.state(state), task) is not None:
            return str(state.value)
    locked = _name_in(layout.state(TaskState.LOCKED), task)
    if locked is not None:
        return "" if _may_be_alive(layout, locked.owner) else "its worker is gone"
    if any(alive(layout, kind) for kind in (WorkerKind.CONDUCTOR, WorkerKind.WORKER)):
        return ""
    # It may have moved on while we looked.
    here = _name_in(layout.state(TaskState.AVAILABLE), task)
    return "nobody is at work on it here" if here is not None else ""


def claimed(layout: Layout, task: str) -> bool:
    """Returns whether somebody has a task, at work or not."""
    return _name_in(layout.state(TaskState.LOCKED), task) is not None


def _name_in(folder: Path, task: str) -> TaskName | None:
    # no id has a dot: what begins so is this very task
    found = (name for name in files.names(folder) if name.startswith(f"{task}."))
    return next((name for file in found if (name := parse(file)) is not None), None)


def _may_be_alive(layout: Layout, owner: str) -> bool:
    record = read_worker(layout, owner) if owner else None
    if record is None or record.kind == WorkerKind.MANUAL.value:
        return True
    here = (record.boot, record.pid_namespace) == (identity.boot_id(), identity.pid_namespace())
    return not here or identity.alive(record.pid, record.start)
