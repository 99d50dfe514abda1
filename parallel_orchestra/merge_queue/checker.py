"""Runs the plan's `verify` on a merge candidate, in a worktree of the queue's own."""

import contextlib
import threading
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

from parallel_orchestra.errors import EnvironmentProblem, Problem
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
from parallel_orchestra.merge_queue.queue import Rejected
from parallel_orchestra.merge_queue.run_refs import RunRefs
from parallel_orchestra.model import DEFAULT_TIMEOUT, NO_SETUP, Command, Setup, as_typed
from parallel_orchestra.process import Ending, Supervisor
from parallel_orchestra.store import Layout

_DETAIL_BYTES = 4096
_POLL = 0.05
#: For who gave it none.
_NO_SEAT = Seat(0, 0)


class Checker:
    """Checks one candidate at a time, across all processes of the run."""

    def __init__(
        self,
        pool: Pool,
        refs: RunRefs,
        layout: Layout,
        owner: str,
        commands: tuple[Command, ...],
        environ: Mapping[str, str],
        setup: Setup = NO_SETUP,
        seat: Seat = _NO_SEAT,
    ) -> None:
        """Takes how its worktree is set up, and the ports that its commands may use."""
        self._pool = pool
        self._refs = refs
        self._layout = layout
        self._owner = owner
        self._commands = commands
        self._setup = setup
        self._supervisor = Supervisor()
        variables = {
            "PO_SLOT": str(seat.number),
            "PO_PORT_BASE": str(seat.port_base),
            "PO_PROJECT_DIR": str(pool.site.project),
            "PO_TASKS_DIR": str(layout.root),
            "PO_RUN": refs.run,
            "PO_OWNER": owner,
        }
        self._means = Means(self._supervisor, environ, variables)
        self._slot: Slot | None = None
        self._cancelled = threading.Event()

    def __call__(self, commit: str, log: Path) -> Rejected | None:
        """Returns None if all commands succeed on the commit, else what the failing one said.

        Raises:
            GitError: the candidate can't be checked out.
            EnvironmentProblem: its worktree can't be set up.
        """
        with self._turn() as mine:
            if not mine:
                return Rejected("cancelled", cancelled=True)
            if self._slot is None:
                self._slot = self._pool.slot("verify")
            ref = f"{self._refs.prefix}checked/{self._owner}"
            label = Label(self._refs.run, "verify", 0, self._owner, ref)
            try:
                workspace = self._set_up(self._slot, commit, label, log)
            except SetUpFailed as failed:
                if failed.cancelled:
                    return Rejected("cancelled", cancelled=True)
                raise EnvironmentProblem(
                    Problem(f"the worktree for `verify`: {failed}", str(log), failed.detail)
                ) from failed
            for command in self._commands:
                rejected = self._run(command, workspace.path, log)
                if rejected is not None:
                    return rejected
        return None

    def cancel(self) -> None:
        """Ends what runs, and every later check, as cancelled."""
        self._cancelled.set()
        self._supervisor.cancel()

    def close(self, *, keep: bool = False) -> None:
        """Takes the worktree's set-up down, unless it is to be kept; ends the helper process."""
        try:
            if self._slot is not None and not keep:
                take_down(self._slot, self._means, self._layout.root / "teardown-verify.log")
        finally:
            self._supervisor.close()

    def _set_up(self, slot: Slot, commit: str, label: Label, log: Path) -> Workspace:
        means, log = self._means, log.with_name("merge-setup.log")
        workspace = prepared(slot, commit, label, self._setup, means, log, carry_claude=False)
        slot.settled()
        return workspace

    def _run(self, command: Command, directory: Path, log: Path) -> Rejected | None:
        ended = self._means.run(command, directory, log, DEFAULT_TIMEOUT)
        if ended.ending is Ending.EXITED and ended.code == 0:
            return None
        said = (ended.stdout_tail + ended.stderr_tail)[-_DETAIL_BYTES:].decode("utf-8", "replace")
        how = ended.reason or f"{ended.ending.value} with code {ended.code}"
        return Rejected(
            f"`{as_typed(command)}` {how}\n{said}", cancelled=ended.ending is Ending.CANCELLED
        )

    @contextlib.contextmanager
    def _turn(self) -> Iterator[bool]:
        """Waits for the run's turn to verify; tells whether it came before a cancel.

        It spares verifying a candidate whose base another process is about to move; that the
        merge is exact never rests on it. So whoever holds the turn for longer than a
        verification may take (a stopped process, say) is waited for no more.
        """
        import portalocker  # noqa: PLC0415  # 70 ms that only plans with `verify` need

        with self._layout.lock_file("merge.lock") as stream:
            deadline, mine = time.monotonic() + DEFAULT_TIMEOUT, False
            while not mine and not self._cancelled.is_set():
                try:
                    portalocker.lock(stream, portalocker.LOCK_EX | portalocker.LOCK_NB)
                    mine = True
                except portalocker.LockException:
                    mine = time.monotonic() > deadline
                    self._cancelled.wait(_POLL)
            yield mine and not self._cancelled.is_set()
