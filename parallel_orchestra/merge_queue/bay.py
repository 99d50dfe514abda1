"""A warm worktree of the queue's own: set up once, then moved from one state to the next."""

import threading
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from parallel_orchestra.agents import Call
from parallel_orchestra.agents.backend import PROMPT_FILE
from parallel_orchestra.errors import EnvironmentProblem, Problem
from parallel_orchestra.frozen import frozen
from parallel_orchestra.isolation import (
    Label,
    Means,
    Pool,
    Seat,
    SetUpFailed,
    Slot,
    Workspace,
    prepared,
    take_down,
)
from parallel_orchestra.merge_queue.run_refs import RunRefs
from parallel_orchestra.model import (
    DEFAULT_TIMEOUT,
    NO_SETUP,
    Command,
    Setup,
    Timed,
    bare,
    timeout_of,
)
from parallel_orchestra.process import Child, Exit, Supervisor
from parallel_orchestra.store import Layout


class Cancelled(Exception):  # the regular way out of what is not wanted any more
    """The set-up was ended because nobody wants its result."""


@frozen
class Site:
    """Where bays are and how they are made ready."""

    pool: Pool
    refs: RunRefs
    layout: Layout
    owner: str
    environ: Mapping[str, str]
    setup: Setup = NO_SETUP


class Bay:
    """One worktree, with the process that runs commands in it. `lock` is for who works in it."""

    def __init__(self, site: Site, seat: Seat) -> None:
        """Takes the ports that its commands may use."""
        self.lock = threading.Lock()
        #: The tree that it is ready for, or is being made ready for; empty if it is for none.
        self.tree = ""
        self._site = site
        self._supervisor = Supervisor()
        variables = {
            "PO_SLOT": str(seat.number),
            "PO_PORT_BASE": str(seat.port_base),
            "PO_PROJECT_DIR": str(site.pool.site.project),
            "PO_TASKS_DIR": str(site.layout.root),
            "PO_RUN": site.refs.run,
            "PO_OWNER": site.owner,
        }
        self._means = Means(self._supervisor, site.environ, variables)
        self._slot: Slot | None = None
        self._ready: Workspace | None = None

    def open(self, commit: str, tree: str, log: Path, *, carry_claude: bool = False) -> Workspace:
        """Returns the worktree at a commit, set up; nothing is to do if it was opened for its tree.

        It has the user's `.claude/` if that is to be carried into it.

        Raises:
            Cancelled: the set-up was ended.
            GitError: the commit can't be checked out.
            EnvironmentProblem: the set-up fails.
        """
        if self._ready is None or self.tree != tree:
            self._ready, self.tree = None, tree
            self._ready = self._opened(commit, log.with_name("merge-setup.log"), carry_claude)
        return self._ready

    def used(self) -> None:
        """Says that commands ran in it, so that it is ready for nothing any more."""
        self._ready, self.tree = None, ""

    def run(
        self,
        command: Command | Timed,
        directory: Path,
        log: Path,
        timeout: float = DEFAULT_TIMEOUT,
    ) -> Exit:
        """Runs one command to its end, or for so many seconds; its own limit comes first."""
        return self._means.run(bare(command), directory, log, timeout_of(command) or timeout)

    def ask(self, call: Call, child: Child) -> Exit:
        """Runs an agent to its end: `child` says where, on what and for how long at most."""
        return self._supervisor.run(
            replace(
                child,
                argv=tuple(one.replace(PROMPT_FILE, str(child.stdin)) for one in call.argv),
                env={**call.env, **self._means.variables, "PO_PROMPT_FILE": str(child.stdin)},
                stdin=child.stdin if call.stdin_prompt else None,
                secrets=call.secrets,
                keep=call.keep,
                last_words=call.last_words,
                dead_ends=call.dead_ends,
            )
        )

    def content(self, workspace: Workspace) -> str:
        """Returns the worktree's content as a tree, ignored files aside.

        Raises:
            Unusable: its git was damaged.
            GitError: git failed.
        """
        if self._slot is None:
            raise RuntimeError("a bay that was never opened has no content")
        tree = self._slot.take(workspace).tree
        self._slot.settled()
        return tree

    def taken(self, workspace: Workspace, ref: str) -> tuple[tuple[str, ...], str]:
        """Returns the paths that were changed in the worktree, and the ref that keeps them.

        Raises:
            Unusable: its git was damaged.
            GitError: git failed.
        """
        if self._slot is None:
            return (), ""
        work = self._slot.take(workspace)
        if not work.changed:
            return (), ""
        kept = self._slot.keep(work, ref, "Changed after the last merge; not merged\n")
        self._slot.settled()
        changed = self._site.pool.repo.objects.changed(workspace.base, work.tree)
        return tuple(one.path for one in changed), kept

    def cancel(self) -> None:
        """Ends what runs in it; from any thread."""
        self._supervisor.cancel()

    def close(self, log: Path, *, keep: bool) -> None:
        """Takes the set-up down, unless it is to be kept; ends the helper process."""
        try:
            if self._slot is not None and not keep:
                take_down(self._slot, self._means, log)
        finally:
            self._supervisor.close()

    def _opened(self, commit: str, log: Path, carry_claude: bool) -> Workspace:
        site = self._site
        if self._slot is None:
            self._slot = site.pool.slot("verify")
        ref = f"{site.refs.prefix}checked/{site.owner}"
        label = Label(site.refs.run, "verify", 0, site.owner, ref)
        try:
            workspace = prepared(
                self._slot, commit, label, site.setup, self._means, log, carry_claude=carry_claude
            )
        except SetUpFailed as failed:
            if failed.cancelled:
                raise Cancelled from failed
            raise EnvironmentProblem(
                Problem(f"the worktree for `verify`: {failed}", str(log), failed.detail)
            ) from failed
        self._slot.settled()
        return workspace
