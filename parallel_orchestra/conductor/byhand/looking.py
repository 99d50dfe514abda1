"""A person has what was merged looked at as a whole: beside a run, after its end, after the delivery."""

from parallel_orchestra.conductor.byhand.desk import workshop
from parallel_orchestra.conductor.integrating import integrate
from parallel_orchestra.conductor.present import alive
from parallel_orchestra.config import Settings
from parallel_orchestra.progress import IntegrationReport
from parallel_orchestra.store import Layout, WorkerKind


def integrate_run(layout: Layout, settings: Settings) -> IntegrationReport:
    """Makes the integration report of a run anew and returns it.

    Raises:
        EnvironmentProblem: there is no run, its repository or branch is gone, or its worktree can't
            be set up.
        GitError: git can't tell what was merged.
        PlanError: the `cpo` folder can't be read any more.
    """
    # A run that goes on needs its worktrees again.
    tidy = not settings.keep_worktrees and not alive(layout, WorkerKind.CONDUCTOR)
    with workshop(layout, settings, tidy=tidy) as shop:
        return integrate(shop)
