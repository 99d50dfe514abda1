"""One process at work in a run: its workshop, registered, with its workers and their pulse."""

import contextlib
import os
import threading
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor, wait
from pathlib import Path
from types import TracebackType
from typing import TypeVar

from parallel_orchestra.board import WALL_CLOCK, Clock
from parallel_orchestra.conductor.acts import Glance
from parallel_orchestra.conductor.control import Control, Running, Snapshot
from parallel_orchestra.conductor.exhibits import end_of_log
from parallel_orchestra.conductor.heeding import Ear
from parallel_orchestra.conductor.myself import myself
from parallel_orchestra.conductor.roster import Roster
from parallel_orchestra.conductor.workshop import Job, Workshop, pool_of
from parallel_orchestra.config import Settings
from parallel_orchestra.engine import Threads
from parallel_orchestra.errors import OrchestraError
from parallel_orchestra.events import Event, Warned
from parallel_orchestra.git import Extent, Repo, extent
from parallel_orchestra.merge_queue.history import state_before
from parallel_orchestra.model import HaltWhen, LimitMode
from parallel_orchestra.process import Supervisor, identity
from parallel_orchestra.report.silence import doing
from parallel_orchestra.report.text import span
from parallel_orchestra.schedule import Outlook, doomed
from parallel_orchestra.states import TaskState
from parallel_orchestra.store import WorkerKind
from parallel_orchestra.store.liveness import HEARTBEAT
from parallel_orchestra.store.records import write_worker
from parallel_orchestra.store.tasks import owner_name
from parallel_orchestra.worker import Berths, Worker

T = TypeVar("T")

#: What is called with a snapshot every now and then.
Tell = Callable[[Snapshot], None]

#: Seconds between two looks of the main thread at its workers.
_TICK = 0.1


class Crew(Workshop):
    """The workers of this process; a context manager that leaves nothing running behind."""

    def __init__(
        self,
        job: Job,
        kind: WorkerKind,
        *,
        listen: Callable[[Event], None],
        clock: Clock = WALL_CLOCK,
    ) -> None:
        super().__init__(job, myself(job.run.run, kind, job.layout), listen=listen, clock=clock)
        self._threads: Threads | None = None
        self._ready: list[Supervisor] = []
        conducts = kind is WorkerKind.CONDUCTOR
        self._roster = Roster(self, conducts=conducts)
        self._glance: Glance | None = None
        #: How many tasks were doomed when so many had failed of so many.
        self._doomed = ((0, 0), 0)
        self._ear = Ear(
            job.layout,
            self.warn if conducts else lambda text: listen(Warned(clock.now(), "", text)),
        )

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
        for supervisor in self._ready:
            supervisor.close()
        self.close(remove_worktrees=not self.job.settings.keep_worktrees)

    def ready(self, workers: int) -> None:
        """Has the helpers of so many workers start, while this process publishes what they will do."""
        self._ready = [Supervisor() for _ in range(workers)]
        threading.Thread(target=_start, args=(tuple(self._ready),), name="ready").start()

    def work(self, workers: int, control: Control, tell: Tell) -> None:
        """Lets N workers work until nothing is left, the run is drained or cancelled.

        Raises:
            OrchestraError: the run can't go on; all tasks were given back.
        """
        shop = self.shop()
        berths = Berths()
        team = [
            Worker(shop, number, berths, self._ready.pop(0) if self._ready else Supervisor())
            for number in range(1, workers + 1)
        ]
        threads = Threads(team, self.board, self.store, HEARTBEAT)
        self._threads = threads
        if control.draining:
            self.board.stop()
        threads.start()
        while threads.alive:
            self._ear.hear(control, team)
            if not control.draining:
                self._roster.hear()
            if control.cancelled or self.board.halted() is HaltWhen.NOW:
                self._cancel()
            elif control.draining:
                self.board.stop()
            tell(self.snapshot(team, stopping=control.draining))
            threads.wait(_TICK)
        threads.close()
        self._ear.hear_the_end()
        if self.board.halted() is HaltWhen.NOW and not control.cancelled:
            # It ended what worked. What was merged is looked at and delivered as after any run.
            self.resume_checks()
        tell(self.snapshot(team, stopping=control.draining))
        if threads.failure is not None:
            raise threads.failure
        self._tell_halt()
        self._tell_limits()
        self._tell_barred()

    def goes_on(self) -> bool:
        """Returns whether there is more to do after `work`: tasks joined when it was about to end."""
        self._roster.hear(at_once=True)
        return self.board.revived()

    def attend(self, body: Callable[[], T], control: Control, *, can_wait: bool = False) -> T:
        """Returns what `body` returns, run beside the main thread, which stays free to hear a cancel.

        A cancel ends the verification that `body` may be waiting for. So does the first wish for an
        end if it `can_wait`: it is done by hand later.
        """
        with ThreadPoolExecutor(max_workers=1, thread_name_prefix="attend") as pool:
            future = pool.submit(body)
            while not wait((future,), _TICK).done:
                self._ear.hear(control)
                if control.cancelled or (can_wait and control.draining):
                    self._cancel()
            return future.result()

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
            # A worker that writes down how its attempt ended runs nothing, but holds its task.
            elsewhere=max(0, count[TaskState.LOCKED] - max(len(running), len(self.board.active))),
            skipped=self._skipped(count[TaskState.FAILED]),
            doing=self._doing,
            outlook=lambda: self._outlook(team),
            extent=self._extent,
            said=self._said,
        )

    def _skipped(self, failed: int) -> int:
        """Returns how many tasks wait in vain; asked ten times a second, so counted when that changes."""
        known = failed, len(self.tasks)
        if self._doomed[0] != known:
            states = {task: seen.state for task, seen in self.board.seen().items()}
            self._doomed = known, len(doomed(self.job.graph, states))
        return self._doomed[1]

    def _outlook(self, team: list[Worker]) -> Outlook:
        now = self.clock.now()
        claims = ((worker.claim, worker.since) for worker in team)
        elapsed = {claim.task: now - since for claim, since in claims if claim is not None}
        return self.forecast(len(team), elapsed)

    def _extent(self, commit: str) -> Extent | None:
        with contextlib.suppress(OrchestraError):
            return extent(self.job.repo.git, state_before(self.job.repo.objects, commit), commit)
        return None

    def _said(self, task: str, attempt: int, log: str) -> str:
        return end_of_log(self.job.layout, task, attempt, self.me.owner, log)

    def _doing(self) -> Mapping[str, str]:
        if self._glance is None:
            self._glance = Glance(self.job.layout, self.job.plan)
        now = self.clock.now()
        return {one.task: doing(one.act, one.silence, now) for one in self._glance.look()}

    def _tell_halt(self) -> None:
        if question := self.board.question:
            self.warn(f"halted: `{question}` conflicts, and the run was to ask then")
        elif self.board.halted() is not None:
            failed = self.board.count()[TaskState.FAILED]
            tasks = "task" if failed == 1 else "tasks"
            halt = self.job.plan.halt
            self.warn(f"halted: {failed} {tasks} failed, and the run was to halt `{halt}`")

    def _tell_limits(self) -> None:
        for limit in self.board.stopped():
            told = limit.words(self.clock.now())
            policy = self.job.plan.usage_limit
            why = (
                "`usage_limit.mode` is `stop`"
                if policy.mode is LimitMode.STOP
                else f"longer than `usage_limit.max_wait`, {span(policy.max_wait)}"
            )
            self.warn(f"stopped: {told} ({why}); `--resume` goes on then")

    def _tell_barred(self) -> None:
        for culprit, tasks in self.board.barred().items():
            backend, count = self.tasks[culprit].backend, len(tasks)
            what = f"{count} task was" if count == 1 else f"{count} tasks were"
            self.warn(
                f"{what} not started: `{backend}` has no access to its account, see `{culprit}`; "
                "`--resume` tries again"
            )

    def _cancel(self) -> None:
        if self._threads is not None:
            self._threads.cancel()
        self.cancel_checks()


def _start(supervisors: Iterable[Supervisor]) -> None:
    with contextlib.suppress(OSError):
        for supervisor in supervisors:
            supervisor.ready()


def clear_worktrees(repo: Repo, project: Path, settings: Settings) -> None:
    """Removes the worktrees that a run left which was killed after its last task.

    Those that somebody works in stay, and so do all if the user keeps them.
    """
    pool = pool_of(repo, project, settings, owner_name(identity.host_name(), os.getpid(), "0" * 8))
    if pool.root.is_dir() and not settings.keep_worktrees:
        pool.collect()
        pool.close(remove=True)
