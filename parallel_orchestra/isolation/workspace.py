"""The doors of every isolation, and the values that pass through them."""

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from parallel_orchestra.git import RefMoved, Repo, Update


@dataclass(frozen=True, slots=True)
class Label:
    """Who works in a workspace, and the ref under which unmerged work of it is kept."""

    run: str
    task: str
    attempt: int
    owner: str
    ref: str


@dataclass(frozen=True, slots=True)
class Workspace:
    """A place for one attempt: `path` is the agent's directory, `base` the commit it starts from.

    `carried` are files that were put there for the agent and are not part of its work,
    relative to the root of the tree.
    """

    path: Path
    base: str
    carried: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Work:
    """What an agent left: all its files as a git tree, and the commit its HEAD stood at."""

    tree: str
    head: str
    changed: bool


class Unusable(Exception):  # a fact about an agent's work, not a fault
    """What the agent left can't become a commit; `ref` keeps it, or is empty if nothing is left."""

    def __init__(self, reason: str, ref: str) -> None:
        super().__init__(reason)
        self.ref = ref


class Isolation(Protocol):
    """One place that takes attempts one after the other; used by one thread."""

    def open(self, base: str, label: Label, *, carry_claude: bool) -> Workspace:
        """Makes the place ready at a commit, after saving what lies there unsaved.

        Raises:
            GitError: git failed; nothing is lost.
        """

    def take(self, workspace: Workspace) -> Work:
        """Returns the workspace's content, ignored files aside.

        Raises:
            Unusable: the agent removed the workspace or made a repository of its own inside.
            GitError: git failed.
        """

    def keep(self, work: Work, ref: str, message: str) -> str:
        """Makes work reachable under `ref`, or a numbered neighbour if taken; returns the ref."""

    def settled(self) -> None:
        """Says that the content is merged or kept, so that the next `open` need not save it."""


def keep_commit(repo: Repo, commit: str, ref: str) -> str:
    """Makes a commit reachable under `ref`, or a numbered neighbour if taken; returns the ref.

    A ref is only ever created, never overwritten: what it keeps stays kept.
    """
    number, name = 1, ref
    while True:
        try:
            with repo.lock():
                repo.refs.transact([Update(name, commit, None)])
        except RefMoved as moved:
            if moved.actual == commit:
                return name
            number += 1
            name = f"{ref}-{number}"
            continue
        return name
