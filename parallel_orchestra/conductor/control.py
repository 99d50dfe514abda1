"""How somebody outside follows and stops a run."""

from collections.abc import Callable, Mapping

from parallel_orchestra.errors import ExitCode
from parallel_orchestra.frozen import frozen
from parallel_orchestra.git import Extent
from parallel_orchestra.schedule import Outlook


def _unknown() -> Outlook | None:
    """Stands in where nobody looks ahead."""
    return None


def _unmeasured(_commit: str) -> Extent | None:
    """Stands in where nobody asks git."""
    return None


def _unread(_task: str, _attempt: int, _log: str) -> str:
    """Stands in where nobody reads logs."""
    return ""


@frozen
class Running:
    """A task that a worker of this process is at: `since` is an epoch in seconds."""

    task: str
    attempt: int
    slot: int
    since: float


@frozen
class Snapshot:
    """Where a run stands at a moment, as this process sees it; `elsewhere` of the `locked` tasks are
    held by other processes, `skipped` of the others wait in vain for a failed one.

    What can be called looks, at a price, so it is for the main thread when somebody watches. `doing`
    returns what agents do; `outlook` how the rest will go; `extent` how large a merge commit's
    change is, None where git can't tell; `said` the end of a log of an attempt of this process.
    """

    done: int
    failed: int
    locked: int
    total: int
    running: tuple[Running, ...]
    stopping: bool
    elsewhere: int = 0
    skipped: int = 0
    doing: Callable[[], Mapping[str, str]] = dict
    outlook: Callable[[], Outlook | None] = _unknown
    extent: Callable[[str], Extent | None] = _unmeasured
    said: Callable[[str, int, str], str] = _unread


class Control:
    """Stops a run from another thread or a signal handler: first drain, then cancel."""

    # Plain flags: a threading.Event takes a lock, on which a handler that interrupts another
    # handler would wait for ever.
    def __init__(self) -> None:
        self._draining = False
        self._cancelled = False
        self.exit_code: ExitCode | None = None

    def drain(self, exit_code: ExitCode = ExitCode.INTERRUPTED) -> None:
        """Lets running tasks finish and starts no more."""
        self.exit_code = self.exit_code or exit_code
        self._draining = True

    def cancel(self, exit_code: ExitCode = ExitCode.INTERRUPTED) -> None:
        """Ends running agents at once; their tasks are given back, their work is kept."""
        self.drain(exit_code)
        self._cancelled = True

    @property
    def draining(self) -> bool:
        """Whether no more tasks are to be started."""
        return self._draining

    @property
    def cancelled(self) -> bool:
        """Whether running agents are to be ended."""
        return self._cancelled
