"""What keeps this process from claiming anything at all, and for how long that may go on."""

from collections.abc import Callable
from pathlib import Path

from parallel_orchestra.errors import EnvironmentProblem, Problem
from parallel_orchestra.store.room import Room

#: Seconds during which claiming may fail (a full disk, say) before the run gives up.
_TROUBLE_LIMIT = 60.0
#: Seconds after which the next trouble is another one.
_TROUBLE_GAP = 20.0


class Troubles:
    """The troubles of one process with the directory of tasks and its disks.

    A short one is waited out; one that lasts for a minute ends the run. Its owner holds a lock.
    """

    def __init__(self, room: Room, root: Path, monotonic: Callable[[], float]) -> None:
        """Takes the disks that need room, and the directory of tasks."""
        self._room = room
        self._root = root
        self._monotonic = monotonic
        self._since: float | None = None
        self._last = 0.0

    def short_of_room(self) -> bool:
        """Returns whether a disk is full, so that nothing may start.

        Raises:
            EnvironmentProblem: it has been so for a minute.
        """
        lack = self._room.known_lack()
        if lack is not None:
            self._count(lack)
        return lack is not None

    def refused(self, error: EnvironmentProblem | OSError) -> None:
        """Takes notice that the directory of tasks did not let itself be read or changed.

        Raises:
            EnvironmentProblem: it has been so for a minute.
        """
        problem = Problem(
            f"tasks can't be claimed: {getattr(error, 'strerror', None) or error}",
            str(self._root),
            "make room or mend the permissions, then run with `--resume`",
        )
        self._count(problem, error)

    def over(self) -> None:
        """Takes notice that a claim was possible."""
        self._since = None

    def _count(self, problem: Problem, error: Exception | None = None) -> None:
        now = self._monotonic()
        if self._since is None or now - self._last > _TROUBLE_GAP:
            self._since = now
        elif now - self._since > _TROUBLE_LIMIT:
            raise EnvironmentProblem(problem) from error
        self._last = now
