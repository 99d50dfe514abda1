"""One process at work in a run: registered, with its board, its workers and their pulse."""

import contextlib
import os
import random
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import TypeVar

from parallel_orchestra.agents import AgentSettings
from parallel_orchestra.board import Board, Clock
from parallel_orchestra.conductor.control import Control, Running, Snapshot
from parallel_orchestra.conductor.myself import myself
from parallel_orchestra.conductor.preflight import worktree_root
from parallel_orchestra.config import Settings
from parallel_orchestra.engine import Threads
from parallel_orchestra.events import Event
from parallel_orchestra.git import Repo
from parallel_orchestra.graph import Graph, rivals
from parallel_orchestra.isolation import Pool
from parallel_orchestra.journal import Journal
from parallel_orchestra.merge_queue import Checker, MergeQueue, RunRefs
from parallel_orchestra.model import Plan, Task
from parallel_orchestra.process import identity
from parallel_orchestra.recovery import Recovery
from parallel_orchestra.schedule import Schedule, durations
from parallel_orchestra.states import TaskState
from parallel_orchestra.store import (
    Layout,
    RunRecord,
    TaskStore,
    Watch,
    WorkerKind,
)
from parallel_orchestra.store.liveness import HEARTBEAT
from parallel_orchestra.store.records import write_worker
from parallel_orchestra.store.tasks import owner_name
from parallel_orchestra.worker import Shop, Worker

T = TypeVar("T")

#: What is called with a snapshot every now and then.
Tell = Callable[[Snapshot], None]

#: Seconds between two looks of the main thread at its workers.
_TICK = 0.1

WALL_CLOCK = Clock(time.time, time.monotonic)


@dataclass(frozen=True, slots=True)
class Job:
    """What a crew works on: the run, its plan, and where."""

    run: RunRecord
    plan: Plan
    graph: Graph
    repo: Repo
    layout: Layout
    agents: AgentSettings
    settings: Settings


class Crew:
    """The workers of this process; a context manager that leaves nothing running behind."""

    def __init__(
        self,
        job: Job,
        kind: WorkerKind,
        *,
        listen: Callable[[Event], None],
        clock: Clock = WALL_CLOCK,
    ) -> None:
        self.job = job
        self.me = myself(job.run.run, kind, job.layout)
        self.refs = RunRefs(job.run.run, job.run.integration)
        self.journal = Journal(job.layout.journal, self.me.owner, listen)
        self.store = TaskStore(
            job.layout, self.me.owner, lambda events: self.journal.write(*events)
        )
        self.tasks: Mapping[str, Task] = {task.id: task for task in job.plan.tasks}
        self.pool = _pool(job.repo, job.plan.cwd, job.settings, self.me.owner)
        self._checker = self._make_checker()
        self.queue = MergeQueue(job.repo, self.store, self.refs, job.run.base_commit, self._checker)
        watch = Watch(job.layout, self.me, clock.monotonic)
        self.recovery = Recovery(self.store, self.queue, watch, self.tasks, self.journal, clock.now)
        self.board = self._make_board(clock)
        self._clock = clock
        self._threads: Threads | None = None

    def __enter__(self) -> "Crew":  # noqa: PYI034  # typing.Self needs Python 3.11
        """Registers this process, before its first claim."""
        write_worker(self.job.layout, self.me)
        self.pool.collect()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Ends all workers and puts the worktrees away, whatever happened."""
        if self._threads is not None:
            while self._threads.alive:
                self._cancel()
                self._threads.wait(_TICK)
            self._threads.close()
        with contextlib.ExitStack() as steps:
            # The last one in goes first; each is done whatever the others do.
            steps.callback(self.journal.close)
            steps.callback(self.pool.close, remove=not self.job.settings.keep_worktrees)
            steps.callback(self.queue.flush)
            steps.callback(self.store.close)
            if self._checker is not None:
                steps.callback(self._checker.close)

    def work(self, workers: int, control: Control, tell: Tell) -> None:
        """Lets N workers work until nothing is left, the run is drained or cancelled.

        Raises:
            OrchestraError: the run can't go on; all tasks were given back.
        """
        shop = self._shop()
        team = [Worker(shop, number) for number in range(1, workers + 1)]
        threads = Threads(team, self.board, self.store, HEARTBEAT)
        self._threads = threads
        if control.draining:
            self.board.stop()
        threads.start()
        while threads.alive:
            if control.cancelled:
                self._cancel()
            elif control.draining:
                self.board.stop()
            tell(self.snapshot(team, stopping=control.draining))
            threads.wait(_TICK)
        tell(self.snapshot(team, stopping=control.draining))
        if threads.failure is not None:
            raise threads.failure

    def attend(self, body: Callable[[], T], control: Control) -> T:
        """Returns what `body` returns, run beside the main thread, which stays free to hear a cancel.

        A cancel ends the verification that `body` may be waiting for.
        """
        with ThreadPoolExecutor(max_workers=1, thread_name_prefix="attend") as pool:
            future = pool.submit(body)
            while not wait((future,), _TICK).done:
                if control.cancelled:
                    self._cancel()
            return future.result()

    def settle(self) -> None:
        """Returns once every move is on the disk and its event is written."""
        self.store.settle()

    def snapshot(self, team: list[Worker], *, stopping: bool) -> Snapshot:
        """Returns where the run stands as this process sees it."""
        count = self.board.count()
        running = []
        for worker in team:
            claim, since = worker.claim, worker.since
            if claim is not None:
                running.append(Running(claim.task, claim.attempt, worker.number, since))
        return Snapshot(
            done=count[TaskState.DONE],
            failed=count[TaskState.FAILED],
            locked=count[TaskState.LOCKED],
            total=len(self.tasks),
            running=tuple(running),
            stopping=stopping,
        )

    def _cancel(self) -> None:
        if self._threads is not None:
            self._threads.cancel()
        if self._checker is not None:
            self._checker.cancel()

    def _make_checker(self) -> Checker | None:
        job = self.job
        if not job.plan.verify:
            return None
        return Checker(
            self.pool, self.refs, job.layout, self.me.owner, job.plan.verify, job.settings.environ
        )

    def _make_board(self, clock: Clock) -> Board:
        plan, graph = self.job.plan, self.job.graph
        contenders = rivals(plan.tasks, graph)
        levels = graph.bottom_levels(durations(plan.tasks, {}))
        schedule = Schedule(plan.tasks, graph, contenders, plan.concurrency_limits, levels)
        return Board(
            self.tasks,
            schedule,
            self.store,
            self.recovery,
            clock,
            contenders,
            plan.concurrency_limits,
        )

    def _shop(self) -> Shop:
        job = self.job
        return Shop(
            run=job.run,
            plan=job.plan,
            tasks=self.tasks,
            board=self.board,
            store=self.store,
            queue=self.queue,
            repo=job.repo,
            pool=self.pool,
            journal=self.journal,
            agents=job.agents,
            environ=job.settings.environ,
            clock=self._clock,
            dice=random.random,
            log_dir=_made(job.settings.log_dir, job.repo.top),
            keep_worktrees=job.settings.keep_worktrees,
        )


def clear_worktrees(repo: Repo, project: Path, settings: Settings) -> None:
    """Removes the worktrees that a run left which was killed after its last task.

    Those that somebody works in stay, and so do all if the user keeps them.
    """
    pool = _pool(repo, project, settings, owner_name(identity.host_name(), os.getpid(), "0" * 8))
    if pool.root.is_dir() and not settings.keep_worktrees:
        pool.collect()
        pool.close(remove=True)


def _pool(repo: Repo, project: Path, settings: Settings, owner: str) -> Pool:
    return Pool(repo, worktree_root(repo, settings), project, owner)


def _made(folder: Path | None, checkout: Path) -> Path | None:
    if folder is None or folder.is_dir():
        return folder
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if folder.resolve().is_relative_to(checkout.resolve()):
        # A folder of our making does not dirty the user's checkout.
        (folder / ".gitignore").write_text("*\n")
    return folder
