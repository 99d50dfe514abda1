"""Which tasks the integration branch has merged or taken back, read from its first parents.

Each look reads only what is new since the last one. A tip that does not continue what we knew,
or a commit that none of us wrote, is tampering.
"""

from collections.abc import Sequence

from parallel_orchestra.errors import Problem, WaitsForPerson
from parallel_orchestra.frozen import frozen
from parallel_orchestra.git import Commit, Objects
from parallel_orchestra.merge_queue import trailers


@frozen
class MergeFact:
    """The newest merge of a task: its commit, and the generation that it merged."""

    commit: str
    generation: int
    attempt: int


@frozen
class UndoFact:
    """That a task's newest merge was taken back: by which commit, by whom and when (epoch)."""

    commit: str
    merge: str
    generation: int
    attempt: int
    by: str
    time: float


@frozen
class Step:
    """One thing that came onto the branch: a task's merge (`task` may be empty), in `words`."""

    commit: str
    task: str
    words: str


class Ledger:
    """What the commits of one run say of its tasks, the newest word counts."""

    def __init__(self, run: str) -> None:
        self._run = run
        self.merges: dict[str, MergeFact] = {}
        self.undone: dict[str, UndoFact] = {}

    def read(self, commit: Commit) -> None:
        """Takes notice of the next commit; the older ones have been read."""
        undone = trailers.undone_task(commit.message)
        if undone is not None and undone[0] == self._run:
            fact = self.merges.pop(undone[1], None)
            if fact is not None:
                self.undone[undone[1]] = UndoFact(
                    commit.id,
                    fact.commit,
                    fact.generation,
                    fact.attempt,
                    commit.by,
                    commit.time,
                )
        note = trailers.read_note(commit.message)
        if note is not None and note.run == self._run:
            self._merged(note.task, MergeFact(commit.id, note.generation, note.attempt))
        for one in trailers.batch_of(commit.message, self._run):
            self._merged(one.task, MergeFact(one.commit, one.generation, one.attempt))

    def _merged(self, task: str, fact: MergeFact) -> None:
        self.undone.pop(task, None)
        self.merges[task] = fact


class History:
    """The merges between a run's base commit and the tip. Its owner holds a lock."""

    def __init__(self, objects: Objects, run: str, base: str, branch: str) -> None:
        self._objects = objects
        self._branch = branch
        self._tip = base
        self._run = run
        self._ledger = Ledger(run)
        self._taken_in = base

    @property
    def tasks(self) -> frozenset[str]:
        """The tasks whose merge is on the branch."""
        return frozenset(self._ledger.merges)

    @property
    def taken_in(self) -> str:
        """The newest commit of the user's branch that the branch was built on."""
        return self._taken_in

    def merge_of(self, task: str) -> MergeFact | None:
        """Returns a task's newest merge as of the last look; None if it was undone."""
        return self._ledger.merges.get(task)

    @property
    def undone_tasks(self) -> frozenset[str]:
        """The tasks whose newest merge was taken back."""
        return frozenset(self._ledger.undone)

    def undone_of(self, task: str) -> UndoFact | None:
        """Returns how a task's newest merge was taken back; None if it was not."""
        return self._ledger.undone.get(task)

    def look(self, tip: str) -> None:
        """Reads what is new up to this tip.

        Raises:
            WaitsForPerson: somebody else wrote to the branch.
        """
        if tip == self._tip:
            return
        if not tip:
            raise self._tampered(self._tip, "it was deleted")
        new = self._objects.first_parents(tip, self._tip)
        if not new or new[-1].parents[:1] != (self._tip,):
            raise self._tampered(tip, "it was moved to a commit that does not continue it")
        for commit in reversed(speaking(new)):
            if not trailers.is_ours(commit):
                raise self._tampered(commit.id, "it has a commit that no worker wrote")
            self._ledger.read(commit)
            if trailers.merges_base(commit.message, self._run):
                self._taken_in = commit.parents[-1]
        self._tip = tip

    def added(self, before: str, commit: str, message: str) -> None:
        """Takes notice of a commit that we put on the branch ourselves, after `before`.

        At once, so that moving the branch back behind it does not go unnoticed.
        """
        if self._tip == before:
            self._ledger.read(Commit(commit, "", (before,), message))
            self._tip = commit

    def _tampered(self, commit: str, why: str) -> WaitsForPerson:
        return WaitsForPerson(
            Problem(
                f"the integration branch `{self._branch}` was changed from outside: {why}",
                commit,
                f"look at `git log {self._branch}`; put it back with "
                f"`git update-ref refs/heads/{self._branch} {self._tip}`, then run with `--resume`",
            )
        )


def speaking(commits: Sequence[Commit]) -> tuple[Commit, ...]:
    """Returns those of the branch's commits, newest first, that say themselves what they are.

    Left out are an agent's commits that were replayed one by one: the last of them, which is ours,
    names the state that they begin from, and its id answers for all in between.
    """
    places = {one.id: number for number, one in enumerate(commits)}
    for parent in commits[-1].parents[:1] if commits else ():
        places[parent] = len(commits)
    found, number = [], 0
    while number < len(commits):
        found.append(commits[number])
        number = max(number + 1, places.get(trailers.onto_of(commits[number]), 0))
    return tuple(found)


def state_before(objects: Objects, merge: str) -> str:
    """Returns the state of the branch that a merge of ours came upon, as a revision.

    Raises:
        GitError: there is no such commit.
    """
    first = f"{merge}^1"
    found = objects.first_parents(merge, first)
    return (trailers.onto_of(found[0]) if found else "") or first


def ledger_of(objects: Objects, run: str, base: str, tip: str) -> Ledger:
    """Returns what the commits between two say of a run's tasks; judges nothing."""
    ledger = Ledger(run)
    for commit in reversed(speaking(objects.first_parents(tip, base))):
        ledger.read(commit)
    return ledger


def merges_in(objects: Objects, run: str, base: str, tip: str) -> dict[str, str]:
    """Returns each task's newest merge commit of a run between two commits; judges nothing."""
    facts = ledger_of(objects, run, base, tip).merges
    return {task: fact.commit for task, fact in facts.items()}


def steps_between(objects: Objects, run: str, since: str, tip: str) -> tuple[Step, ...]:
    """Returns what came onto the branch that is not in `since`, the oldest first.

    Each merge of a batch is one of its own: what it changed is what differs from `state_before`.
    """
    steps: list[Step] = []
    for commit in reversed(speaking(objects.first_parents(tip, since))):
        batch = trailers.batch_of(commit.message, run)
        steps += [Step(one.commit, one.task, f"`{one.task}`") for one in batch]
        if not batch:
            note = trailers.read_note(commit.message)
            task = note.task if note is not None and note.run == run else ""
            words = f"`{task}`" if task else commit.message.partition("\n")[0]
            steps.append(Step(commit.id, task, words))
    # A merge in the midst of a batch has those before it, which the batch's commit names too.
    known = [number for number, step in enumerate(steps, start=1) if step.commit == since]
    return tuple(steps[known[-1] if known else 0 :])
