"""Runs the plan's `verify` on merge candidates, in worktrees of the queue's own."""

import contextlib
import hashlib
import json
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from parallel_orchestra import files
from parallel_orchestra.isolation import Pool, Seat, Workspace
from parallel_orchestra.merge_queue.bay import Bay, Cancelled, Site
from parallel_orchestra.merge_queue.failing import (
    Checked,
    judged,
    named_by_junit,
    named_by_lines,
)
from parallel_orchestra.merge_queue.outcome import CANCELLED, Rejected
from parallel_orchestra.merge_queue.run_refs import RunRefs
from parallel_orchestra.model import (
    DEFAULT_TIMEOUT,
    NO_SETUP,
    Command,
    MergeRules,
    Setup,
    Timed,
    as_typed,
)
from parallel_orchestra.process import Ending, Exit
from parallel_orchestra.store import Layout

_DETAIL_BYTES = 4096
_POLL = 0.05
#: A list of failures this long was cut off.
_MOST_BYTES = 1 << 20
_LARGEST_REPORT = 64 << 20


def _no_seat() -> Seat:
    return Seat(0, 0)


class Checker:
    """Checks one commit at a time, across all processes of the run; see `Verifier`."""

    def __init__(
        self,
        pool: Pool,
        refs: RunRefs,
        layout: Layout,
        owner: str,
        commands: tuple[Command | Timed, ...],
        environ: Mapping[str, str],
        setup: Setup = NO_SETUP,
        seats: Callable[[], Seat] = _no_seat,
        rules: MergeRules = MergeRules(),  # noqa: B008  # frozen
    ) -> None:
        """Takes how its worktrees are set up, and where to take ports for their commands."""
        self._layout = layout
        self._commands = commands
        self._rules = rules
        self._objects = pool.repo.objects
        site = Site(pool, refs, layout, owner, environ, setup)
        self._site = site
        self._seats = seats
        #: The one that checks, and then, once something was prepared, the one beside it.
        self._bays: list[Bay] = []
        self._making = threading.Lock()
        self._cancelled = threading.Event()
        self._bases: dict[str, Checked] = {}

    def __call__(self, commit: str, log: Path, base: str) -> Rejected | None:
        """Waits for the turn and checks one commit; see `check`."""
        with self.turn() as mine:
            return self.check(commit, log, base) if mine else CANCELLED

    def check(self, commit: str, log: Path, base: str) -> Rejected | None:
        """Returns None if all commands succeed on the commit, else what the failing one said.

        With a baseline it also returns None if nothing fails that does not fail on `base`.

        Raises:
            GitError: the candidate can't be checked out.
            EnvironmentProblem: its worktree can't be set up.
        """
        checked = self._checked(commit, log)
        if checked.rejected is None or not self._rules.baseline:
            return checked.rejected
        return judged(checked, self._of_base(base))

    def prepare(self, commit: str, log: Path) -> None:
        """Makes the other worktree ready for a commit that may be checked next.

        Raises:
            GitError: the commit can't be checked out.
            EnvironmentProblem: the worktree can't be set up.
        """
        bay = self._bay(1)
        tree = self._objects.tree_of(commit)
        with bay.lock, contextlib.suppress(Cancelled):
            if not self._cancelled.is_set():
                bay.open(commit, tree, log)

    def cancel(self) -> None:
        """Ends what runs, and every later check until `go_on`, as cancelled."""
        self._cancelled.set()
        with self._making:
            bays = tuple(self._bays)
        for bay in bays:
            bay.cancel()

    def go_on(self) -> None:
        """Has later checks made again."""
        self._cancelled.clear()

    def close(self, *, keep: bool = False) -> None:
        """Takes the worktrees' set-up down, unless it is to be kept; ends the helper processes."""
        with contextlib.ExitStack() as steps:
            log = self._layout.root / "teardown-verify.log"
            for bay in self._bays:
                steps.callback(bay.close, log, keep=keep)

    @contextlib.contextmanager
    def turn(self) -> Iterator[bool]:
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

    def _bay(self, number: int) -> Bay:
        with self._making:
            while len(self._bays) <= number:
                self._bays.append(Bay(self._site, self._seats()))
            return self._bays[number]

    def _bay_for(self, tree: str) -> Bay:
        """Returns the worktree to check a tree in: the one prepared for it, if one is."""
        first = self._bay(0)
        with self._making:
            if len(self._bays) > 1 and self._bays[1].tree == tree:
                self._bays.reverse()
                return self._bays[0]
        return first

    def _checked(self, commit: str, log: Path) -> Checked:
        tree = self._objects.tree_of(commit)
        bay = self._bay_for(tree)
        with bay.lock:
            if self._cancelled.is_set():
                return Checked(CANCELLED)
            try:
                workspace = bay.open(commit, tree, log)
            except Cancelled:
                return Checked(CANCELLED)
            try:
                return self._run_all(bay, workspace, log)
            finally:
                bay.used()

    def _run_all(self, bay: Bay, workspace: Workspace, log: Path) -> Checked:
        before = self._reports(workspace.path)
        red: dict[str, Rejected] = {}
        for command in self._commands:
            ended = bay.run(command, workspace.path, log)
            if ended.ending is Ending.EXITED and ended.code == 0:
                continue
            rejected = _rejection(command, ended)
            if rejected.cancelled:
                return Checked(rejected)
            red[f"`{as_typed(command)}`"] = rejected
            if ended.ending is not Ending.EXITED or (ended.code or 0) < 0:
                return Checked(rejected, unknown=f"`{as_typed(command)}` did not end by itself")
            if not self._rules.baseline:
                break
        if not red:
            return Checked()
        first = next(iter(red.values()))
        if not self._rules.baseline:
            return Checked(first)
        try:
            names = self._named(bay, workspace, log, before)
        except ValueError as error:
            return Checked(first, unknown=str(error))
        if not names:
            return Checked(first, unknown="no failure is named")
        return Checked(first, names | red.keys())

    def _named(
        self, bay: Bay, workspace: Workspace, log: Path, before: Mapping[Path, tuple[int, int]]
    ) -> frozenset[str]:
        """Returns what fails by the sources that the plan names.

        Raises:
            ValueError: one of them says nothing, or nothing that can be read.
        """
        names: frozenset[str] = frozenset()
        written = self._reports(workspace.path)
        fresh = [path for path in written if written[path] != before.get(path)]
        for pattern in self._rules.junit:
            found = [path for path in workspace.path.glob(pattern) if path in fresh]
            if not found:
                raise ValueError(f"`verify` wrote no `{pattern}`")
            for path in found:
                names |= _read(path)
        if self._rules.failing is not None:
            ended = bay.run(self._rules.failing, workspace.path, log)
            if ended.ending is not Ending.EXITED or len(ended.stdout_tail) >= _MOST_BYTES:
                how = ended.reason or ended.ending.value
                raise ValueError(f"`{as_typed(self._rules.failing)}`: {how}")
            names |= named_by_lines(ended.stdout_tail)
        return names

    def _reports(self, directory: Path) -> dict[Path, tuple[int, int]]:
        """Returns the report files that are there, with what changes when they are written."""
        paths = (path for pattern in self._rules.junit for path in directory.glob(pattern))
        found = {path: path.lstat() for path in paths if path.is_file() and not path.is_symlink()}
        return {path: (seen.st_ino, seen.st_mtime_ns) for path, seen in found.items()}

    def _of_base(self, base: str) -> Checked:
        """Returns how the check goes on a commit of the user's; it is run once for each."""
        rules = self._rules
        asked = json.dumps([base, self._commands, rules.junit, rules.failing])
        key = hashlib.sha256(asked.encode()).hexdigest()
        known = self._bases.get(key) or self._noted().get(key)
        if known is None:
            known = self._checked(base, self._layout.root / "baseline-verify.log")
            if known.rejected is not None and known.rejected.cancelled:
                return known
            self._note(key, known)
        self._bases[key] = known
        return known

    def _noted(self) -> dict[str, Checked]:
        """Returns what this run has noted of bases; a note that can't be read is none."""
        content = files.read_bytes(self._layout.baseline_file)
        try:
            noted = json.loads(content or b"{}")
            return {
                str(key): Checked(Rejected("") if red else None, frozenset(map(str, names)))
                for key, (red, names) in noted.items()
            }
        except (ValueError, TypeError, AttributeError, RecursionError):
            return {}

    def _note(self, key: str, checked: Checked) -> None:
        if checked.unknown:
            return
        known = {**self._noted(), key: checked}
        record = {
            key: [one.rejected is not None, sorted(one.failures)] for key, one in known.items()
        }
        via = self._layout.tmp / f"baseline.{key[:12]}.{threading.get_ident()}"
        # On a full disk it is taken again by the next process.
        with contextlib.suppress(OSError):
            files.replace(self._layout.baseline_file, json.dumps(record).encode(), via=via)


def _read(path: Path) -> frozenset[str]:
    try:
        if path.stat().st_size > _LARGEST_REPORT:
            raise ValueError("it is too large")  # noqa: TRY301  # said with the name below
        return named_by_junit(path.read_bytes())
    except (ValueError, OSError) as error:
        raise ValueError(f"`{path.name}` can't be read: {error}") from error


def _rejection(command: Command | Timed, ended: Exit) -> Rejected:
    said = (ended.stdout_tail + ended.stderr_tail)[-_DETAIL_BYTES:].decode("utf-8", "replace")
    return Rejected(
        f"`{as_typed(command)}` {ended.how}\n{said}", cancelled=ended.ending is Ending.CANCELLED
    )
