"""Heals what the dead, the doubtful and people with `mv` left in `_tasks/`.

Anybody may do it, at any time, twice at once: each step is a rename or a ref transaction that
only one can win. The fence moves before the file, so that a zombie that wakes up can't merge.
"""

from collections.abc import Callable, Collection, Iterable, Mapping

from parallel_orchestra.events import Failed, Recovered, Undone, Warned
from parallel_orchestra.journal import Journal
from parallel_orchestra.merge_queue import MergeQueue, settle, under_way
from parallel_orchestra.model import FailureClass, Task
from parallel_orchestra.process import identity
from parallel_orchestra.states import TaskState
from parallel_orchestra.store import (
    Entry,
    Listing,
    LostClaim,
    TaskName,
    TaskStore,
    Watch,
    WorkerKind,
    steering,
)
from parallel_orchestra.store.doubles import winner


class Recovery:
    """Looks at listings and moves what lies wrong; one per process."""

    def __init__(
        self,
        store: TaskStore,
        queue: MergeQueue,
        watch: Watch,
        tasks: Mapping[str, Task],
        journal: Journal,
        clock: Callable[[], float],
    ) -> None:
        self._store = store
        self._queue = queue
        self._watch = watch
        self._tasks = tasks
        self._journal = journal
        self._clock = clock
        self._awaited: set[str] = set()

    def wait_for(self, locks: Iterable[TaskName]) -> None:
        """Says, once for each, which claims by hand this process has to wait for."""
        for name in locks:
            record = self._watch.record(name.owner)
            if name.file in self._awaited or record is None:
                continue
            self._awaited.add(name.file)
            if record.kind == WorkerKind.MANUAL.value:
                words = (
                    f"is claimed by hand, by {name.owner}: nothing else is left to do here but to "
                    f"wait for it, for {record.lease / 60:.0f} min after its last `heartbeat` at most"
                )
                self._journal.write(Warned(self._clock(), name.task, words))

    def heal(self, listing: Listing, active: Collection[str]) -> bool:
        """Moves what a look shows to lie wrong; returns whether anything moved.

        `active` are the tasks that this process really works on.

        Raises:
            WaitsForPerson: the integration branch was changed from outside.
            GitError: git failed; what was not moved stays for the next look.
        """
        moved = False
        self._queue.tip()
        for task, entry in listing.entries.items():
            if entry.state is TaskState.LOCKED and task in self._tasks:
                reason = self._death(entry, active)
                if reason:
                    moved |= self._free(entry, reason)
        for task in self._queue.merged_tasks():
            known = listing.entries.get(task)
            if known is not None and known.state in (TaskState.AVAILABLE, TaskState.FAILED):
                moved |= self._sweep(known)
        for task in self._queue.undone_tasks():
            known = listing.entries.get(task)
            if known is not None and known.state in (TaskState.DONE, TaskState.FAILED):
                moved |= self._finish_undo(known)
        for task, asked in steering.cancels(self._store.layout).items():
            known = listing.entries.get(task)
            if known is not None:
                moved |= self._cancel(known, asked)
        if listing.doubles:
            moved |= self._settle_doubles(active)
        return moved

    def free(self, entry: Entry, reason: str) -> bool:
        """Frees one lock, whoever holds it: what a person may ask for (`unlock --force`)."""
        self._queue.tip()
        # The owner may be alive and at work on other tasks, whose agents are to go on.
        return self._free(entry, reason, ("PO_CLAIM", entry.file))

    def _cancel(self, entry: Entry, asked: steering.Asked) -> bool:
        """Moves a waiting task that a person does not want; who has it at work ends it by itself."""
        name, layout = entry.name, self._store.layout
        if entry.state is TaskState.LOCKED:
            return False
        moved = entry.state is TaskState.AVAILABLE and self._store.cancel(name)
        if moved:
            why = (name.attempts, FailureClass.CANCELLED.value, f"cancelled {asked.words}")
            self._journal.write(Failed(self._clock(), name.task, *why))
        if moved or entry.state is not TaskState.AVAILABLE:
            steering.forget_cancel(layout, name.task)
        return moved

    def undone(self, entry: Entry) -> bool:
        """Returns whether the merge of this very generation of a task was taken back."""
        fact = self._queue.undone_of(entry.task)
        if fact is None:
            return False
        return fact.generation >= self._store.generation(entry.state, entry.name)

    def _finish_undo(self, entry: Entry) -> bool:
        """Moves a task whose merge was taken back by somebody who died before the move."""
        task = entry.task
        fact = self._queue.undone_of(task)
        if fact is None or not under_way(self._queue, task):
            return False
        moved = False
        if entry.state is TaskState.DONE:
            told = Undone(self._clock(), task, fact.generation, fact.merge, fact.commit, fact.by)
            moved = self._store.undo(entry.name, ())
            if moved:
                self._journal.write(told)
        # An old look may show it where it was failed before: then somebody else moves it.
        if moved or self._store.lies(Entry.of(TaskState.FAILED, entry.name)):
            settle(self._queue, task)
        return moved

    def _death(self, entry: Entry, active: Collection[str]) -> str:
        if entry.name.owner == self._store.owner:
            # A move that failed (EIO, NFS) left our own lock behind; nobody else frees it.
            return "" if entry.task in active else "its worker is not at work on it"
        path = self._store.layout.state(TaskState.LOCKED) / entry.file
        return self._watch.death(entry.name, str(path))

    def _free(self, entry: Entry, reason: str, claim: tuple[str, str] | None = None) -> bool:
        """Frees a lock. With the mark of its `claim` the owner may be alive."""
        name = entry.name
        if not self._tasks[name.task].read_only:
            try:
                self._queue.tombstone(name)
            except LostClaim:
                return False
            self._queue.tip()
        foreign = bool(name.owner) and name.owner != self._store.owner
        if foreign and claim:
            # An owner that saw its agent end before the task is moved would move it itself, as one
            # that failed.
            identity.stop_marked(*claim)
            try:
                return self._release(entry, reason)
            finally:
                identity.end_marked(*claim)
        if foreign:
            identity.end_marked("PO_OWNER", name.owner)
        return self._release(entry, reason)

    def _release(self, entry: Entry, reason: str) -> bool:
        if self._merged(entry):
            target, won = TaskState.DONE, self._store.roll_forward(entry)
        else:
            target, won = TaskState.AVAILABLE, self._store.recover(entry.name)
        if won:
            self._note(entry, target, reason)
        return won

    def _sweep(self, entry: Entry) -> bool:
        if not self._merged(entry) or not self._store.roll_forward(entry):
            return False
        self._note(entry, TaskState.DONE, "its merge is on the integration branch")
        return True

    def _merged(self, entry: Entry) -> bool:
        fact = self._queue.merge_of(entry.task)
        if fact is None:
            return False
        return fact.generation >= self._store.generation(entry.state, entry.name)

    def _settle_doubles(self, active: Collection[str]) -> bool:
        settled = self._store.settled_listing(())
        for task, entries in settled.doubles.items():
            generations = {
                entry: self._store.generation(entry.state, entry.name) for entry in entries
            }
            newest = max(generations.values())
            fact, undo = self._queue.merge_of(task), self._queue.undone_of(task)
            keep = winner(
                # A person who has a task done again means the newest, wherever the others lie.
                [entry for entry in entries if generations[entry] == newest],
                merged=fact is not None and fact.generation >= newest,
                undone=undo is not None and undo.generation >= newest,
                live=lambda entry: not self._death(entry, active),
            )
            for entry in entries:
                if entry != keep:
                    self._drop(keep, entry)
        return bool(settled.doubles)

    def _drop(self, keep: Entry, drop: Entry) -> None:
        """Moves one of two files of a task to the attic, and says so."""
        # What we wrote says from what; without that it is a person's, who meant another task.
        foreign = drop.state is TaskState.AVAILABLE and not self._store.fingerprint(
            drop.state, drop.name
        )
        place = self._store.drop_twin(keep, drop)
        words = f"was in two places; `{keep.state.value}/` counts"
        if foreign and place is not None:
            words = (
                f"`available/{drop.name.file}` did not join the run: the id `{drop.name.task}` is "
                f"taken by the task in `{keep.state.value}/`; the file lies in "
                f"`attic/{place.name}`: give it another id and name, and add that"
            )
        self._journal.write(Warned(self._clock(), drop.name.task, words))

    def _note(self, entry: Entry, target: TaskState, reason: str) -> None:
        self._journal.write(
            Recovered(self._clock(), entry.task, entry.name.owner, target.value, reason)
        )
