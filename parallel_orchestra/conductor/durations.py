"""How long the tasks of a plan took before: asked when a run begins, written down when it ends."""

import contextlib

from parallel_orchestra.errors import OrchestraError
from parallel_orchestra.git import Repo
from parallel_orchestra.model import Plan
from parallel_orchestra.past import Took, past_durations, remember
from parallel_orchestra.progress import RunReport


def past_of(plan: Plan, repo: Repo) -> dict[str, float]:
    """Returns the seconds that tasks of this plan took before in this repository."""
    return past_durations(repo.common_dir, _name(plan), (task.id for task in plan.tasks))


def remember_run(plan: Plan, repo: Repo, report: RunReport) -> None:
    """Writes down how long each done task's last attempt took, if an agent of ours made it."""
    took = {}
    for task in report.tasks:
        attempts = [one for one in task.attempts if one.seconds is not None and not one.failure]
        if attempts and attempts[-1].slot and task.outcome.done:
            took[task.id] = Took(attempts[-1].started, attempts[-1].seconds or 0.0)
    # It only makes the next schedule better: a full disk must not spoil the end of a run.
    with contextlib.suppress(OSError, OrchestraError), repo.lock():
        remember(repo.common_dir, _name(plan), took)


def _name(plan: Plan) -> str:
    return plan.name or plan.source.stem
