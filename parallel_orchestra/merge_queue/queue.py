"""The door of the merge queue: fences, merging, and what is remembered of merges."""

import contextlib
import os
from typing import cast

from parallel_orchestra.errors import EnvironmentProblem, WaitsForPerson
from parallel_orchestra.git import Conflicted as ConflictedTrees
from parallel_orchestra.git import RefMoved, Repo, Update
from parallel_orchestra.merge_queue import trailers
from parallel_orchestra.merge_queue.chain import Joint
from parallel_orchestra.merge_queue.guard import Check, unguarded
from parallel_orchestra.merge_queue.integration import FencesLost, Integration, Regenerate
from parallel_orchestra.merge_queue.line import MOST, Line
from parallel_orchestra.merge_queue.outcome import (
    Candidate,
    Conflicted,
    Merged,
    Outcome,
    Rejected,
    Verifier,
)
from parallel_orchestra.merge_queue.run_refs import RunRefs
from parallel_orchestra.merge_queue.search import Verdict, trial
from parallel_orchestra.model import Strategy
from parallel_orchestra.states import TaskState
from parallel_orchestra.store import Claim, LostClaim, TaskName, TaskStore

#: How many remembered merges are written in one go.
_REMEMBER_AT = 32


class MergeQueue(Integration):
    """The integration branch of one run, as one process works on it; any thread may call."""

    def __init__(
        self,
        repo: Repo,
        store: TaskStore,
        refs: RunRefs,
        base: str,
        verify: Verifier | None,
        check: Check = unguarded,
        most: int = MOST,
        *,
        strategy: Strategy = Strategy.MERGE,
        regenerate: Regenerate | None = None,
    ) -> None:
        """Takes how many candidates are checked together at most; for the others see above."""
        checked = verify is not None
        super().__init__(
            repo,
            store,
            refs,
            base,
            check,
            strategy=strategy,
            checked=checked,
            regenerate=regenerate,
        )
        self._verify = verify
        self._line = Line(self, verify, most) if verify is not None else None
        self._to_remember: dict[str, str] = {}

    @property
    def waiting(self) -> int:
        """How many candidates of this process wait for the plan's `verify`, or are checked."""
        return len(self._line) if self._line is not None else 0

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
            path = self.store.layout.state(TaskState.LOCKED) / name.file
            self._move_fence(Claim(name, str(path)), "recovered")

    def merge(self, candidate: Candidate) -> Outcome:
        """Brings a task's work onto the integration branch, exactly once.

        With a plan-level `verify` it waits in a line with those of other threads.

        Raises:
            LostClaim: the claim or its fence is not ours any more; nothing was merged.
            WaitsForPerson: somebody else wrote to the branch, or git would run other programs.
            GitError: git failed; nothing was merged.
        """
        if self._line is not None:
            return self._line.merge(candidate)
        with self.turn:
            while True:
                self.check()
                tip = self.tip()
                known = self.merge_of(candidate.claim.task)
                if known is not None and known.generation >= candidate.generation:
                    return Merged(known.commit, already=True)
                joint = self.join(tip, candidate)
                if not isinstance(joint, Joint):
                    return joint
                try:
                    if self.publish((candidate,), joint, tip):
                        return Merged(joint.commit)
                except FencesLost as lost:
                    raise LostClaim(candidate.claim.task) from lost

    def merge_base_branch(self, branch: str, commit: str) -> str | Conflicted | Rejected:
        """Merges the user's branch, which moved, into the integration and returns the new tip."""
        with self.turn:
            while True:
                self.check()
                tip = self.tip()
                trees = self.merged(tip, commit)
                if isinstance(trees, ConflictedTrees):
                    return Conflicted(trees.files)
                lines = trailers.base_lines(self.refs.run, branch)
                message = f"Merge branch `{branch}`\n\n{lines}"
                message = trailers.sealed(message, trees.tree, (tip, commit))
                merged = self.repo.objects.commit(trees.tree, (tip, commit), message)
                rejected = self._judged(merged, commit) if self._verify else None
                if rejected is not None:
                    return rejected
                try:
                    with self.repo.lock():
                        self.repo.refs.transact([Update(self.refs.integration, merged, tip)])
                except RefMoved:
                    continue
                self.tip()
                return merged

    def _judged(self, merged: str, base: str) -> Rejected | None:
        """Returns why a commit is refused: if it fails by chance, two checks of three decide."""
        verify = cast("Verifier", self._verify)
        log = self.store.layout.root / "deliver-verify.log"
        rejected = verify(merged, log, base)
        if rejected is None or rejected.cancelled:
            return rejected
        procedure = trial(0)
        next(procedure)
        while True:
            again = verify(merged, log, base)
            if again is not None and again.cancelled:
                return again
            try:
                procedure.send(again is None)
            except StopIteration as over:
                verdict: Verdict = over.value
                return (again or rejected) if verdict.guilty else None

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

    def _move_fence(self, claim: Claim, holder: str) -> str:
        token = self.repo.objects.blob(f"{holder} {os.urandom(8).hex()}\n".encode())
        ref = self.refs.claim(claim.task)
        while True:
            old = self.repo.refs.read(ref)
            # The order matters: whoever recovers the task moves the fence before the file,
            # and whoever claims it then has a fence that is not ours to move.
            if not self.store.holds(claim):
                raise LostClaim(claim.task)
            try:
                with self.repo.lock():
                    self.repo.refs.transact([Update(ref, token, old)])
            except RefMoved:
                continue
            return token
