"""SIGKILL at random moments, again and again, until the plan is done.

How much, and with which seeds: `support/effort.py`.
"""

import contextlib
import random
import signal
import time
from collections import Counter

import pytest

from support.effort import by_effort, seeds
from support.repository import commit_files
from support.scene import Scene
from support.storm import Step, Storm, bomb, check_tidy, kill, steps_taken
from support.waiting import wait_until

pytestmark = [pytest.mark.slow, pytest.mark.storm]

FACTOR = by_effort(1, 2, 6)
SEEDS = seeds(1, 2, 6)
KILLS = 5
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
@pytest.mark.parametrize("way", ["alone", "group", "everything"])
def test_a_run_killed_again_and_again_ends_as_if_nothing_had_been(tmp_path, seed, way):
    storm = Storm(Scene(tmp_path).repository(10))

    go_through(storm, seed, [way])


@pytest.mark.parametrize("seed", SEEDS)
def test_a_run_with_verify_killed_in_all_ways_ends_as_if_nothing_had_been(tmp_path, seed):
    storm = Storm(Scene(tmp_path).repository(10), head=VERIFY)

    go_through(storm, seed, ["alone", "group", "everything"])


SMALL = (Step("a"), Step("b", ("a",)), Step("c", ("a",)), Step("look", ("b",), looks_only=True))


@pytest.fixture(scope="module")
def steps(tmp_path_factory):
    """Returns how many steps into the world an undisturbed run takes."""
    storm = Storm(Scene(tmp_path_factory.mktemp("whole")).repository(3), SMALL)
    storm.scene.run(*storm.options, env={"NAP": "0", **bomb(storm, 10**9)}, check=0)
    return steps_taken(storm)


@pytest.mark.parametrize("part", range(12))
def test_a_run_killed_before_any_of_its_steps_is_resumed_and_done(tmp_path, steps, part):
    """Two kills each: one in the run, one in the recovery from it."""
    for round_ in range(FACTOR):
        dice = random.Random(part * 1000 + round_)
        storm = Storm(Scene(tmp_path / str(round_)).repository(3), SMALL)
        first = int((part + dice.random()) / 12 * steps) + 1
        second = dice.randint(1, max(1, steps // 2))

        for at in (first, second):
            way = dice.choice(["alone", "group"])
            with storm.start(NAP="0", **bomb(storm, at, way)) as running:
                ended = running.wait()
            # the number of steps differs a little from run to run
            assert ended.exit_code in (0, -9), ended
            storm.remember()

        storm.finish()


@pytest.mark.parametrize("seed", SEEDS)
def test_kills_stops_moves_by_hand_and_commits_of_the_user_all_at_once_lose_nothing(tmp_path, seed):
    dice = random.Random(seed)
    names = [f"t{number:02}" for number in range(40)]
    steps = tuple(
        Step(name, tuple(dice.sample(names[:number], min(number, dice.choice((0, 0, 1, 2))))))
        for number, name in enumerate(names)
    )
    storm = Storm(Scene(tmp_path).repository(10), steps)
    team = Team(storm, dice)

    for _ in range(60 * FACTOR):
        if not team.keep_going():
            break
        time.sleep(dice.uniform(0.02, 0.2))  # any moment will do: nothing is waited for
        dice.choice([team.kill, team.stop, team.move, team.move, team.commit])()
    team.end()

    storm.scene.run(*storm.options, env={"NAP": "0"}, check=0)
    trailers = storm.scene.git("log", "--format=%(trailers:key=Orchestra-Task,valueonly)")
    merged = Counter(line.rpartition("/")[2] for line in trailers.split())
    assert merged == dict.fromkeys(names, 1)
    assert {f"{name}.txt" for name in names} <= storm.scene.names()
    check_tidy(storm.scene)


class Team:
    """A conductor and two workers at one run, and somebody who disturbs them."""

    def __init__(self, storm, dice):
        self.storm = storm
        self.dice = dice
        self.conductor = None
        self.running = []
        self.commits = 0

    def alive(self):
        return [running for running in self.running if running.child.poll() is None]

    def keep_going(self):
        """Starts whoever is missing; returns whether there is anything left to do."""
        if self.conductor is None or self.conductor.child.poll() is not None:
            if self.conductor is not None and self.conductor.child.poll() == 0:
                return False
            self.conductor = self.storm.start(NAP="0.1")
            self.running.append(self.conductor)
        tasks_dir = str(self.storm.scene.tasks_dir)
        if len(self.alive()) < 3 and (self.storm.scene.tasks_dir / "run.json").exists():
            helper = self.storm.scene.start_command(
                "worker", "--tasks-dir", tasks_dir, "-j", "2", env={"NAP": "0.1"}
            )
            self.running.append(helper)
        return True

    def kill(self):
        kill(self.dice.choice(self.alive() or self.running), self.dice.choice(["alone", "group"]))

    def stop(self):
        for running in self.alive()[:1]:
            running.send(signal.SIGSTOP)
            time.sleep(self.dice.uniform(0, 0.3))  # as long as it takes: nothing is waited for
            running.send(signal.SIGCONT)

    def move(self):
        """Moves a file as a person would, with its name or without what stands behind the task."""
        places = [("locked", "available"), ("done", "available"), ("done", "failed")]
        source, target = self.dice.choice([*places, ("failed", "available")])
        files = sorted((self.storm.scene.tasks_dir / source).glob("*.md"))
        if files:
            file = self.dice.choice(files)
            name = self.dice.choice([file.name, f"{file.name.partition('.')[0]}.md"])
            with contextlib.suppress(FileNotFoundError):
                file.rename(self.storm.scene.tasks_dir / target / name)

    def commit(self):
        # while a delivery holds the index, git refuses a person too
        with contextlib.suppress(AssertionError):
            commit_files(self.storm.scene.project, {f"mine{self.commits}.txt": "mine\n"})
            self.commits += 1

    def end(self):
        for running in self.alive():
            kill(running, "alone")
        self.storm.scene.wait_for_silence()
