"""Task files: publish, list, claim, beat, and the moves that only an owner can make.

The destination of a claim carries attempt and owner, so it is unique: of all who rename the
same file one succeeds, and a lock never exists without an owner. A worker that lost its claim
can't complete it, since the path with its name is gone.
"""

import contextlib
import os
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

from parallel_orchestra import files
from parallel_orchestra.events import Event
from parallel_orchestra.frozen import frozen
from parallel_orchestra.model import Task
from parallel_orchestra.states import Move, TaskState, allowed
from parallel_orchestra.store.group_commit import GroupCommit
from parallel_orchestra.store.layout import Layout
from parallel_orchestra.store.listing import Entry, Listing, Looks
from parallel_orchestra.store.names import TaskName, parse
from parallel_orchestra.store.task_file import edited, fingerprint_in, generation_in, task_file

#: Where tasks go when they end for good.
_ENDS = (TaskState.DONE, TaskState.FAILED)
#: A file that moves while the directories are read is seen nowhere or twice in 3 to 11 % of
#: the scans; no such sight survived 20 looks.
RESCANS = 20


class LostClaim(Exception):  # a fact about a claim, not a fault
    """The task is not ours any more: recovered, released or moved by hand."""


@frozen
class Claim:
    """A task that this process holds: its name in `locked/` and the path of that file."""

    name: TaskName
    file: str

    @property
    def path(self) -> Path:
        """The path of its file in `locked/`."""
        return Path(self.file)

    @property
    def task(self) -> str:
        """The task's id."""
        return self.name.task

    @property
    def attempt(self) -> int:
        """The number of this attempt, from 1."""
        return self.name.attempts


class TaskStore:
    """The task files of one run, seen by one owner (a process, named as in `locked/`)."""

    def __init__(
        self, layout: Layout, owner: str, tell: Callable[[Sequence[Event]], None] = lambda _: None
    ) -> None:
        """Takes what is told of moves once they are on the disk (from another thread)."""
        self.layout = layout
        self.owner = owner
        self._paths = {state: str(layout.state(state)) for state in TaskState}
        available, locked = (self._paths[one] for one in (TaskState.AVAILABLE, TaskState.LOCKED))
        # What is at work is seldom much, and while it is there the others need no look. Once more in
        # the end: a task that is claimed meanwhile is seen where it arrives.
        self._open = (locked, available, locked)
        self._claimed: set[str] = set()
        self._looks = Looks(self._paths)
        self._moves = GroupCommit((self._paths[state] for state in TaskState), tell)

    def publish(self, tasks: Iterable[Task], run: str, fingerprints: dict[str, str]) -> int:
        """Makes a file in `available/` for each task and returns how many were new.

        All at once if the directory is empty, else one by one by link(2): an existing file is
        never replaced. The caller has made sure that the tasks lie nowhere else. The files are
        not synced one by one: `run.json` is, and what a power cut damages here is published
        again from it.

        Raises:
            OSError: the disk is full or read-only; what was published stays, and the next
                call goes on from there.
        """
        available, tmp = self.layout.state(TaskState.AVAILABLE), self.layout.tmp
        chosen = tuple(tasks)

        def contents() -> Iterator[tuple[str, bytes]]:
            for task in chosen:
                yield TaskName(task.id).file, task_file(task, run, 1, fingerprints[task.id])

        if not files.names(available):
            via = tmp / f"available.{self.owner}.{os.urandom(4).hex()}"
            made = files.appear(available, contents(), via=via)
            if made is not None:
                files.sync_directory(self.layout.root)
                return made
        new = sum(
            files.create(available / file, data, via=tmp / f"{file}.{self.owner}", synced=False)
            for file, data in contents()
        )
        files.sync_directory(available)
        return new

    def listing(self) -> Listing:
        """Returns one look at all tasks; it may be old when you read it, only claim() decides."""
        return self._looks.take()

    def settled_listing(self, expected: Iterable[str]) -> Listing:
        """Returns a look in which no expected task is missing or double by movement alone.

        What no look of 20 has seen is missing, and what all of them saw twice is double. One
        look more may miss a task that the looks before have seen: it stays where it was seen.
        """
        look = self.listing()
        entries, doubles = dict(look.entries), set(look.doubles)
        missing = set(expected) - entries.keys()
        for _ in range(RESCANS):
            if not doubles and not missing:
                break
            look = self.listing()
            entries.update(look.entries)
            doubles &= look.doubles.keys()
            missing -= look.entries.keys()
        return Listing(entries, {task: look.doubles[task] for task in doubles}, look.strange)

    def claim(self, name: TaskName, source: TaskState = TaskState.AVAILABLE) -> Claim | None:
        """Takes a task for this owner, or returns None if somebody else was first.

        One rename: exclusive between processes and machines (rename(2)). The file's time is
        set, so that its age is the age of the claim. From `failed/` only a person takes one.

        Raises:
            OSError: the directory does not allow it (full, read-only, gone); nothing moved.
        """
        mine = name.claimed_by(self.owner)
        target = self._path(TaskState.LOCKED, mine)
        # Over what we hold a copy made by hand would silently be renamed. Only for a task that we had
        # is it looked up: processes that claim wait for each other's look-ups in `locked/`.
        if name.task in self._claimed and os.path.lexists(target):
            return None
        self._claimed.add(name.task)
        move = Move.CLAIM if source is TaskState.AVAILABLE else Move.TAKE_UP
        if not self._rename(move, source, self._path(source, name), TaskState.LOCKED, target):
            return None
        claim = Claim(mine, target)
        self.beat(claim)
        return claim

    def beat(self, claim: Claim, at: float | None = None) -> bool:
        """Renews a claim's sign of life; returns False if the claim is lost.

        `utime` on one's own locked path: works on a full disk, and proves possession. `at` is
        the sign that a person's claim gives (`liveness.sign_of`); None takes the wall clock.
        """
        try:
            os.utime(claim.file, None if at is None else (at, at))
        except OSError as error:
            return not isinstance(error, FileNotFoundError)
        return True

    def holds(self, claim: Claim) -> bool:
        """Returns whether the claim's file is still there; only a later rename can be sure."""
        return os.path.lexists(claim.file)

    def lies(self, entry: Entry) -> bool:
        """Returns whether a task's file lies there at this moment."""
        return os.path.lexists(f"{self._paths[entry.state]}/{entry.file}")

    def generation(self, state: TaskState, name: TaskName) -> int:
        """Returns the generation in a task's file: 1, raised when a done task is run anew."""
        return generation_in(self._text(state, name))

    def fingerprint(self, state: TaskState, name: TaskName) -> str:
        """Returns the fingerprint of the definition that a task's file was written from."""
        return fingerprint_in(self._text(state, name))

    def edited(self, name: TaskName, task: Task, run: str, fingerprint: str) -> bool:
        """Returns whether a waiting task's file is not what was written for it."""
        return edited(self._text(TaskState.AVAILABLE, name), task, run, fingerprint)

    def locked_tasks(self) -> set[str]:
        """Returns the ids of the tasks that lie in `locked/` at this moment."""
        found = map(parse, files.names(self._paths[TaskState.LOCKED]))
        return {name.task for name in found if name is not None}

    def available_tasks(self) -> set[str]:
        """Returns the ids of the tasks that lie in `available/` at this moment, and maybe others.

        A glance, much cheaper than a listing: names that are not ours may be among them.
        """
        return {file.partition(".")[0] for file in files.names(self._paths[TaskState.AVAILABLE])}

    def all_ended(self) -> bool:
        """Returns whether no task waits and none is at work, without a look at those that ended.

        False if that can't be seen.
        """
        try:
            return not any(map(files.names, self._open))
        except OSError:
            return False

    def signs_of_ends(self) -> tuple[int, ...]:
        """Returns what is another after a task has entered `done/` or `failed/`: a peek, no look.

        Now and then it is the same: ends may share a tick of the clock, and a network file system
        tells of others' late. Empty if the directories can't be looked at.
        """
        try:
            return tuple(os.stat(self._paths[state]).st_mtime_ns for state in _ENDS)
        except OSError:
            return ()

    def complete(self, claim: Claim, then: Sequence[Event]) -> TaskName:
        """Moves a claimed task to `done/`; `then` is told once that is on the disk.

        Returns its new name there, as `fail` and `give_back` do.

        Raises:
            LostClaim: the claim is not ours any more; nothing moved.
        """
        return self._leave(Move.COMPLETE, claim, TaskState.DONE, claim.name, then)

    def fail(self, claim: Claim, *, counted: bool, then: Sequence[Event]) -> TaskName:
        """Moves a claimed task to `failed/`, where it stays until somebody asks for it.

        Raises:
            LostClaim: the claim is not ours any more; nothing moved.
        """
        name = claim.name.failed_once_more() if counted else claim.name
        return self._leave(Move.FAIL, claim, TaskState.FAILED, name, then)

    def give_back(self, claim: Claim, *, counted: bool, then: Sequence[Event]) -> TaskName:
        """Moves a claimed task back to `available/`, with or without one more failure counted.

        Raises:
            LostClaim: the claim is not ours any more; nothing moved.
        """
        move = Move.RETRY if counted else Move.RELEASE
        name = claim.name.failed_once_more() if counted else claim.name
        return self._leave(move, claim, TaskState.AVAILABLE, name.freed(), then)

    def recover(self, name: TaskName) -> bool:
        """Moves a dead owner's task to `available/`; returns False if somebody else was first.

        The caller has judged the owner and moved its fence.
        """
        return self._move(Move.RECOVER, TaskState.LOCKED, name, TaskState.AVAILABLE, name.freed())

    def roll_forward(self, entry: Entry) -> bool:
        """Moves a task whose merge was found to `done/`; returns False if it is not there."""
        return self._move(Move.ROLL_FORWARD, entry.state, entry.name, TaskState.DONE, entry.name)

    def requeue(self, name: TaskName) -> bool:
        """Moves a failed task to `available/` for one more attempt; False if it is not there."""
        return self._move(Move.REQUEUE, TaskState.FAILED, name, TaskState.AVAILABLE, name.freed())

    def cancel(self, name: TaskName) -> bool:
        """Moves a waiting task to `failed/`, since a person does not want it; False if it is gone."""
        return self._move(Move.CANCEL, TaskState.AVAILABLE, name, TaskState.FAILED, name)

    def undo(self, name: TaskName, then: Sequence[Event]) -> bool:
        """Moves a done task to `failed/`; returns False if it does not lie in `done/` any more.

        The caller has taken its merge back. `then` is told once the move is on the disk.
        """
        moved = self._move(Move.UNDO, TaskState.DONE, name, TaskState.FAILED, name)
        if moved:
            self._moves.after(*then)
        return moved

    def run_again(
        self,
        name: TaskName,
        task: Task,
        run: str,
        fingerprint: str,
        source: TaskState = TaskState.DONE,
    ) -> int:
        """Publishes the next generation of a task that is done, or undone, and returns its number.

        The file in `source` goes to the attic afterwards: after a crash between the two the
        task is double, and the higher generation wins.
        """
        generation = self.generation(source, name) + 1
        # The attempts are counted on: their number tells old results from new ones.
        target = self.layout.state(TaskState.AVAILABLE) / TaskName(name.task, name.attempts).file
        content = task_file(task, run, generation, fingerprint)
        files.create(target, content, via=self._under_construction(name))
        self.discard(source, name)
        return generation

    def redefine(self, name: TaskName, task: Task, run: str, fingerprint: str) -> None:
        """Puts a waiting task's new definition in place of its old one, failures forgotten.

        At once, so that a crash leaves the one or the other: a task that lay nowhere would be
        published as new, and its generation with it. The old definition goes to the attic.
        """
        old = self.layout.state(TaskState.AVAILABLE) / name.file
        generation = self.generation(TaskState.AVAILABLE, name)
        with contextlib.suppress(FileNotFoundError):
            os.link(old, self._in_attic(TaskState.AVAILABLE, name))
        content = task_file(task, run, generation, fingerprint)
        files.replace(old, content, via=self._under_construction(name))
        os.rename(old, old.with_name(TaskName(name.task, name.attempts).file))

    def _under_construction(self, name: TaskName) -> Path:
        return self.layout.tmp / f"{name.task}.{self.owner}"

    def _in_attic(self, state: TaskState, name: TaskName) -> Path:
        return self.layout.attic / f"{state.value}.{os.urandom(4).hex()}.{name.file}"

    def discard(self, state: TaskState, name: TaskName) -> Path | None:
        """Moves a file to the attic; returns where it lies now, None if it was gone already."""
        source, target = self.layout.state(state) / name.file, self._in_attic(state, name)
        try:
            os.rename(source, target)
        except FileNotFoundError:
            return None
        return target

    def drop_twin(self, keep: Entry, drop: Entry) -> Path | None:
        """Moves the loser of two files of one task to the attic; returns where it lies now, if there.

        Two names of one inode are told apart: rename between them does nothing (rename(2)),
        so the loser is unlinked.
        """
        kept = self.layout.state(keep.state) / keep.file
        lost = self.layout.state(drop.state) / drop.file
        try:
            if os.path.samefile(kept, lost):
                lost.unlink()
                return None
        except FileNotFoundError:
            return None
        return self.discard(drop.state, drop.name)

    def settle(self) -> None:
        """Waits until all moves made so far are on the disk and were told."""
        self._moves.flush()

    def close(self) -> None:
        """Waits until all moves are on the disk and were told."""
        self._moves.close()

    def _text(self, state: TaskState, name: TaskName) -> str:
        return files.read_text(self._path(state, name)) or ""

    def _leave(
        self,
        move: Move,
        claim: Claim,
        target: TaskState,
        name: TaskName,
        then: Sequence[Event],
    ) -> TaskName:
        if not self._rename(move, TaskState.LOCKED, claim.file, target, self._path(target, name)):
            raise LostClaim(claim.task)
        self._moves.after(*then)
        return name

    def _path(self, state: TaskState, name: TaskName) -> str:
        return f"{self._paths[state]}/{name.file}"

    def _move(
        self, move: Move, source: TaskState, name: TaskName, target: TaskState, new: TaskName
    ) -> bool:
        return self._rename(move, source, self._path(source, name), target, self._path(target, new))

    def _rename(
        self, move: Move, source: TaskState, before: str, target: TaskState, after: str
    ) -> bool:
        """Renames a path in one directory to one in another; returns False if it is not there."""
        assert allowed(move, source, target), (move, source, target)  # noqa: S101
        try:
            os.rename(before, after)
        except OSError as error:
            # On NFS a rename may be done and yet report an error (rename(2), BUGS): the name
            # with my owner tells. For names without one the worst is a second look.
            ours = after.endswith(f".{self.owner}.md")
            if ours and os.path.lexists(after) and not os.path.lexists(before):
                return True
            if isinstance(error, FileNotFoundError) and os.path.isdir(self._paths[target]):
                return False
            raise
        return True


_UNSAFE_HOST = re.compile(r"[^A-Za-z0-9_]+")


def owner_name(host: str, pid: int, nonce: str) -> str:
    """Returns `<host>-<pid>-<nonce>` as it stands in file names; `nonce` is 8 hex digits."""
    return f"{_UNSAFE_HOST.sub('_', host)[:20] or 'host'}-{pid}-{nonce}"
