"""SIGKILL inside a git that the tool has started: at a system call that changes the disk.

With its git the tool dies too, or it goes on and finds out; both must end as if nothing had been.
"""

import random
import shutil

import pytest

from support.deaths import Trial
from support.effort import FIRST_SEED, by_effort
from support.fatal_git import CALLS, FatalGit
from support.figures import tell
from support.scenarios import SCENARIOS

pytestmark = [
    pytest.mark.slow,
    pytest.mark.storm,
    pytest.mark.skipif(shutil.which("strace") is None, reason="there is no strace(1) here"),
]

VERBS = ("worktree", "checkout", "add", "write-tree", "update-ref", "hash-object", "merge")
CHAIN = next(scenario for scenario in SCENARIOS if scenario.name == "chain")
DEATHS = by_effort(1, 3, 40)


@pytest.mark.parametrize("verb", VERBS if DEATHS > 1 else ("update-ref",))
def test_a_run_whose_git_was_killed_ends_as_if_nothing_had_been(tmp_path, verb):
    trial, dice = Trial(tmp_path / "trial", CHAIN), random.Random(f"{FIRST_SEED} {verb}")
    fatal, killed = FatalGit(tmp_path / "fatal"), 0

    for _ in range(DEATHS):
        trial.rewind()
        call, at = dice.choice(CALLS[1:]), dice.randint(1, 4)
        trial.play(**fatal.aim(verb, call, at, with_tool=dice.random() < 0.5))
        trial.storm.remember()
        trial.check()
        killed += fatal.mark.exists()
    tell(f"git killed in a run: {verb}", deaths=killed, tried=DEATHS)
