"""Joins a run that another process conducts, with workers of this one."""

from pathlib import Path

from parallel_orchestra.board import WALL_CLOCK
from parallel_orchestra.conductor.conductor import Listen
from parallel_orchestra.conductor.control import Control
from parallel_orchestra.conductor.crew import Crew, Tell
from parallel_orchestra.conductor.picture import read_record, report_of, repository_of
from parallel_orchestra.conductor.preflight import agent_settings
from parallel_orchestra.conductor.workshop import Job
from parallel_orchestra.config import Settings
from parallel_orchestra.events import WorkerJoined
from parallel_orchestra.graph import Graph
from parallel_orchestra.plan import plan_from_json
from parallel_orchestra.progress import RunReport
from parallel_orchestra.store import Layout, WorkerKind


def join(
    tasks_dir: Path, settings: Settings, workers: int, control: Control, tell: Tell, listen: Listen
) -> RunReport:
    """Works on a run's tasks until none can become runnable, and returns how it then stands.

    Publishes nothing and delivers nothing: that is the conductor's.

    Raises:
        EnvironmentProblem: the directory holds no run, or its repository is gone.
        WaitsForPerson: the integration branch was changed from outside.
    """
    layout = Layout(tasks_dir)
    record = read_record(layout)
    layout.check()
    plan = plan_from_json(record.plan)
    repo = repository_of(record, settings.environ)
    agents = agent_settings(plan, settings)
    job = Job(record, plan, Graph.of(plan.tasks), repo, layout, agents, settings)
    try:
        with Crew(job, WorkerKind.WORKER, listen=listen) as crew:
            crew.journal.write(WorkerJoined(WALL_CLOCK.now(), workers))
            crew.work(workers, control, tell)
        return report_of(layout, repo, WALL_CLOCK.now())
    finally:
        repo.close()
