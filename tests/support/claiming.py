"""Many processes that claim all tasks of one `_tasks/` as fast as they can, in four ways.

`board` is the way of a worker (`parallel-orchestra worker`): schedule, board, recovery, store.
`store` is the store alone over one listing, `rename` the bare system call, and `sqlite` a queue
in a database (`BEGIN IMMEDIATE`, write-ahead log). Each claims a task and completes it;
it is ready when it knows which tasks there are.

Also the program of one such process: `python -m support.claiming WAY PLACE NUMBER PROCESSES`.
"""

import contextlib
import os
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from parallel_orchestra.agents import AgentSettings
from parallel_orchestra.conductor.crew import Crew
from parallel_orchestra.conductor.picture import read_record
from parallel_orchestra.conductor.workshop import Job
from parallel_orchestra.config import Settings
from parallel_orchestra.git import Repo
from parallel_orchestra.graph import Graph
from parallel_orchestra.model import Plan, Task
from parallel_orchestra.plan import plan_from_json, plan_to_json
from parallel_orchestra.states import TaskState
from parallel_orchestra.store import Layout, RunRecord, TaskStore, WorkerKind
from parallel_orchestra.store.records import write_run
from support.repository import git, make_repository

T = TypeVar("T")

_ROOT = Path(__file__).parents[2]
_DATABASE = "queue.sqlite"

#: Claims and completes one task and returns its id; None when there is none left.
Take = Callable[[], str | None]


@dataclass(frozen=True, slots=True)
class Claimed:
    """What the processes got: wall seconds from the start to the last claim, and who has what."""

    seconds: float
    tasks: tuple[tuple[str, ...], ...]
    cpu: float

    @property
    def per_second(self) -> float:
        """Claims per second of all processes together."""
        return sum(map(len, self.tasks)) / self.seconds

    def check(self, count: int) -> None:
        """Fails if a task was claimed twice or not at all."""
        times = Counter(task for tasks in self.tasks for task in tasks)
        double = [task for task, number in times.items() if number > 1]
        assert not double, f"claimed more than once: {double[:5]} and {len(double)} in all"
        assert len(times) == count, f"{count - len(times)} of {count} tasks were never claimed"


def make_tasks(place: Path, tasks: Sequence[Task]) -> Layout:
    """Makes a project and a run of these tasks in the place, as a conductor leaves it."""
    project = make_repository(place / "project", 1)
    base = git(project, "rev-parse", "HEAD").strip()
    integration = "refs/heads/orchestra/claims"
    git(project, "update-ref", integration, base)
    layout = Layout(place / "_tasks")
    layout.create()
    plan = Plan("0.2", "claims", place / "plan.md", project, tuple(tasks))
    prints = {task.id: "print" for task in tasks}
    record = RunRecord(
        "run1", plan_to_json(plan), prints, "main", base, integration, 0.0, str(project)
    )
    write_run(layout, record)
    TaskStore(layout, "host-1-00000000").publish(tasks, record.run, prints)
    return layout


def make_database(place: Path, count: int) -> None:
    """Makes a queue of so many tasks in a database."""
    with contextlib.closing(_connection(place)) as database:
        database.execute("CREATE TABLE task (id TEXT PRIMARY KEY, state TEXT, owner TEXT)")
        database.execute("CREATE INDEX waiting ON task (state)")
        rows = ((f"task-{number}", "available") for number in range(count))
        database.execute("BEGIN")
        database.executemany("INSERT INTO task VALUES (?, ?, '')", rows)
        database.execute("COMMIT")


def claim_all(way: str, place: Path, processes: int) -> Claimed:
    """Lets so many processes claim all tasks of the place; they begin at the same moment."""
    environ = {**os.environ, "PYTHONPATH": f"{_ROOT}{os.pathsep}{_ROOT / 'tests'}"}
    command = [sys.executable, "-m", "support.claiming", way, str(place)]
    with contextlib.ExitStack() as children:
        claimers = [
            children.enter_context(
                subprocess.Popen(
                    [*command, str(number), str(processes)],
                    env=environ,
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    text=True,
                )
            )
            for number in range(processes)
        ]
        for claimer in claimers:
            children.callback(claimer.kill)
        for claimer in claimers:
            assert claimer.stdout.readline() == "ready\n"
        started = time.monotonic()
        for claimer in claimers:
            claimer.stdin.write("go\n")
            claimer.stdin.flush()
        said = [claimer.communicate()[0].split() for claimer in claimers]
        assert not any(claimer.returncode for claimer in claimers)
    last, cpu = max(float(words[0]) for words in said), sum(float(words[1]) for words in said)
    return Claimed(last - started, tuple(tuple(words[2:]) for words in said), cpu)


def _main(way: str, place: Path, number: int, processes: int) -> None:
    """Gets ready, waits for a line, claims until nothing is left and says what it got."""
    with contextlib.ExitStack() as left:
        take = {"board": _by_board, "store": _by_store, "rename": _by_rename, "sqlite": _by_sqlite}[
            way
        ](left, place, number, processes)
        print("ready", flush=True)
        sys.stdin.readline()
        before, last, taken = time.process_time(), time.monotonic(), []
        while (task := take()) is not None:
            taken.append(task)
            last = time.monotonic()
        cpu = time.process_time() - before
    print(last, cpu, *taken)


def _by_board(left: contextlib.ExitStack, place: Path, number: int, _: int) -> Take:
    """The way of `parallel-orchestra worker`; process 0 is what the conductor's workers are."""
    layout = Layout(place / "_tasks")
    record = read_record(layout)
    plan = plan_from_json(record.plan)
    repo = Repo.discover(Path(record.repository), os.environ)
    left.callback(repo.close)
    settings = Settings(os.environ, place, worktree_root=place / "worktrees", start_gap=0.0)
    agents = AgentSettings(os.environ, place)
    job = Job(record, plan, Graph.of(plan.tasks), repo, layout, agents, settings)
    kind = WorkerKind.WORKER if number else WorkerKind.CONDUCTOR
    crew = left.enter_context(Crew(job, kind, listen=lambda _: None))
    # The first look is made before the start, as the others' reading of the directory is.
    crew.board.revived()

    def take() -> str | None:
        claim = crew.board.next()
        if claim is None:
            return None
        crew.board.ended(crew.store.complete(claim, ()), TaskState.DONE)
        return claim.task

    return take


def _by_store(left: contextlib.ExitStack, place: Path, number: int, processes: int) -> Take:
    """The store over one listing: each process begins at its own place of it."""
    store = TaskStore(Layout(place / "_tasks"), f"host-{number + 2}-{number:08x}")
    left.callback(store.close)
    names = sorted((entry.name for entry in store.listing().entries.values()), key=lambda n: n.task)
    rest = iter(_from(names, number, processes))

    def take() -> str | None:
        for name in rest:
            claim = store.claim(name)
            if claim is not None:
                store.complete(claim, ())
                return claim.task
        return None

    return take


def _by_rename(_: contextlib.ExitStack, place: Path, number: int, processes: int) -> Take:
    """The bare system call, twice for each task: no look, no sign of life, no sync."""
    available, locked, done = (
        str(place / "_tasks" / state.value)
        for state in (TaskState.AVAILABLE, TaskState.LOCKED, TaskState.DONE)
    )
    rest = iter(_from(sorted(os.listdir(available)), number, processes))

    def take() -> str | None:
        for file in rest:
            mine = f"{file}.{number}"
            try:
                os.rename(f"{available}/{file}", f"{locked}/{mine}")
            except FileNotFoundError:
                continue
            os.rename(f"{locked}/{mine}", f"{done}/{mine}")
            return file
        return None

    return take


def _by_sqlite(left: contextlib.ExitStack, place: Path, number: int, _: int) -> Take:
    """A queue as it is usually written: find a row and mark it, in one immediate transaction."""
    database = left.enter_context(contextlib.closing(_connection(place)))

    def take() -> str | None:
        database.execute("BEGIN IMMEDIATE")
        row = database.execute("SELECT id FROM task WHERE state = 'available' LIMIT 1").fetchone()
        if row is not None:
            values = (f"owner-{number}", row[0])
            database.execute("UPDATE task SET state = 'locked', owner = ? WHERE id = ?", values)
        database.execute("COMMIT")
        if row is None:
            return None
        database.execute("BEGIN IMMEDIATE")
        database.execute("UPDATE task SET state = 'done' WHERE id = ?", row)
        database.execute("COMMIT")
        return str(row[0])

    return take


def _from(all_: list[T], number: int, processes: int) -> list[T]:
    start = len(all_) * number // processes
    return all_[start:] + all_[:start]


def _connection(place: Path) -> sqlite3.Connection:
    # Ten minutes of patience: among eight writers SQLite's own waiting is not fair.
    database = sqlite3.connect(place / _DATABASE, timeout=600, isolation_level=None)
    database.execute("PRAGMA journal_mode = WAL")
    database.execute("PRAGMA synchronous = NORMAL")
    return database


if __name__ == "__main__":
    _main(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4]))
