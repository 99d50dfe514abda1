"""The lines of a merge commit that say which task it merged, written and read.

A batch commit brings several merges that were checked together: it names each with its commit.
Only our own first-parent commits are asked; what an agent writes into its messages never
counts, and is removed so that nobody is misled (git-interpret-trailers(1) for the form).
"""

import hashlib
import re
from collections.abc import Sequence

from parallel_orchestra.frozen import frozen
from parallel_orchestra.git import Commit

_PREFIX = "Orchestra-"
_LINE = re.compile(r"^Orchestra-(?P<key>[A-Za-z]+): (?P<value>.*)$", re.MULTILINE)
_FOREIGN = re.compile(r"^[ \t]*Orchestra-[^\n]*\n?", re.MULTILINE | re.IGNORECASE)
_PLACED = re.compile(
    r"(?P<run>[^/ ]+)/(?P<task>[^ ]+) (?P<commit>[0-9a-f]{40,64}) "
    r"(?P<generation>[0-9]{1,9}) (?P<attempt>[0-9]{1,9})"
)


@frozen
class MergeNote:
    """What a merge commit says of the task it merged."""

    run: str
    task: str
    generation: int
    attempt: int
    worker: str
    fingerprint: str

    def lines(self) -> str:
        """Returns the trailer block."""
        return (
            f"{_PREFIX}Task: {self.run}/{self.task}\n"
            f"{_PREFIX}Generation: {self.generation}\n"
            f"{_PREFIX}Attempt: {self.attempt}\n"
            f"{_PREFIX}Worker: {self.worker}\n"
            f"{_PREFIX}Plan: {self.fingerprint}\n"
        )


@frozen
class Placed:
    """A merge as its batch commit names it: the task, the merge's own commit, what it merged."""

    task: str
    commit: str
    generation: int
    attempt: int


def with_lines(text: str, credits_: Sequence[str], lines: str) -> str:
    """Returns a message that ends in one paragraph of trailers: those of people, then ours.

    What stands in the text already is moved down, since only the last paragraph is read.
    """
    there = {one.casefold() for one in credits_}
    kept = [line for line in cleaned(text).split("\n") if line.strip().casefold() not in there]
    people = "".join(f"{one}\n" for one in credits_)
    return "\n".join(kept).rstrip() + f"\n\n{people}{lines}"


def batch_lines(run: str, merges: Sequence[Placed]) -> str:
    """Returns the trailers of a commit that brings several merges at once, in their order."""
    lines = [f"{_PREFIX}Batch: {run}/{len(merges)}"]
    lines += [f"{_PREFIX}Task: {run}/{one.task}" for one in merges]
    lines += [
        f"{_PREFIX}Merge: {run}/{one.task} {one.commit} {one.generation} {one.attempt}"
        for one in merges
    ]
    return "\n".join(lines) + "\n"


def base_lines(run: str, branch: str) -> str:
    """Returns the trailer of a commit that merges the user's branch into the integration."""
    return f"{_PREFIX}Base: {run}/{branch}\n"


def onto_line(commit: str) -> str:
    """Returns the trailer of a merge that is several commits: the first of them is on top of that."""
    return f"{_PREFIX}Onto: {commit}\n"


def undo_lines(run: str, task: str, generation: int) -> str:
    """Returns the trailer of a commit that takes a task's merge of that generation back."""
    return f"{_PREFIX}Undo: {run}/{task}\n{_PREFIX}Generation: {generation}\n"


def read_note(message: str) -> MergeNote | None:
    """Returns what a message's last paragraph says of a merged task, or None."""
    facts = _facts(message)
    run, _, task = facts.get("Task", "").partition("/")
    if not task or "Batch" in facts:
        return None
    try:
        return MergeNote(
            run,
            task,
            int(facts.get("Generation", "1")),
            int(facts.get("Attempt", "0")),
            facts.get("Worker", ""),
            facts.get("Plan", ""),
        )
    except ValueError:
        return None


def batch_of(message: str, run: str) -> tuple[Placed, ...]:
    """Returns the merges that a batch commit of this run brought, the oldest first."""
    if not _facts(message).get("Batch", "").startswith(f"{run}/"):
        return ()
    found = (_PLACED.fullmatch(value) for key, value in _lines(message) if key == "Merge")
    return tuple(
        Placed(one["task"], one["commit"], int(one["generation"]), int(one["attempt"]))
        for one in found
        if one is not None and one["run"] == run
    )


def undone_task(message: str) -> tuple[str, str] | None:
    """Returns (run, task) of a commit that takes a merge back, or None."""
    run, _, task = _facts(message).get("Undo", "").partition("/")
    return (run, task) if task else None


def onto_of(commit: Commit) -> str:
    """Returns what the first of the commits was put on that this one of ours ends; mostly ''."""
    return _facts(commit.message).get("Onto", "") if is_ours(commit) else ""


def merges_base(message: str, run: str) -> bool:
    """Returns whether a commit's message is that of one that took in the user's branch."""
    return _facts(message).get("Base", "").startswith(f"{run}/")


def sealed(message: str, tree: str, parents: Sequence[str]) -> str:
    """Returns the message of a commit with a line that fits this tree and these parents only.

    So a copy of our lines (a cherry-pick, an amended merge, a message made by hand) is not taken
    for a merge of ours. It is no signature: who reads this can make it.
    """
    return f"{message.rstrip()}\n{_PREFIX}Seal: {_seal(message, tree, parents)}\n"


def is_ours(commit: Commit) -> bool:
    """Returns whether a first-parent commit is one that we made."""
    facts = _facts(commit.message)
    return facts.get("Seal") == _seal(commit.message, commit.tree, commit.parents)


def cleaned(message: str) -> str:
    """Returns an agent's message without lines that look like ours."""
    return _FOREIGN.sub("", message)


def _seal(message: str, tree: str, parents: Sequence[str]) -> str:
    last = message.rstrip().rpartition("\n\n")[2]
    lines = [line for line in last.splitlines() if not line.startswith(f"{_PREFIX}Seal: ")]
    content = "\n".join((tree, *parents, *lines))
    return hashlib.sha256(content.encode(errors="replace")).hexdigest()[:32]


def _facts(message: str) -> dict[str, str]:
    return dict(_lines(message))


def _lines(message: str) -> list[tuple[str, str]]:
    last = message.rstrip("\n").rpartition("\n\n")[2]
    return [(match["key"], match["value"].strip()) for match in _LINE.finditer(last)]
