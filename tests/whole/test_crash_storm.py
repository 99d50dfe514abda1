"""SIGKILL at random moments, again and again, until the plan is done.

How much, and with which seeds: `support/effort.py`.
"""

import random
import time

import pytest

from support.effort import by_effort, seeds
from support.scene import Scene
from support.storm import Step, Storm, kill
from support.waiting import wait_until

pytestmark = [pytest.mark.slow, pytest.mark.storm]

FACTOR = by_effort(1, 2, 6)
SEEDS = seeds(1, 2, 6)
KILLS = 5
WAYS = ("alone", "group", "everything")
#: Checks each candidate, and takes long enough to be killed in.
VERIFY = 'verify: "test -f folder-000/file-00000.txt && sleep 0.02"'


def go_through(storm, seed, ways):
    """Kills and resumes the run until it is done, then checks everything."""
    dice = random.Random(seed)
    for _ in range(KILLS * FACTOR):
        before = len(storm.lines())
        with storm.start(NAP="0.1") as running:
            # after some new agents started, so that kills do not all hit the beginning
            wanted = before + dice.randint(0, 12)
            wait_until(lambda: len(storm.lines()) >= wanted or running.child.poll() is not None)  # noqa: B023
            time.sleep(dice.uniform(0, 0.15))  # any moment will do: nothing is waited for
            kill(running, dice.choice(ways))
            ended = running.wait()
        assert ended.exit_code in (0, -9), ended
        storm.remember()
        if ended.exit_code == 0:
            break
    storm.finish()


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("way", by_effort(["everything"], WAYS, WAYS))
def test_a_run_killed_again_and_again_ends_as_if_nothing_had_been(tmp_path, seed, way):
    storm = Storm(Scene(tmp_path).repository(10))

    go_through(storm, seed, [way])


@pytest.mark.parametrize("seed", SEEDS)
def test_a_run_with_verify_killed_in_all_ways_ends_as_if_nothing_had_been(tmp_path, seed):
    storm = Storm(Scene(tmp_path).repository(10), head=VERIFY)

    go_through(storm, seed, WAYS)


@pytest.mark.parametrize("seed", SEEDS)
def test_tasks_that_conflict_and_begin_anew_in_a_storm_are_merged_once_each(tmp_path, seed):
    ids = [f"t{number}" for number in range(1, 7)]
    steps = [
        Step(one, does="echo $PO_TASK_ID >> shared.txt", facts=("max_retries: 20",)) for one in ids
    ]
    head = "merge: {on_conflict: retry}"
    storm = Storm(Scene(tmp_path).repository(10), steps=tuple(steps), head=head)

    go_through(storm, seed, WAYS)

    assert sorted(storm.scene.files()["shared.txt"].split()) == ids
