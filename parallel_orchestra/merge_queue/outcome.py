"""What is handed in to be merged, what may become of it, and who says whether it is green."""

from contextlib import AbstractContextManager
from dataclasses import field
from pathlib import Path
from typing import Protocol

from parallel_orchestra.frozen import frozen
from parallel_orchestra.store import Claim


@frozen
class Candidate:
    """A task's work as one commit, and the token of the claim that made it.

    `text` is what its merge is to say, empty for our own words; `credits` are trailers beside ours.
    """

    claim: Claim
    commit: str
    token: str
    generation: int
    fingerprint: str
    title: str
    log: Path
    text: str = ""
    credits: tuple[str, ...] = ()


@frozen
class Merged:
    """The work is on the integration branch; `already` if an earlier attempt brought it there.

    `remark` is a sentence's end about how it got there, for the user; mostly empty.
    """

    commit: str
    already: bool = False
    remark: str = ""


@frozen
class Conflicted:
    """The work contradicts what was merged meanwhile, in these files; `said` is git's word on it."""

    files: tuple[str, ...]
    said: str = field(default="", compare=False)


@frozen
class Rejected:
    """The merged state fails the plan's `verify`; `output` is the end of what it said.

    `blame` says what is known of whose fault it is, as a sentence's end; it may be empty.
    """

    output: str
    cancelled: bool = False
    blame: str = ""


CANCELLED = Rejected("cancelled", cancelled=True)

Outcome = Merged | Conflicted | Rejected


class Verifier(Protocol):
    """Runs the plan's `verify` on commits. `base` is the user's commit that they build on."""

    def __call__(self, commit: str, log: Path, base: str) -> Rejected | None:
        """Waits for the turn and checks one commit; returns None if it is green."""

    def turn(self) -> AbstractContextManager[bool]:
        """Waits until no other process of the run checks; tells whether that came before a cancel."""

    def check(self, commit: str, log: Path, base: str) -> Rejected | None:
        """Checks one commit, for who has the turn; returns None if it is green."""

    def prepare(self, commit: str, log: Path) -> None:
        """Makes a worktree ready in which a commit may be checked next; needs no turn."""
