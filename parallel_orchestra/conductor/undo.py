"""What a person does who wants a task's merged work gone: look what follows, then take it back.

Safe while a run is at work and while none is: the same ref transaction, fences and renames as
everybody's (`merge_queue`, `recovery`).
"""

import time
from collections.abc import Iterator
from contextlib import ExitStack
from types import TracebackType

from parallel_orchestra.conductor.byhand.whose import no_such_task
from parallel_orchestra.conductor.handover import Handover, event_of
from parallel_orchestra.conductor.myself import myself
from parallel_orchestra.conductor.picture import read_record, repository_of
from parallel_orchestra.conductor.preflight import worktree_root
from parallel_orchestra.conductor.present import run_lock
from parallel_orchestra.config import Settings
from parallel_orchestra.errors import Problem, UsageError, WaitsForPerson
from parallel_orchestra.events import Undone as UndoneEvent
from parallel_orchestra.frozen import frozen
from parallel_orchestra.graph import Graph
from parallel_orchestra.isolation import Pool
from parallel_orchestra.journal import Journal
from parallel_orchestra.merge_queue import (
    Checker,
    Conflicted,
    MergeFact,
    MergeQueue,
    Rejected,
    RunRefs,
    TakeBack,
    settle,
    take_back,
)
from parallel_orchestra.merge_queue.history import state_before
from parallel_orchestra.model import Task
from parallel_orchestra.plan import plan_from_json
from parallel_orchestra.progress import Delivery
from parallel_orchestra.recovery import Recovery
from parallel_orchestra.states import TaskState
from parallel_orchestra.store import (
    Entry,
    Layout,
    Listing,
    LostClaim,
    TaskName,
    TaskStore,
    Watch,
    WorkerKind,
)

#: Lines of a failed `verify` that are shown.
_SHOWN_LINES = 12


@frozen
class Dependent:
    """A task that needs the one to be undone, itself or (not `direct`) through others.

    `merged` says that it brought something of its own to the branch.
    """

    task: str
    state: str
    direct: bool
    merged: bool


@frozen
class Overlap:
    """A later merge that touched the same files: `what` is a task or the user's branch."""

    what: str
    commit: str
    files: tuple[str, ...]


@frozen
class Prospect:
    """What undoing a task means: its merge, who needs it, who touched the same files since.

    `delivered` says that its work is in the user's branch, or in a pull request.
    """

    task: str
    name: TaskName
    merge: MergeFact
    dependents: tuple[Dependent, ...]
    overlaps: tuple[Overlap, ...]
    delivered: bool

    @property
    def affected(self) -> tuple[Dependent, ...]:
        """The dependents that have used its work already, or are at it."""
        return tuple(one for one in self.dependents if one.state in ("done", "locked"))

    @property
    def to_undo_before(self) -> tuple[Dependent, ...]:
        """The done dependents that have a merge of their own, the last one first."""
        merged = [one for one in self.dependents if one.merged and one.state == "done"]
        return tuple(reversed(merged))


@frozen
class TakenBack:
    """A task whose `merge`, of that generation, was taken back by `commit`."""

    task: str
    commit: str
    merge: str
    generation: int


class UndoDesk:
    """Where tasks of one run are undone, one after the other; a context manager."""

    def __init__(self, layout: Layout, settings: Settings) -> None:
        """Opens the run's repository and journal.

        Raises:
            EnvironmentProblem: there is no run, or its repository is gone.
        """
        self._layout = layout
        self._settings = settings
        self._record = read_record(layout)
        self._plan = plan_from_json(self._record.plan)
        self._tasks = {task.id: task for task in self._plan.tasks}
        self._graph = Graph.of(self._plan.tasks)
        self._me = myself(self._record.run, WorkerKind.MANUAL, layout)
        self._open = ExitStack()
        self._repo = repository_of(self._record, settings.environ)
        self._open.callback(self._repo.close)
        self._journal = Journal(layout.journal, self._me.owner)
        self._open.callback(self._journal.close)
        self._store = TaskStore(layout, self._me.owner, lambda events: self._journal.write(*events))
        self._open.callback(self._store.close)
        refs = RunRefs(self._record.run, self._record.integration)
        self._checker = self._make_checker(refs)
        self._queue = MergeQueue(
            self._repo, self._store, refs, self._record.base_commit, self._checker
        )

    def __enter__(self) -> "UndoDesk":  # noqa: PYI034  # typing.Self needs Python 3.11
        """Returns itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Ends all helpers and writes what is still to be written."""
        self._open.close()

    def look(self, task: str) -> Prospect:
        """Returns what undoing a task would mean; moves only what lies wrong anyway.

        Raises:
            UsageError: the run has no such task, or it has no merge that could be taken back.
            WaitsForPerson: the integration branch was changed from outside.
        """
        if task not in self._tasks:
            raise no_such_task(self._layout, task, list(self._tasks))
        listing = self._store.settled_listing(self._tasks)
        entry = listing.entries.get(task)
        if entry is not None and self._recovery().heal(Listing({task: entry}), ()):
            listing = self._store.settled_listing(self._tasks)
            entry = listing.entries.get(task)
        tip = self._queue.tip()
        fact = self._queue.merge_of(task)
        if fact is None or entry is None or entry.state is not TaskState.DONE:
            raise self._not_to_be_undone(task, fact, entry)
        return Prospect(
            task=task,
            name=entry.name,
            merge=fact,
            dependents=tuple(self._dependents(task, listing)),
            overlaps=tuple(self._overlaps(fact.commit, tip)),
            delivered=self._is_delivered(fact.commit),
        )

    def undo(self, prospect: Prospect, words: str = "") -> TakenBack:
        """Takes a task's merge back and returns how; `words` go into the commit's message.

        Raises:
            WaitsForPerson: it conflicts with later work, or the plan's `verify` fails without
                it: nothing was changed.
            UsageError: somebody took the task meanwhile: nothing was changed.
        """
        task = prospect.task
        log = self._layout.root / "undo-verify.log"
        wanted = TakeBack(prospect.name, prospect.merge, self._title(task), words, log)
        try:
            outcome = take_back(self._store, self._queue, wanted, self._checker)
        except LostClaim as lost:
            said = f"task `{task}` was taken by somebody else meanwhile; nothing was changed"
            raise UsageError(
                Problem(said, str(self._layout.root), f"`parallel-orchestra why {task}`")
            ) from lost
        if isinstance(outcome, Conflicted):
            raise self._conflict(prospect, outcome)
        if isinstance(outcome, Rejected):
            raise self._rejection(task, outcome, str(log))
        self._queue.tip()
        self._move(prospect)
        return TakenBack(task, outcome.commit, prospect.merge.commit, prospect.merge.generation)

    def deliver(self) -> tuple[Delivery | None, bool]:
        """Brings what was undone to the user's branch, unless a run is at work: then it does.

        Returns how that went (None: not tried), and whether it is left to the run.

        Raises:
            WaitsForPerson: the integration branch was changed from outside.
        """
        self._store.settle()
        with run_lock(self._layout) as mine:
            if not mine:
                return None, True
            handover = Handover(
                self._repo, self._queue, self._record, self._layout, self._settings.environ
            )
            delivery = handover.hand(handover.way)
            self._journal.write(event_of(delivery, time.time()))
            return delivery, False

    def _move(self, prospect: Prospect) -> None:
        fact = self._queue.undone_of(prospect.task)
        if fact is not None:
            told = UndoneEvent(
                time.time(), prospect.task, fact.generation, fact.merge, fact.commit, fact.by
            )
            # Not there: a run that is at work has seen the commit and moved the file already.
            self._store.undo(prospect.name, (told,))
            settle(self._queue, prospect.task)

    def _dependents(self, task: str, listing: Listing) -> Iterator[Dependent]:
        needed_by = {task}
        for one in self._graph.order:
            needs = set(self._graph.dependencies[one])
            if needs.isdisjoint(needed_by):
                continue
            needed_by.add(one)
            entry = listing.entries.get(one)
            state = entry.state.value if entry else "missing"
            yield Dependent(one, state, task in needs, self._queue.merge_of(one) is not None)

    def _overlaps(self, merge: str, tip: str) -> Iterator[Overlap]:
        objects = self._repo.objects
        mine = {one.path for one in objects.changed(state_before(objects, merge), merge)}
        for step in reversed(self._queue.steps_since(merge, tip)):
            before = state_before(objects, step.commit)
            touched = {one.path for one in objects.changed(before, step.commit)}
            if files := tuple(sorted(mine & touched)):
                yield Overlap(step.task or step.words, step.commit, files)

    def _is_delivered(self, commit: str) -> bool:
        places = (f"refs/heads/{self._record.base_branch}", self._queue.refs.proposed)
        heads = filter(None, map(self._repo.refs.read, places))
        return any(self._repo.is_ancestor(commit, head) for head in heads)

    def _recovery(self) -> Recovery:
        watch = Watch(self._layout, self._me, time.monotonic)
        return Recovery(self._store, self._queue, watch, self._tasks, self._journal, time.time)

    def _title(self, task: str) -> str:
        found: Task = self._tasks[task]
        return found.title

    def _make_checker(self, refs: RunRefs) -> Checker | None:
        if not self._plan.verify:
            return None
        root = worktree_root(self._repo, self._settings)
        pool = Pool(self._repo, root, self._plan.cwd, self._me.owner)
        pool.collect()
        self._open.callback(pool.close, remove=not self._settings.keep_worktrees)
        environ = self._settings.environ
        plan, owner = self._plan, self._me.owner
        checker = Checker(
            pool, refs, self._layout, owner, plan.verify, environ, plan.setup, rules=plan.merge
        )
        self._open.callback(checker.close)
        return checker

    def _not_to_be_undone(
        self, task: str, fact: MergeFact | None, entry: Entry | None
    ) -> UsageError:
        undone = self._queue.undone_of(task)
        where = str(self._layout.state(entry.state) / entry.file) if entry else ""
        why = f"`parallel-orchestra why {task}`"
        if undone is not None:
            said = f"task `{task}` is undone already, by {undone.by} with commit {undone.commit}"
            return UsageError(
                Problem(said, where, f"`parallel-orchestra retry {task}` does it again")
            )
        if fact is None:
            said = f"task `{task}` has no merge that could be taken back"
            return UsageError(Problem(said, where, why))
        lies = f"it lies in `{entry.state.value}/`" if entry else "its file is missing"
        said = f"task `{task}` is to be done again: {lies}"
        return UsageError(Problem(said, where, f"wait until it is done; {why}"))

    def _conflict(self, prospect: Prospect, found: Conflicted) -> WaitsForPerson:
        files = set(found.files)
        later = [one for one in prospect.overlaps if files & set(one.files)] or list(
            prospect.overlaps
        )
        names = ", ".join(dict.fromkeys(f"`{one.what}`" for one in later))
        count = "1 file" if len(files) == 1 else f"{len(files)} files"
        branch, integration = self._record.base_branch, self._queue.refs.branch
        merge = prospect.merge.commit
        before = state_before(self._repo.objects, merge)
        what = merge if before == f"{merge}^1" else f"{before}..{merge}"
        parent = "-m 1 " if self._repo.resolve(f"{merge}^2") else ""
        first = "" if prospect.delivered else f" && git merge {integration}"
        return WaitsForPerson(
            Problem(
                f"cannot undo task `{prospect.task}`: conflict in {count} with later work"
                + (f" of {names}" if names else "")
                + "; nothing was changed",
                ", ".join(sorted(files)),
                "undo the later tasks first, or take it back by hand: "
                f"`git switch {branch}{first} && git revert {parent}{what}`",
            )
        )

    def _rejection(self, task: str, found: Rejected, log: str) -> WaitsForPerson:
        said = "\n".join(found.output.rstrip().splitlines()[-_SHOWN_LINES:])
        return WaitsForPerson(
            Problem(
                f"cannot undo task `{task}`: without it the plan's `verify` fails; "
                f"nothing was changed\n{said}",
                log,
                "undo what needs it first (`--with-dependents`), or have a task mend it",
            )
        )
