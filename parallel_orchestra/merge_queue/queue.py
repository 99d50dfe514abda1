"""One candidate at a time: merge it, verify it, publish it in one ref transaction."""

import contextlib
import os
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from parallel_orchestra.errors import EnvironmentProblem, GitError, WaitsForPerson
from parallel_orchestra.git import Conflicted as ConflictedTrees
from parallel_orchestra.git import RefMoved, Repo, Update, Verify
from parallel_orchestra.merge_queue import trailers
from parallel_orchestra.merge_queue.guard import Check, unguarded
from parallel_orchestra.merge_queue.history import History, MergeFact, UndoFact
from parallel_orchestra.merge_queue.run_refs import RunRefs
from parallel_orchestra.states import TaskState
from parallel_orchestra.store import Claim, LostClaim, TaskName, TaskStore

#: How many remembered merges are written in one go.
_REMEMBER_AT = 32


@dataclass(frozen=True, slots=True)
class Candidate:
    """A task's work as one commit, and the token of the claim that made it."""

    claim: Claim
    commit: str
    token: str
    generation: int
    fingerprint: str
    title: str
    log: Path


@dataclass(frozen=True, slots=True)
class Merged:
    """The work is on the integration branch; `already` if an earlier attempt brought it there."""

    commit: str
    already: bool = False


@dataclass(frozen=True, slots=True)
class Conflicted:
    """The work contradicts what was merged meanwhile, in these files."""

    files: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Rejected:
    """The merged state fails the plan's `verify`; `output` is the end of what it said."""

    output: str
    cancelled: bool = False


#: Takes a commit and where to log; returns None if the commit is green.
Verifier = Callable[[str, Path], Rejected | None]


class MergeQueue:
    """The integration branch of one run, as one process works on it; any thread may call."""

    def __init__(
        self,
        repo: Repo,
        store: TaskStore,
        refs: RunRefs,
        base: str,
        verify: Verifier | None,
        check: Check = unguarded,
    ) -> None:
        """Takes what is asked before each merge and each move of a branch; see `Guard.check`."""
        self.refs = refs
        self.base = base
        self.check = check
        self.repo = repo
        self._store = store
        self._verify = verify
        self._history = History(repo.objects, refs.run, base, refs.branch)
        self._looking = threading.Lock()
        self._turn = threading.Lock()
        self._to_remember: dict[str, str] = {}

    def tip(self) -> str:
        """Returns the integration branch's commit, after reading what is new on it.

        Raises:
            WaitsForPerson: somebody else wrote to the branch.
        """
        with self._looking:
            tip = self.repo.refs.read(self.refs.integration) or ""
            self._history.look(tip)
            return tip

    def merge_of(self, task: str) -> MergeFact | None:
        """Returns a task's newest merge as of the last `tip()`."""
        with self._looking:
            return self._history.merge_of(task)

    def merged_tasks(self) -> frozenset[str]:
        """Returns the tasks whose merge is on the branch as of the last `tip()`."""
        with self._looking:
            return self._history.tasks

    def taken_in(self) -> str:
        """Returns the newest commit of the user's branch that the integration is built on.

        As of the last `tip()`; at first that is the run's base.
        """
        with self._looking:
            return self._history.taken_in

    def undone_of(self, task: str) -> UndoFact | None:
        """Returns how a task's newest merge was taken back, as of the last `tip()`; or None."""
        with self._looking:
            return self._history.undone_of(task)

    def undone_tasks(self) -> frozenset[str]:
        """Returns the tasks whose newest merge was taken back, as of the last `tip()`."""
        with self._looking:
            return self._history.undone_tasks

    def fence(self, claim: Claim) -> str:
        """Makes this claim the only one that can merge its task, and returns its token.

        Raises:
            LostClaim: the claim is gone; nothing changed.
        """
        return self._move_fence(claim, f"{claim.name.owner} attempt {claim.attempt}")

    def tombstone(self, name: TaskName) -> None:
        """Moves the fence of a dead owner's claim, so that a zombie can't merge.

        Raises:
            LostClaim: somebody else freed it first; the fence may be that of the next claim.
        """
        if self.repo.refs.read(self.refs.claim(name.task)) is not None:
            path = self._store.layout.state(TaskState.LOCKED) / name.file
            self._move_fence(Claim(name, path), "recovered")

    def merge(self, candidate: Candidate) -> Merged | Conflicted | Rejected:
        """Brings a task's work onto the integration branch, exactly once.

        Raises:
            LostClaim: the claim or its fence is not ours any more; nothing was merged.
            WaitsForPerson: somebody else wrote to the branch, or git would run other programs.
            GitError: git failed; nothing was merged.
        """
        with self._turn:
            while True:
                self.check()
                tip = self.tip()
                known = self.merge_of(candidate.claim.task)
                if known is not None and known.generation >= candidate.generation:
                    return Merged(known.commit, already=True)
                trees = self.repo.objects.merge_trees(tip, candidate.commit)
                if isinstance(trees, ConflictedTrees):
                    return Conflicted(trees.files)
                parents = (tip, candidate.commit)
                message = trailers.sealed(self._message(candidate), trees.tree, parents)
                commit = self.repo.objects.commit(trees.tree, parents, message)
                rejected = self._verify(commit, candidate.log) if self._verify else None
                if rejected is not None:
                    return rejected
                if self._publish(candidate, commit, tip):
                    with self._looking:
                        self._history.added(tip, commit, message)
                    return Merged(commit)

    def merge_base_branch(self, branch: str, commit: str) -> str | Conflicted | Rejected:
        """Merges the user's branch, which moved, into the integration and returns the new tip."""
        with self._turn:
            while True:
                self.check()
                tip = self.tip()
                trees = self.repo.objects.merge_trees(tip, commit)
                if isinstance(trees, ConflictedTrees):
                    return Conflicted(trees.files)
                lines = trailers.base_lines(self.refs.run, branch)
                message = f"Merge branch `{branch}`\n\n{lines}"
                message = trailers.sealed(message, trees.tree, (tip, commit))
                merged = self.repo.objects.commit(trees.tree, (tip, commit), message)
                log = self._store.layout.root / "deliver-verify.log"
                rejected = self._verify(merged, log) if self._verify else None
                if rejected is not None:
                    return rejected
                try:
                    with self.repo.lock():
                        self.repo.refs.transact([Update(self.refs.integration, merged, tip)])
                except RefMoved:
                    continue
                self.tip()
                return merged

    def remember(self, task: str, commit: str) -> None:
        """Notes a merge for `refs/orchestra/<run>/merged/`; written in batches, see `flush`."""
        with self._looking:
            self._to_remember[task] = commit
            full = len(self._to_remember) >= _REMEMBER_AT
        if full:
            self.flush()

    def flush(self) -> None:
        """Writes the remembered merges; they only help if the branch is rewritten later."""
        with contextlib.suppress(EnvironmentProblem, WaitsForPerson):
            self.tip()
        with self._looking:
            pending, self._to_remember = self._to_remember, {}
            # A merge that was taken back meanwhile is none to remember.
            for task in self._history.undone_tasks & pending.keys():
                del pending[task]
        known: dict[str, str | None] = {}
        with contextlib.suppress(EnvironmentProblem):
            known = {task: self.repo.refs.read(self.refs.merged(task)) for task in pending}
        updates = [
            Update(self.refs.merged(task), commit, known[task])
            for task, commit in pending.items()
            if known.get(task, commit) != commit
        ]
        if not updates:
            return
        # Somebody else may have written one of them meanwhile, or git may fail: no task and no
        # delivery has to wait for what only remembers; the trailers know the merges.
        with contextlib.suppress(EnvironmentProblem), self.repo.lock():
            self.repo.refs.transact(updates)

    def _publish(self, candidate: Candidate, commit: str, tip: str) -> bool:
        if not self._store.holds(candidate.claim):
            raise LostClaim(candidate.claim.task)
        fence = self.refs.claim(candidate.claim.task)
        self.check()
        self.repo.wait_for_gc()
        self._demand(candidate.commit, commit)
        try:
            with self.repo.lock():
                self.repo.refs.transact(
                    [Update(self.refs.integration, commit, tip)], [Verify(fence, candidate.token)]
                )
        except RefMoved as moved:
            if moved.ref == fence:
                raise LostClaim(candidate.claim.task) from moved
            return False
        if self.repo.wait_for_gc():
            # It may have begun before our transaction and have pruned after it.
            self._take_back_if_pruned(candidate.commit, commit, tip)
        return True

    def _demand(self, *commits: str) -> None:
        """Raises if a commit or its files are gone: a branch must never point to what is not there.

        Raises:
            GitError: somebody pruned what no ref named yet (`git gc --prune=now`).
        """
        objects = self.repo.objects
        for commit in commits:
            if not (objects.has(commit) and objects.has(f"{commit}^{{tree}}")):
                raise self.repo.git.failure(("gc",), "of somebody else removed what was to merge")

    def _take_back_if_pruned(self, work: str, commit: str, tip: str) -> None:
        try:
            self._demand(work, commit)
        except GitError:
            with contextlib.suppress(RefMoved), self.repo.lock():
                self.repo.refs.transact([Update(self.refs.integration, tip, commit)])
            raise

    def _move_fence(self, claim: Claim, holder: str) -> str:
        token = self.repo.objects.blob(f"{holder} {os.urandom(8).hex()}\n".encode())
        ref = self.refs.claim(claim.task)
        while True:
            old = self.repo.refs.read(ref)
            # The order matters: whoever recovers the task moves the fence before the file,
            # and whoever claims it then has a fence that is not ours to move.
            if not self._store.holds(claim):
                raise LostClaim(claim.task)
            try:
                with self.repo.lock():
                    self.repo.refs.transact([Update(ref, token, old)])
            except RefMoved:
                continue
            return token

    def _message(self, candidate: Candidate) -> str:
        note = trailers.MergeNote(
            self.refs.run,
            candidate.claim.task,
            candidate.generation,
            candidate.claim.attempt,
            candidate.claim.name.owner,
            candidate.fingerprint,
        )
        subject = f"Merge task `{candidate.claim.task}`"
        if candidate.title:
            subject += f": {candidate.title}"
        return f"{subject}\n\n{note.lines()}"
