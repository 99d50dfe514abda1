"""Which tasks the integration branch has merged, read from its first-parent history.

Each look reads only what is new since the last one. A tip that does not continue what we knew,
or a commit that none of us wrote, is tampering.
"""

from dataclasses import dataclass

from parallel_orchestra.errors import Problem, WaitsForPerson
from parallel_orchestra.git import Objects
from parallel_orchestra.merge_queue import trailers


@dataclass(frozen=True, slots=True)
class MergeFact:
    """The newest merge of a task: its commit, and the generation that it merged."""

    commit: str
    generation: int
    attempt: int


class History:
    """The merges between a run's base commit and the tip. Its owner holds a lock."""

    def __init__(self, objects: Objects, run: str, base: str, branch: str) -> None:
        self._objects = objects
        self._run = run
        self._branch = branch
        self._tip = base
        self._facts: dict[str, MergeFact] = {}
        self._taken_in = base

    @property
    def tasks(self) -> frozenset[str]:
        """The tasks whose merge is on the branch."""
        return frozenset(self._facts)

    @property
    def taken_in(self) -> str:
        """The newest commit of the user's branch that the branch was built on."""
        return self._taken_in

    def merge_of(self, task: str) -> MergeFact | None:
        """Returns a task's newest merge as of the last look; None if it was undone."""
        return self._facts.get(task)

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
        for commit in reversed(new):
            if not trailers.is_ours(commit.message):
                raise self._tampered(commit.id, "it has a commit that no worker wrote")
            self._read(commit.id, commit.message)
            if trailers.merges_base(commit.message, self._run):
                self._taken_in = commit.parents[-1]
        self._tip = tip

    def added(self, before: str, commit: str, message: str) -> None:
        """Takes notice of a commit that we put on the branch ourselves, after `before`.

        At once, so that moving the branch back behind it does not go unnoticed.
        """
        if self._tip == before:
            self._read(commit, message)
            self._tip = commit

    def _read(self, commit: str, message: str) -> None:
        undone = trailers.undone_task(message)
        if undone is not None and undone[0] == self._run:
            self._facts.pop(undone[1], None)
        note = trailers.read_note(message)
        if note is not None and note.run == self._run:
            self._facts[note.task] = MergeFact(commit, note.generation, note.attempt)

    def _tampered(self, commit: str, why: str) -> WaitsForPerson:
        return WaitsForPerson(
            Problem(
                f"the integration branch `{self._branch}` was changed from outside: {why}",
                commit,
                f"look at `git log {self._branch}`; put it back with "
                f"`git update-ref refs/heads/{self._branch} {self._tip}`, then run with `--resume`",
            )
        )


def merges_in(objects: Objects, run: str, base: str, tip: str) -> dict[str, str]:
    """Returns each task's newest merge commit of a run between two commits; judges nothing."""
    merges: dict[str, str] = {}
    for commit in reversed(objects.first_parents(tip, base)):
        undone = trailers.undone_task(commit.message)
        if undone is not None and undone[0] == run:
            merges.pop(undone[1], None)
        note = trailers.read_note(commit.message)
        if note is not None and note.run == run:
            merges[note.task] = commit.id
    return merges
