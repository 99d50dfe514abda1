"""What all workers of one process share: the rooms of the floor below, joined for one run."""

from collections.abc import Callable, Mapping
from pathlib import Path

from parallel_orchestra.agents import AgentSettings
from parallel_orchestra.agents.secrets import hidden, secrets_of
from parallel_orchestra.board import Board, Clock
from parallel_orchestra.events import Warned
from parallel_orchestra.frozen import frozen
from parallel_orchestra.git import Repo
from parallel_orchestra.isolation import Commons, Means, Pool, Seat, Seats
from parallel_orchestra.journal import Journal
from parallel_orchestra.merge_queue import MergeQueue
from parallel_orchestra.model import Plan, Task
from parallel_orchestra.process import Supervisor
from parallel_orchestra.store import RunRecord, TaskStore


@frozen
class Shop:
    """The tools of a worker. `log_dir` gets copies of the agents' output, None for none.

    With `keep_worktrees` each attempt gets a worktree of its own, which stays as it left it.

    `dice` returns a random number in [0, 1). `environ` is what agents and verify commands
    inherit.
    """

    run: RunRecord
    plan: Plan
    tasks: Mapping[str, Task]
    board: Board
    store: TaskStore
    queue: MergeQueue
    repo: Repo
    pool: Pool
    journal: Journal
    agents: AgentSettings
    environ: Mapping[str, str]
    clock: Clock
    dice: Callable[[], float]
    log_dir: Path | None
    seats: Seats
    commons: Commons
    keep_worktrees: bool = False

    def means(self, supervisor: Supervisor, seat: Seat) -> Means:
        """Returns with what the commands of a set-up run, for all workers of the seat."""
        return Means(
            supervisor,
            self.environ,
            {
                "PO_SLOT": str(seat.number),
                "PO_PORT_BASE": str(seat.port_base),
                "PO_PROJECT_DIR": str(self.plan.cwd),
                "PO_TASKS_DIR": str(self.store.layout.root),
                "PO_RUN": self.run.run,
                "PO_OWNER": self.store.owner,
            },
        )

    def hide(self, task: str, text: str) -> str:
        """Returns what is said of a task without the secrets that its agent knows, and keys."""
        if not text:
            return text
        known = self.tasks.get(task)
        return hidden(text, secrets_of(self.environ, known.env if known else {}))

    def warn(self, task: str, text: str) -> None:
        """Writes into the journal what the user should know of a task."""
        self.journal.write(Warned(self.clock.now(), task, self.hide(task, text)))
