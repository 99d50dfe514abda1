"""The doors of every isolation, and the values that pass through them."""

from pathlib import Path
from typing import Protocol

from parallel_orchestra.frozen import frozen
from parallel_orchestra.git import RefMoved, Repo, Update
from parallel_orchestra.model import NO_SETUP, Setup


@frozen
class Label:
    """Who works in a workspace, and the ref under which unmerged work of it is kept."""

    run: str
    task: str
    attempt: int
    owner: str
    ref: str


@frozen
class Given:
    """What was put into a workspace before its attempt, and is no part of the work.

    `carried` are paths relative to the root of the tree, `kept` patterns of a .gitignore there.
    `tree` is the content after the set-up's commands, if they changed anything of the commit
    `base` that git sees; else it is empty.
    """

    carried: tuple[str, ...] = ()
    kept: tuple[str, ...] = ()
    tree: str = ""
    base: str = ""


NOTHING_GIVEN = Given()


@frozen
class Workspace:
    """A place for one attempt: `path` is the agent's directory, `base` the commit it starts from."""

    path: Path
    base: str
    given: Given = NOTHING_GIVEN


@frozen
class Work:
    """What an agent left: all its files as a git tree, and the commit its HEAD stood at.

    Not `pure` if commits of its own have something in them that was only given to it. `outside`
    are files that were changed although they are nobody's; `ref` keeps them.
    """

    tree: str
    head: str
    changed: bool
    pure: bool = True
    outside: tuple[str, ...] = ()
    ref: str = ""


class Unusable(Exception):  # a fact about an agent's work, not a fault
    """What the agent left can't become a commit; `ref` keeps it, or is empty if nothing is left."""

    def __init__(self, reason: str, ref: str) -> None:
        super().__init__(reason)
        self.ref = ref


class Isolation(Protocol):
    """One place that takes attempts one after the other; used by one thread."""

    @property
    def directory(self) -> Path:
        """Where agents work."""

    def open(
        self, base: str, label: Label, *, carry_claude: bool, setup: Setup = NO_SETUP
    ) -> Workspace:
        """Makes the place ready at a commit, after saving what lies there unsaved.

        What `setup` copies and links is there; its commands are the caller's to run.

        Raises:
            GitError: git failed; nothing is lost.
        """

    def setup_due(self, workspace: Workspace, setup: Setup) -> bool:
        """Returns whether the commands of a set-up have to run in an open workspace."""

    def set_up(self, workspace: Workspace, setup: Setup) -> Workspace:
        """Says that the set-up has ended, and returns the workspace as the agent gets it."""

    def set_up_as(self) -> Setup:
        """Returns the set-up that was made here last, and that was not taken down."""

    def taken_down(self) -> None:
        """Says that the set-up was taken down."""

    def bring(self, workspace: Workspace, content: str) -> bool:
        """Puts a tree's files into an open workspace, where they differ from its commit's.

        They are not committed there. Returns False if they have no place here.

        Raises:
            GitError: files can't be written; some may have been.
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

    def save(self) -> str:
        """Keeps what lies there unsaved; returns the ref or an empty string."""


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
