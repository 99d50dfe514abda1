"""SIGKILL before each step into the world that a task's day has, found by an audit hook.

`STORM=full` dies at every step of every scenario: alone, with the process group, and with all that
it started; `STORM=short` at each twenty-fifth, else at one. The figures at the end of a session say how many there were.
"""

import random

import pytest

from support.deaths import Trial
from support.effort import EFFORT, FIRST_SEED, Effort, by_effort
from support.figures import tell
from support.scenarios import SCENARIOS

pytestmark = [pytest.mark.slow, pytest.mark.storm]

#: From step to step at which it dies; and deaths per part of a scenario that are aimed, and that are
#: followed by another in the recovery.
STRIDE = by_effort(10**6, 25, 1)
AIMED = by_effort(0, 1, 3)
PAIRS = by_effort(0, 1, 3)
WAYS = ("alone", "group", "everything")
#: Steps of merging, of delivering, of recovering; in the words of the log.
AIMS = ("refs/heads/", "start git merge --ff-only", "start git worktree remove", "/locked/")

#: So that two processes that share all scenarios end at about the same time.
PARTS = by_effort(1, 1, 4)

#: In the sample only the first few scenarios, each at one step.
PLAYED = SCENARIOS if EFFORT is not Effort.SAMPLE else SCENARIOS[:: len(SCENARIOS) // 4]


@pytest.mark.parametrize("part", range(PARTS))
@pytest.mark.parametrize("scenario", PLAYED, ids=lambda scenario: scenario.name)
def test_a_run_killed_at_any_step_ends_as_if_nothing_had_been(tmp_path, scenario, part):
    trial = Trial(tmp_path, scenario)
    dice = random.Random(f"{FIRST_SEED} {scenario.name} {part}")

    chosen = trial.spread(max(1, len(trial.steps) // STRIDE), dice.random())
    for at in list(chosen)[part::PARTS]:
        for way in WAYS if STRIDE == 1 else (dice.choice(WAYS),):
            trial.dies(at, way)
    for at in _some(dice, trial.at(*AIMS)):
        trial.dies(at, "everything")
    for at in trial.spread(PAIRS, dice.random()):
        trial.dies(at, dice.choice(WAYS), second=dice.randint(1, 200))

    which = f", part {part + 1} of {PARTS}" if PARTS > 1 else ""
    tell(f"death at every step: {scenario.name}{which}", steps=len(trial.steps), **trial.deaths)


def test_who_dies_between_the_branch_and_the_files_of_an_old_run_has_them_moved_away(tmp_path):
    trial = Trial(tmp_path, next(one for one in SCENARIOS if one.name.startswith("archive")))

    first = next(at for at, step in enumerate(trial.steps, 1) if "/_tasks/attic/" in step)
    for at in range(first - 1, first + 4):
        assert trial.dies(at, "everything")


def _some(dice, numbers):
    return dice.sample(numbers, min(AIMED, len(numbers)))
