"""Where another agent than a task's own works on an attempt: who judges it, or resolves its conflict."""

from collections.abc import Callable
from pathlib import Path

from parallel_orchestra import files
from parallel_orchestra.agents import speaks_claude
from parallel_orchestra.frozen import frozen
from parallel_orchestra.isolation import Label, Seat, Slot, Workspace, prepared
from parallel_orchestra.model import Task
from parallel_orchestra.process import Supervisor
from parallel_orchestra.store import Claim
from parallel_orchestra.worker.allowance import Allowance
from parallel_orchestra.worker.landing import Landing
from parallel_orchestra.worker.shop import Shop


@frozen
class Aside:
    """What it works with; `bench` makes the worktree for it when it is needed."""

    shop: Shop
    claim: Claim
    landing: Landing
    supervisor: Supervisor
    seat: Seat
    bench: Callable[[], Slot]
    allowance: Allowance

    @property
    def task(self) -> Task:
        """The task whose attempt it is."""
        return self.shop.tasks[self.claim.task]

    def ref(self, what: str) -> str:
        """Returns the ref that keeps what it wrote, named by what it does."""
        claim = self.claim
        named = self.shop.queue.refs.salvage(claim.task, claim.attempt, claim.name.owner)
        return f"{named}.{what}"

    def opened(self, bench: Slot, commit: str, what: str, backend: str) -> Workspace:
        """Returns a worktree at the commit, set up for that agent; the log is `<what>-setup.log`.

        Raises:
            SetUpFailed: a command of the set-up failed, or was cancelled.
            GitError: git failed.
        """
        shop, claim = self.shop, self.claim
        return prepared(
            bench,
            commit,
            Label(shop.run.run, claim.task, claim.attempt, claim.name.owner, self.ref(what)),
            shop.plan.setup_of(self.task),
            shop.means(self.supervisor, self.seat),
            self.landing.directory / f"{what}-setup.log",
            carry_claude=speaks_claude(backend, shop.agents),
        )

    def written(self, name: str, text: str) -> Path:
        """Writes a prompt into the attempt's directory and returns its file.

        Raises:
            OSError: the disk is full.
        """
        path = self.landing.directory / name
        files.make_directory(path.parent)
        files.write(path, text.encode("utf-8", "replace"))
        return path
