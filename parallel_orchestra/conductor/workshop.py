"""All that one owner needs to work on a run's tasks, joined: store, journal, queue, board."""

import contextlib
import random
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from pathlib import Path

from parallel_orchestra import files
from parallel_orchestra.agents import BACKENDS, AgentSettings, account_of, backend_of
from parallel_orchestra.board import WALL_CLOCK, Board, Clock, Purse
from parallel_orchestra.board.breaker import Breaker
from parallel_orchestra.board.gate import Demands, Gate
from parallel_orchestra.conductor.durations import past_of
from parallel_orchestra.conductor.preflight import places, worktree_root
from parallel_orchestra.conductor.territory import rivals_of
from parallel_orchestra.config import Settings
from parallel_orchestra.events import AttemptEnded, Event, StartsHeld, Warned
from parallel_orchestra.frozen import frozen
from parallel_orchestra.garbage import leave
from parallel_orchestra.git import Repo
from parallel_orchestra.graph import Graph, Rivals
from parallel_orchestra.isolation import Commons, Pool, Seats
from parallel_orchestra.journal import Journal
from parallel_orchestra.merge_queue import Checker, Guard, MergeQueue, RunRefs
from parallel_orchestra.merge_queue.bay import Bay, Site
from parallel_orchestra.merge_queue.regenerating import Regenerator
from parallel_orchestra.model import OnConflict, Plan, Task
from parallel_orchestra.plan import plan_from_json
from parallel_orchestra.recovery import Recovery
from parallel_orchestra.schedule import Outlook, Schedule, Standing, outlook
from parallel_orchestra.schedule.usage_limits import Account
from parallel_orchestra.spending import limited
from parallel_orchestra.store import Layout, RunRecord, TaskStore, Watch, WorkerKind, WorkerRecord
from parallel_orchestra.store.room import Room
from parallel_orchestra.worker import Shop


@frozen
class Job:
    """What is worked on: the run, its plan, and where; who contends for files, if that is known."""

    run: RunRecord
    plan: Plan
    graph: Graph
    repo: Repo
    layout: Layout
    agents: AgentSettings
    settings: Settings
    contenders: Rivals | None = None

    @property
    def known(self) -> tuple[RunRecord, Plan]:
        """The run's record with the plan in it, as this process has them."""
        return self.run, self.plan


class Workshop:
    """The tools of one owner, who need not be registered to look; `close` puts them away."""

    def __init__(
        self,
        job: Job,
        me: WorkerRecord,
        *,
        listen: Callable[[Event], None],
        clock: Clock = WALL_CLOCK,
    ) -> None:
        self.job = job
        self.me = me
        #: The seconds that tasks took in this process, of those that went well.
        self._took: dict[str, float] = {}
        self.refs = RunRefs(job.run.run, job.run.integration)
        self._listen = listen
        self.journal = Journal(job.layout.journal, me.owner, self._hear)
        self.store = TaskStore(job.layout, me.owner, lambda events: self.journal.write(*events))
        # All who hold it see it grow when tasks join the run.
        self.tasks: dict[str, Task] = {task.id: task for task in job.plan.tasks}
        self.guard = Guard(job.repo, job.layout, self.warn)
        check = self.guard.check
        self.pool = pool_of(job.repo, job.plan.cwd, job.settings, me.owner, check, job.layout.root)
        self._commons = Commons(self.pool)
        self.seats = Seats(job.settings.cache / "parallel-orchestra" / "seats")
        self._checker = self._make_checker()
        self._bay: Bay | None = None
        self._unwanted = False
        self.queue = MergeQueue(
            job.repo,
            self.store,
            self.refs,
            job.run.base_commit,
            self._checker,
            check,
            strategy=job.plan.merge.strategy,
            regenerate=self._make_regenerator(),
        )
        self.watch = Watch(job.layout, me, clock.monotonic)
        self.recovery = Recovery(
            self.store, self.queue, self.watch, self.tasks, self.journal, clock.now
        )
        self.clock = clock
        self.board = self._make_board()

    def _hear(self, event: Event) -> None:
        if isinstance(event, AttemptEnded) and not event.failure:
            self._took[event.task] = event.seconds
        self._listen(event)

    def warn(self, text: str) -> None:
        """Writes into the journal what the user should know of the run."""
        self.journal.write(Warned(self.clock.now(), "", text))

    def enlarge(self, run: RunRecord) -> tuple[str, ...]:
        """Takes the tasks that joined the run, as its record has it; returns their ids."""
        plan = plan_from_json(run.plan)
        new = {task.id: task for task in plan.tasks if task.id not in self.tasks}
        if not new:
            return ()
        self.job = replace(
            self.job, run=run, plan=plan, graph=Graph.of(plan.tasks), contenders=None
        )
        self.tasks.update(new)
        self.board.enlarge(*self._scheduled(), self._purse())
        return tuple(new)

    def forecast(self, workers: int, elapsed: Mapping[str, float]) -> Outlook:
        """Returns how the rest will go with so many workers, as the tasks lie as far as we know.

        `elapsed` are the seconds that running tasks have taken so far.
        """
        plan, (contenders, past) = self.job.plan, self._foresight
        # one step, which no worker's event comes between
        took = self._took.copy()
        standing = Standing(self.board.seen(), elapsed)
        limits = plan.concurrency_limits
        # The width, which takes long to find, says nothing of how long the rest will take.
        width = workers
        return outlook(
            plan.tasks, self.job.graph, contenders, limits, past, workers, standing, width, took
        )

    def settle(self) -> None:
        """Returns once every move is on the disk and its event is written."""
        self.store.settle()

    def bay(self) -> Bay:
        """Returns a worktree of the queue's own, to look at what is merged; it is made on first use."""
        if self._bay is None:
            job = self.job
            environ, setup = job.settings.environ, job.plan.setup
            site = Site(self.pool, self.refs, job.layout, self.me.owner, environ, setup)
            self._bay = Bay(site, self.seats.take())
        return self._bay

    @property
    def unwanted(self) -> bool:
        """Whether checks were cancelled: then none is begun any more."""
        return self._unwanted

    def cancel_checks(self) -> None:
        """Ends the commands on merged work that may be running, and later ones, as cancelled."""
        self._unwanted = True
        if self._bay is not None:
            self._bay.cancel()
        if self._checker is not None:
            self._checker.cancel()

    def resume_checks(self) -> None:
        """Lets commands on merged work run again."""
        self._unwanted = False
        if self._checker is not None:
            self._checker.go_on()

    def close(self, *, remove_worktrees: bool) -> None:
        """Puts everything away; `remove_worktrees` also those of the pool that nobody uses."""
        with contextlib.ExitStack() as steps:
            # The last one in goes first; each is done whatever the others do.
            steps.callback(leave)
            steps.callback(self.journal.close)
            steps.callback(self.seats.close)
            steps.callback(self.pool.close, remove=remove_worktrees)
            steps.callback(self.queue.flush)
            steps.callback(self.store.close)
            if self._checker is not None:
                steps.callback(self._checker.close, keep=not remove_worktrees)
            if self._bay is not None:
                log = self.job.layout.root / "teardown-verify.log"
                steps.callback(self._bay.close, log, keep=not remove_worktrees)

    def shop(self) -> Shop:
        """Returns the tools as a worker takes them."""
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
            clock=self.clock,
            dice=random.random,
            log_dir=_made(job.settings.log_dir, job.repo.top),
            seats=self.seats,
            commons=self._commons,
            keep_worktrees=job.settings.keep_worktrees,
        )

    def _make_regenerator(self) -> Regenerator | None:
        job = self.job
        if not job.plan.merge.regenerate:
            return None
        log = job.layout.root / "merge-regenerate.log"
        rules, inside = job.plan.merge.regenerate, self.pool.inside
        return Regenerator(job.repo, self.bay, rules, inside, log)

    def _make_checker(self) -> Checker | None:
        job = self.job
        if not job.plan.verify:
            return None
        return Checker(
            self.pool,
            self.refs,
            job.layout,
            self.me.owner,
            job.plan.verify,
            job.settings.environ,
            job.plan.setup,
            self.seats.take,
            job.plan.merge,
        )

    def _scheduled(
        self,
    ) -> tuple[Schedule, Rivals, Mapping[str, Account]]:
        plan, graph = self.job.plan, self.job.graph
        contenders = self.job.contenders
        if contenders is None:
            contenders = rivals_of(plan, graph, self.job.repo, self.job.run.base_commit)
        past = past_of(plan, self.job.repo)
        self._foresight = contenders, past
        # The conductor alone keeps to the plan's order among equals.
        dice = None if self._conducts else random.Random(self.me.owner)  # noqa: S311  # no secret
        limits = plan.concurrency_limits
        accounts = accounts_of(plan.tasks, self.job.agents)
        lanes = {task: account.lane for task, account in accounts.items()}
        schedule = Schedule.of(plan.tasks, graph, contenders, limits, past, dice, lanes)
        return schedule, contenders, accounts

    @property
    def _conducts(self) -> bool:
        return self.me.kind == WorkerKind.CONDUCTOR.value

    def _make_board(self) -> Board:
        plan = self.job.plan
        schedule, contenders, accounts = self._scheduled()
        return Board(
            self.tasks,
            schedule,
            self.store,
            self.recovery,
            self.clock,
            contenders,
            plan.concurrency_limits,
            Room(
                places(self.job.repo, self.job.layout.root, self.job.settings),
                lambda text: self.journal.write(Warned(self.clock.now(), "", text)),
                self.clock.monotonic,
            ),
            Gate(
                demands_of(self.job.settings), self._tell_hold, self.clock.monotonic, random.random
            ),
            plan.halt,
            self._purse(),
            Breaker(
                self.job.layout,
                accounts,
                plan.usage_limit,
                self.clock,
                dice=random.random,
                tell=self.journal.write,
            ),
            asks=plan.merge.on_conflict is OnConflict.HALT,
            mends=self._conducts,
        )

    def _purse(self) -> Purse | None:
        """Returns the budgets that claims are held to; None if there are none.

        A person's claim uses no agent.
        """
        plan = self.job.plan
        concerned = any(limited(task, plan.budget) for task in plan.tasks)
        if self.me.kind == WorkerKind.MANUAL.value or not concerned:
            return None
        return Purse(self.tasks, plan.budget, plan.backends, self.job.layout, self.clock.now)

    def _tell_hold(self, reason: str) -> None:
        self.journal.write(StartsHeld(self.clock.now(), reason))


def accounts_of(tasks: Iterable[Task], agents: AgentSettings) -> dict[str, Account]:
    """Returns who pays for each task's agent."""
    # Of thousands of tasks, most have the same environment.
    known: dict[tuple[object, ...], Account] = {}
    found = {}
    for task in tasks:
        facts = (task.backend, task.model, *sorted(task.env.items()))
        if facts not in known:
            known[facts] = account_of(task, backend_of(task.backend, agents), agents)
        found[task.id] = known[facts]
    return found


def demands_of(settings: Settings) -> Demands:
    """Returns what must be so for a task to start, as the user or the backends want it."""
    gaps = {name: backend.start_gap for name, backend in BACKENDS.items()}
    if settings.start_gap is not None:
        gaps = dict.fromkeys(gaps, settings.start_gap)
    return Demands(settings.min_memory, settings.max_load, gaps)


def pool_of(
    repo: Repo,
    project: Path,
    settings: Settings,
    owner: str,
    check: Callable[[], None] = lambda: None,
    tasks: Path | None = None,
) -> Pool:
    """Returns the worktrees of a repository as this owner uses them; see `Pool`."""
    return Pool(repo, worktree_root(repo, settings), project, owner, check, tasks)


def _made(folder: Path | None, checkout: Path) -> Path | None:
    if folder is None or folder.is_dir():
        return folder
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if folder.resolve().is_relative_to(checkout.resolve()):
        # A folder of our making does not dirty the user's checkout.
        files.write(folder / ".gitignore", b"*\n")
    return folder
