"""What a person's command that works on tasks starts from: a workshop on the run."""

import contextlib
from collections.abc import Callable, Iterator

from parallel_orchestra.conductor.byhand.whose import person
from parallel_orchestra.conductor.picture import read_record, repository_of
from parallel_orchestra.conductor.preflight import agent_settings
from parallel_orchestra.conductor.workshop import Job, Workshop
from parallel_orchestra.config import Settings
from parallel_orchestra.events import Event
from parallel_orchestra.graph import Graph
from parallel_orchestra.plan import plan_from_json
from parallel_orchestra.store import Layout, WorkerRecord


@contextlib.contextmanager
def workshop(
    layout: Layout,
    settings: Settings,
    me: WorkerRecord | None = None,
    listen: Callable[[Event], None] = lambda _: None,
    *,
    tidy: bool = False,
) -> Iterator[Workshop]:
    """Opens a workshop on a run, as that owner or as somebody who holds nothing.

    `tidy`: the worktrees that nobody uses are removed at its end.

    Raises:
        EnvironmentProblem: there is no run, or its repository is gone.
    """
    record = read_record(layout)
    layout.check()
    plan = plan_from_json(record.plan)
    repo = repository_of(record, settings.environ)
    try:
        agents = agent_settings(plan, settings)
        job = Job(record, plan, Graph.of(plan.tasks), repo, layout, agents, settings)
        shop = Workshop(job, me or person(record.run, layout), listen=listen)
        try:
            yield shop
        finally:
            shop.close(remove_worktrees=tidy)
    finally:
        repo.close()
