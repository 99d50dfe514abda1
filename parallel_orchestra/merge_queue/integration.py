"""The integration branch as one process sees it: what is on it, and how something comes onto it.

What comes onto it is one ref transaction that also verifies the fence of each claim whose work
it brings.
"""

import contextlib
import threading
from collections.abc import Callable, Sequence

from parallel_orchestra.errors import GitError
from parallel_orchestra.git import Conflicted as ConflictedTrees
from parallel_orchestra.git import MergedTree, RefMoved, Repo, Update, Verify
from parallel_orchestra.merge_queue import trailers
from parallel_orchestra.merge_queue.chain import Joint
from parallel_orchestra.merge_queue.guard import Check, unguarded
from parallel_orchestra.merge_queue.history import (
    History,
    MergeFact,
    Step,
    UndoFact,
    steps_between,
)
from parallel_orchestra.merge_queue.outcome import Candidate, Conflicted
from parallel_orchestra.merge_queue.replaying import Last, replayed
from parallel_orchestra.merge_queue.run_refs import RunRefs
from parallel_orchestra.model import Strategy
from parallel_orchestra.plain import some_of
from parallel_orchestra.store import TaskStore

#: How many tasks of a batch its first line names.
_SHOWN = 3


#: Makes a merged tree of a conflict between a state and a commit, or says why not.
Regenerate = Callable[[str, str, ConflictedTrees], "str | ConflictedTrees"]


class FencesLost(Exception):  # a fact about claims, not a fault
    """These candidates' claims are not theirs any more, so nothing was published."""

    def __init__(self, candidates: Sequence[Candidate]) -> None:
        super().__init__(", ".join(one.claim.task for one in candidates))
        self.candidates = tuple(candidates)


class Integration:
    """The integration branch of one run; any thread may ask."""

    def __init__(
        self,
        repo: Repo,
        store: TaskStore,
        refs: RunRefs,
        base: str,
        check: Check = unguarded,
        *,
        strategy: Strategy = Strategy.MERGE,
        checked: bool = False,
        regenerate: Regenerate | None = None,
    ) -> None:
        """Takes what is asked before each merge and each move of a branch; see `Guard.check`.

        If a task's commits are not merged as they are, a ref keeps them. `checked` says that only
        states that pass the plan's `verify` may be first parents. `regenerate` is asked about each
        conflict.
        """
        self._strategy = strategy
        self._checked = checked
        self._regenerate = regenerate
        self.refs = refs
        self.base = base
        self.check = check
        self.repo = repo
        self.store = store
        #: Held by the one thread of this process that is about to publish.
        self.turn = threading.Lock()
        self._history = History(repo.objects, refs.run, base, refs.branch)
        self._looking = threading.Lock()
        # A merge driver that an agent's branch asks for is not one that the user chose.
        repo.objects.merge_by(base)

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

    def merged_attempt(self, task: str) -> int:
        """Returns which attempt at a task was merged last, also if that was undone; 0 if none was."""
        fact = self.merge_of(task) or self.undone_of(task)
        return fact.attempt if fact is not None else 0

    def undone_tasks(self) -> frozenset[str]:
        """Returns the tasks whose newest merge was taken back, as of the last `tip()`."""
        with self._looking:
            return self._history.undone_tasks

    def steps_since(self, commit: str, tip: str) -> tuple[Step, ...]:
        """Returns what came onto the branch up to this tip that a commit does not have."""
        return steps_between(self.repo.objects, self.refs.run, commit, tip)

    def join(self, tip: str, candidate: Candidate) -> Joint | Conflicted:
        """Returns a candidate's work on top of a state, as a commit that no ref names yet.

        Raises:
            GitError: git failed, or the candidate's commit is not there.
        """
        if self._strategy is Strategy.REBASE:
            found = replayed(self.repo, tip, candidate.commit)
            if isinstance(found, Last):
                return self._replay(tip, candidate, found)
            whole = self.repo.objects.merge_trees(tip, candidate.commit)
            if found is not None and (self._regenerate is None or isinstance(whole, MergedTree)):
                return Conflicted(found.files, found.messages)
        trees = self.merged(tip, candidate.commit)
        if isinstance(trees, ConflictedTrees):
            return Conflicted(trees.files, trees.messages)
        straight = self._strategy is not Strategy.MERGE
        parents = (tip,) if straight else (tip, candidate.commit)
        what = "Task" if straight else "Merge task"
        return self._joint(trees.tree, parents, self._words(candidate, what))

    def merged(self, tip: str, commit: str) -> MergedTree | ConflictedTrees:
        """Merges a commit with a state; generated files that conflict are made anew.

        Raises:
            GitError: git failed, or the commit is not there.
            EnvironmentProblem: what makes them anew can't be set up.
        """
        trees = self.repo.objects.merge_trees(tip, commit)
        if isinstance(trees, MergedTree) or self._regenerate is None:
            return trees
        made = self._regenerate(tip, commit, trees)
        return MergedTree(made) if isinstance(made, str) else made

    def _replay(self, tip: str, candidate: Candidate, last: Last) -> Joint:
        """Returns what ends a replay: its last commit with our lines, or a merge of all of them.

        Of several commits only the end is checked, so a merge brings them where that counts.
        """
        if last.onto != tip and self._checked:
            end = self.repo.objects.commit(last.tree, (last.onto,), last.message, last.author)
            return self._joint(last.tree, (tip, end), self._words(candidate, "Merge task"))
        onto = trailers.onto_line(tip) if last.onto != tip else ""
        message = last.message.strip() or f"Task `{candidate.claim.task}`"
        words = trailers.with_lines(message, candidate.credits, self._note(candidate) + onto)
        return self._joint(last.tree, (last.onto,), words, last.author)

    def _joint(self, tree: str, parents: tuple[str, ...], words: str, author: str = "") -> Joint:
        message = trailers.sealed(words, tree, parents)
        return Joint(self.repo.objects.commit(tree, parents, message, author), tree, message)

    def bundle(self, tip: str, merges: Sequence[tuple[Candidate, Joint]]) -> Joint:
        """Returns what to publish for a chain that was checked as a whole.

        For several merges that is a commit of its own, so that each first parent of the branch
        was checked: it has the tip as its first parent and the end of the chain as its second.
        """
        end = merges[-1][1]
        if len(merges) == 1:
            return end
        placed = [
            trailers.Placed(one.claim.task, joint.commit, one.generation, one.claim.attempt)
            for one, joint in merges
        ]
        titles = "\n".join(
            f"- `{one.claim.task}`" + (f": {one.title}" if one.title else "") for one, _ in merges
        )
        subject = _subject([one.task for one in placed])
        lines = trailers.batch_lines(self.refs.run, placed)
        parents = (tip, end.commit)
        return self._joint(end.tree, parents, f"{subject}\n\n{titles}\n\n{lines}")

    def fenced(self, candidate: Candidate) -> bool:
        """Returns whether a candidate's fence is still its own; only the transaction decides."""
        return self.repo.refs.read(self.refs.claim(candidate.claim.task)) == candidate.token

    def publish(self, candidates: Sequence[Candidate], joint: Joint, tip: str) -> bool:
        """Makes a commit the tip, in place of `tip`; returns whether that still was the tip.

        Raises:
            FencesLost: not all claims are their candidates' any more; nothing was published.
            WaitsForPerson: git would run other programs than when the run began.
            GitError: git failed, or a commit is gone; nothing was published.
        """
        if gone := [one for one in candidates if not self.store.holds(one.claim)]:
            raise FencesLost(gone)
        if not self._publish(candidates, joint, tip):
            return False
        with self._looking:
            self._history.added(tip, joint.commit, joint.message)
        return True

    def _publish(self, candidates: Sequence[Candidate], joint: Joint, tip: str) -> bool:
        fences = {self.refs.claim(one.claim.task): one for one in candidates}
        self.check()
        self.repo.wait_for_gc()
        commits = (*(one.commit for one in candidates), joint.commit)
        self._demand(commits)
        try:
            with self.repo.lock():
                self.repo.refs.transact(
                    [Update(self.refs.integration, joint.commit, tip), *self._keeping(candidates)],
                    [Verify(fence, one.token) for fence, one in fences.items()],
                )
        except RefMoved as moved:
            if moved.ref in fences:
                raise FencesLost((fences[moved.ref],)) from moved
            return False
        if self.repo.wait_for_gc():
            # It may have begun before our transaction and have pruned after it.
            self._take_back_if_pruned(commits, tip)
        return True

    def _keeping(self, candidates: Sequence[Candidate]) -> list[Update]:
        """Returns what keeps the commits that will not be on the branch."""
        if self._strategy is Strategy.MERGE:
            return []
        refs = self.repo.refs
        kept = [(self.refs.original(one.claim.task, one.generation), one) for one in candidates]
        return [Update(ref, one.commit, refs.read(ref)) for ref, one in kept]

    def _demand(self, commits: Sequence[str]) -> None:
        """Raises if a commit or its files are gone: a branch must never point to what is not there.

        Raises:
            GitError: somebody pruned what no ref named yet (`git gc --prune=now`).
        """
        objects = self.repo.objects
        for commit in commits:
            if not (objects.has(commit) and objects.has(f"{commit}^{{tree}}")):
                raise self.repo.git.failure(("gc",), "of somebody else removed what was to merge")

    def _take_back_if_pruned(self, commits: Sequence[str], tip: str) -> None:
        try:
            self._demand(commits)
        except GitError:
            with contextlib.suppress(RefMoved), self.repo.lock():
                self.repo.refs.transact([Update(self.refs.integration, tip, commits[-1])])
            raise

    def _note(self, candidate: Candidate) -> str:
        note = trailers.MergeNote(
            self.refs.run,
            candidate.claim.task,
            candidate.generation,
            candidate.claim.attempt,
            candidate.claim.name.owner,
            candidate.fingerprint,
        )
        return note.lines()

    def _words(self, candidate: Candidate, what: str) -> str:
        title = f": {candidate.title}" if candidate.title else ""
        text = candidate.text or f"{what} `{candidate.claim.task}`{title}"
        return trailers.with_lines(text, candidate.credits, self._note(candidate))


def _subject(tasks: Sequence[str]) -> str:
    """Returns the first line of a batch's message: as many names as one reads at a glance."""
    shown = len(tasks) if len(tasks) <= _SHOWN + 1 else _SHOWN
    return f"Merge {len(tasks)} tasks: {some_of([f'`{task}`' for task in tasks], shown)}"
