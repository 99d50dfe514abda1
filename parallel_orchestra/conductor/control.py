"""How somebody outside follows and stops a run."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from parallel_orchestra.errors import ExitCode


@dataclass(frozen=True, slots=True)
class Running:
    """A task that a worker of this process is at: `since` is an epoch in seconds."""

    task: str
    attempt: int
    slot: int
    since: float


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Where a run stands at a moment, as this process sees it.

    `doing` looks into the logs and returns what agents do, by task; it costs a look at each log, so
    it is for the main thread, when somebody watches.
    """

    done: int
    failed: int
    locked: int
    total: int
    running: tuple[Running, ...]
    stopping: bool
    doing: Callable[[], Mapping[str, str]] = dict


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
