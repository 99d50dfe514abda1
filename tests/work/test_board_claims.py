"""Processes that share the tasks of one run get each of them once, in the way of a worker."""

import pytest

from parallel_orchestra.model import Task
from parallel_orchestra.states import TaskState
from support.claiming import claim_all, make_tasks
from support.effort import WORKERS, by_effort
from support.figures import tell
from support.tasks_dir import places

pytestmark = [pytest.mark.slow, pytest.mark.storm]

COUNT = by_effort(600, 5_000, 100_000)
PROCESSES = by_effort(3, WORKERS, WORKERS)


def test_of_many_tasks_and_processes_each_is_claimed_once_and_none_is_lost(tmp_path):
    # A quarter needs another quarter: what others complete has to be noticed, too.
    tasks = [
        Task(id=f"t{number}", depends_on=(f"t{number - 1}",) if number % 4 == 3 else ())
        for number in range(COUNT)
    ]
    layout = make_tasks(tmp_path, tasks)

    claimed = claim_all("board", tmp_path, PROCESSES)

    claimed.check(COUNT)
    found = places(layout)
    assert set(found) == {TaskState.DONE.value}
    assert len(found[TaskState.DONE.value]) == COUNT
    shares = sorted(map(len, claimed.tasks))
    tell(
        "claims by processes at once",
        tasks=COUNT,
        processes=PROCESSES,
        per_second=round(claimed.per_second),
        cpu_us_per_claim=round(claimed.cpu / COUNT * 1e6),
        smallest_share=shares[0],
        largest_share=shares[-1],
    )
