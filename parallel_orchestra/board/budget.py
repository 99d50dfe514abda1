"""What keeps a task from starting: the budget of its run, or its own, that all processes share.

Before a claim, its attempt reserves what it may use, under `claim.lock`: see `store.outlays`.
"""

from collections.abc import Callable, Mapping

from parallel_orchestra.model import Budget, Task, Template
from parallel_orchestra.plan.abilities import Abilities, abilities_of
from parallel_orchestra.spending import NOTHING_SPENT, Grant, Short, grant, limited
from parallel_orchestra.store import Claim, Layout, TaskName
from parallel_orchestra.store.outlays import Outlays

_UNKNOWN = Abilities()


class Purse:
    """The budgets of one run, as one process keeps them; its owner holds a lock."""

    def __init__(
        self,
        tasks: Mapping[str, Task],
        budget: Budget,
        templates: Mapping[str, Template],
        layout: Layout,
        now: Callable[[], float],
    ) -> None:
        """Takes the tasks, of which there may be more later, and a clock of epoch seconds."""
        self._tasks = tasks
        self._budget = budget
        self._templates = templates
        self._outlays = Outlays(layout)
        self._now = now
        self._spent = NOTHING_SPENT
        self._grants: dict[str, tuple[int, Grant]] = {}

    def limits(self, task: str) -> bool:
        """Returns whether an attempt at a task has to reserve something."""
        return limited(self._tasks[task], self._budget)

    def look(self) -> None:
        """Takes notice of what was used and reserved; for who holds `claim.lock`."""
        self._spent = self._outlays.spent(self._now())

    def refuses(self, task: str) -> bool:
        """Returns whether, as of the last look, a task can't start however others end."""
        found = self._found(task)
        return isinstance(found, Short) and found.final

    def reserve(self, name: TaskName, owner: str) -> Short | None:
        """Reserves for the owner's claim of a task in `available/`, or returns why that can't be.

        Looks first; for who holds `claim.lock`.

        Raises:
            OSError: nothing could be written down, so no agent may start.
        """
        self.look()
        found = self._found(name.task)
        if isinstance(found, Short):
            return found
        mine = name.claimed_by(owner)
        self._outlays.reserve(mine.task, mine.attempts, owner, self._now(), found.amounts)
        self._grants[name.task] = (mine.attempts, found)
        return None

    def give_back(self, name: TaskName, owner: str) -> None:
        """Takes a reservation back: somebody else has the task.

        Raises:
            OSError: that could not be written down; it counts as one of an attempt that died.
        """
        nothing = dict.fromkeys(self._grants.pop(name.task)[1].amounts, 0.0)
        attempt = name.claimed_by(owner).attempts
        self._outlays.reserve(name.task, attempt, owner, self._now(), nothing)

    def granted(self, claim: Claim) -> Grant | None:
        """Returns what an attempt of this process may use; None if nothing limits it."""
        attempt, found = self._grants.get(claim.task, (0, Grant()))
        return found if attempt == claim.attempt else None

    def _found(self, task: str) -> Grant | Short:
        one = self._tasks[task]
        known = abilities_of(one.backend, self._templates) or _UNKNOWN
        return grant(one, self._budget, self._spent, known.keeps)
