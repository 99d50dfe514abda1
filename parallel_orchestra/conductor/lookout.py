"""Which files of the checkout changed while which tasks were at work.

An agent that writes outside of its worktree, into the checkout say, can't be told from the user
who works there meanwhile. But a file says when it was written, and the tasks say when they were
at work: mostly there is but one that it can have been. So each attempt's end is a reason to look,
unless looking would cost more than a small share of the time.
"""

import os
import stat
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from pathlib import Path

from parallel_orchestra.board import Clock
from parallel_orchestra.errors import EnvironmentProblem
from parallel_orchestra.events import AttemptEnded, Claimed, Event
from parallel_orchestra.git import Repo
from parallel_orchestra.plain import some_of

#: What a remark names at most.
_NAMED = 10
#: Looking may cost this share of the time.
_SHARE = 0.05
#: Seconds by which a file's time may lie before that of what wrote it: the kernel's own tick, which
#: is ten milliseconds at most. The next task may be at work twenty after the last has written.
_LEEWAY = 0.012
#: Seconds that a delivery is waited for: a remark too many is better than a run that stands still.
_PATIENCE = 10.0

#: A file, when it was last written (nanoseconds), and its size.
_Facts = tuple[str, int, int]
_Say = Callable[[str, str], None]


class Lookout:
    """Compares the checkout's files now and then; `hear` may be called by any thread."""

    def __init__(
        self,
        repo: Repo,
        not_below: Iterable[Path | None],
        clock: Clock,
        outputs: Iterable[int] = (),
    ) -> None:
        """Takes the directories and the descriptors to which we write ourselves."""
        top = repo.top.resolve()
        places = [path.resolve() for path in not_below if path is not None]
        self._ours = tuple(
            f"{path.relative_to(top).as_posix()}/" for path in places if path.is_relative_to(top)
        )
        self._outputs = frozenset(_regular_files(outputs))
        self._repo = repo
        self._clock = clock
        self._turn = threading.Lock()
        #: Since the last look: per task, when it was at work, in epoch seconds.
        self._spans: dict[str, tuple[float, float | None]] = {}
        self._due = False
        self._next = 0.0
        self._last: frozenset[_Facts] = frozenset()

    def begin(self) -> None:
        """Takes the checkout as it is for what it was.

        Raises:
            GitError: git can't tell.
        """
        self._last = self._files()

    def hearing(self, listen: Callable[[Event], None]) -> Callable[[Event], None]:
        """Returns what listens likewise, but has the lookout hear it first."""

        def both(event: Event) -> None:
            self.hear(event)
            listen(event)

        return both

    def hear(self, event: Event) -> None:
        """Takes notice of who is at work."""
        with self._turn:
            if isinstance(event, Claimed):
                self._spans[event.task] = (event.time, None)
            elif isinstance(event, AttemptEnded) and event.task in self._spans:
                self._spans[event.task] = (self._spans[event.task][0], event.time)
                self._due = True

    def look(self, others: Callable[[], Iterable[str]], say: _Say, *, last: bool = False) -> None:
        """Says which files changed, with the task that it must have been, or "" for nobody's name.

        Only if an attempt ended since the last look, and not too often; `last` looks anyhow.
        `others` are the tasks at which other processes are at this moment.

        Raises:
            GitError: git can't tell.
        """
        began = self._clock.monotonic()
        if not last and (not self._due or began < self._next):
            return
        with self._turn:
            self._due = False
        files = self._settled_files()
        ended = self._clock.monotonic()
        self._next = ended + (ended - began) / _SHARE
        changed, self._last = files ^ self._last, files
        with self._turn:
            spans = dict(self._spans)
            self._spans = {task: span for task, span in spans.items() if span[1] is None}
        if changed:
            elsewhere = set(others()) - spans.keys()
            for suspects, paths in _by_suspects(changed, spans, elsewhere).items():
                say(suspects[0] if len(suspects) == 1 else "", _words(suspects, sorted(paths)))

    def _settled_files(self) -> frozenset[_Facts]:
        """Returns the files that differ from the last commit, while nothing is delivered into it."""
        files = self._files()
        if files != self._last:
            # What a delivery has written and not yet entered looks like an agent's doing.
            with suppress(EnvironmentProblem), self._repo.lock(_PATIENCE):
                files = self._files()
        return files

    def _files(self) -> frozenset[_Facts]:
        found = self._repo.changed_files()
        if self._ours:
            found = frozenset(one for one in found if not f"{one[0]}/".startswith(self._ours))
        if self._outputs:
            found = frozenset(one for one in found if not self._is_output(one[0]))
        return found

    def _is_output(self, path: str) -> bool:
        try:
            found = os.lstat(self._repo.top / path)
        except OSError:
            return False
        return (found.st_dev, found.st_ino) in self._outputs


def _regular_files(descriptors: Iterable[int]) -> Iterator[tuple[int, int]]:
    """Yields device and inode of those that are files: `run plan.md > log` makes us write one."""
    for number in descriptors:
        try:
            found = os.fstat(number)
        except OSError:
            continue  # closed
        if stat.S_ISREG(found.st_mode):
            yield found.st_dev, found.st_ino


def _by_suspects(
    changed: Iterable[_Facts],
    spans: dict[str, tuple[float, float | None]],
    elsewhere: set[str],
) -> dict[tuple[str, ...], set[str]]:
    written: dict[str, int] = {}
    for path, when, _ in changed:
        written[path] = max(when, written.get(path, 0))
    found: dict[tuple[str, ...], set[str]] = {}
    for path, when in written.items():
        seconds = when / 1e9
        known = {
            task
            for task, (start, end) in spans.items()
            if start - _LEEWAY <= seconds <= (seconds if end is None else end)
        }
        # a file that is gone, or that was given another time, says nothing
        who = (known or spans.keys()) | elsewhere
        found.setdefault(tuple(sorted(who)), set()).add(path)
    return found


def _words(suspects: tuple[str, ...], paths: list[str]) -> str:
    what = some_of(paths, _NAMED)
    if len(suspects) == 1:
        when, who = "only this task was at work", "it wrote outside of its worktree"
    elif suspects:
        names = ", ".join(f"`{name}`" for name in suspects[:_NAMED])
        when = f"{names}{' and others' if len(suspects) > _NAMED else ''} were at work"
        who = "one of them wrote outside of its worktree"
    else:
        when, who = "the run went on", "an agent wrote outside of its worktree"
    return f"the checkout changed while {when}: {what}; if it was not you, {who}"
