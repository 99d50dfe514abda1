"""Runs that die at a chosen step, and the proof that they end as if nothing had been.

A scenario is set up once, copied, and played from that copy again and again: each time it dies at
another of its steps, is resumed, and must come to what the undisturbed run came to.
"""

import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from support.scene import Result, Scene
from support.storm import Step, Storm, check_tidy

#: What rides along in the tool: see there for what it understands.
STOWAWAY = Path(__file__).parent / "stowaway"
#: Nobody waits a second for the next attempt, five for the world to mend, or for a lock that a
#: killed git left.
_SPANS = (
    "parallel_orchestra.retry:_FIRST_DELAY=0.05 parallel_orchestra.retry:_LIMIT=1 "
    "parallel_orchestra.git.call:_LOCKS_WAIT=1"
)
#: How often a person asks for `--resume` before giving up.
_PATIENCE = 3


@dataclass(frozen=True)
class Scenario:
    """A piece of a task's day: what happened before, and the command that may die."""

    name: str
    steps: tuple[Step, ...]
    command: tuple[str, ...] = ("run", "PLAN", "--yes", "--resume", "-j", "1")
    head: str = ""
    #: What happened before the story begins.
    before: Callable[[Storm], object] | None = None
    #: What the undisturbed command ends with, and what the last `--resume` after it.
    code: int = 0
    end: int = 0
    #: A person who finds, at the end, that a command had no effect gives it again.
    until: Callable[[Storm], bool] = lambda _: True


@dataclass(frozen=True)
class Outcome:
    """What counts of a run that is over."""

    tree: str
    states: dict[str, str]
    merges: dict[str, int]


@dataclass
class Trial:
    """One scenario in a folder of its own."""

    folder: Path
    scenario: Scenario
    storm: Storm = field(init=False)
    #: The steps into the world of the undisturbed command, in words.
    steps: tuple[str, ...] = field(init=False)
    wanted: Outcome = field(init=False)
    #: How often something died, by what was killed; and how often nothing did.
    deaths: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Sets the scenario up and plays it once undisturbed."""
        scene = Scene(self._stage).repository(3)
        (self._stage / "flags").mkdir()
        self.storm = Storm(scene, self.scenario.steps, self.scenario.head)
        if self.scenario.before is not None:
            self.scenario.before(self.storm)
            scene.wait_for_silence()
        self.storm = Storm(scene, self.scenario.steps, self.scenario.head)
        shutil.copytree(self._stage, self._copy, symlinks=True)
        log = self.folder / "steps.txt"
        ended = self.play(STEPS_LOG=str(log))
        assert ended.exit_code == self.scenario.code, ended
        self.steps = tuple(log.read_text(encoding="utf-8").splitlines())
        self.wanted = self._brought_to_its_end()

    @property
    def _stage(self) -> Path:
        return self.folder / "stage"

    @property
    def _copy(self) -> Path:
        return self.folder / "copy"

    def rewind(self) -> None:
        """Puts everything back to where the scenario begins."""
        shutil.rmtree(self._stage)
        shutil.copytree(self._copy, self._stage, symlinks=True)
        self.storm.seen_done.clear()

    def play(self, **wishes: str) -> Result:
        """Gives the scenario's command and waits for its end, however it ends."""
        words = [
            str(self.storm.scene.plan_path()) if word == "PLAN" else word
            for word in self.scenario.command
        ]
        return self._told(*words, **wishes)

    def resume(self, **wishes: str) -> Result:
        """Does what everybody is told to do after a crash, and waits for its end."""
        plan = str(self.storm.scene.plan_path())
        return self._told("run", plan, "--yes", "--resume", "-j", "2", **wishes)

    def dies(self, at: int, how: str, second: int = 0) -> bool:
        """Plays from the beginning and dies before that step; then all must be as if it had not.

        With `second`, the first recovery dies too, before that step of its own. Returns whether
        the first death came to pass: with other threads, a run may have fewer steps this time.

        Raises:
            AssertionError: something is lost, doubled, left behind or other than undisturbed.
        """
        self.rewind()
        ended = self.play(DEATH_AT=str(at), DEATH_HOW=how)
        died = ended.exit_code == -9
        assert died or ended.exit_code == self.scenario.code, ended
        self.storm.remember()
        if second:
            again = self.resume(DEATH_AT=str(second), DEATH_HOW=how)
            assert again.exit_code in (-9, self.scenario.end, self.scenario.code), again
            self.storm.remember()
        self.check()
        if died:
            self.deaths[how] = self.deaths.get(how, 0) + 1
        return died

    def check(self) -> None:
        """Resumes to the end and compares with the undisturbed run.

        Raises:
            AssertionError: it is not the same.
        """
        found = self._brought_to_its_end()
        assert found == self.wanted, f"{found} instead of {self.wanted}"

    def at(self, *words: str) -> list[int]:
        """Returns the numbers of the steps that have one of these words in them."""
        return [
            number
            for number, step in enumerate(self.steps, start=1)
            if any(word in step for word in words)
        ]

    def spread(self, count: int, offset: float = 0.5) -> Iterator[int]:
        """Yields so many numbers of steps, evenly spread; all of them if there are fewer."""
        total = len(self.steps)
        chosen = min(count, total)
        return (int((index + offset) * total / chosen) + 1 for index in range(chosen))

    def _brought_to_its_end(self) -> Outcome:
        for _ in range(_PATIENCE):
            ended = self.resume()
            if not self.scenario.until(self.storm):
                # What is asked for by name may run again.
                self.storm.seen_done.clear()
                self.play()
            elif ended.exit_code == self.scenario.end:
                break
        assert ended.exit_code == self.scenario.end, ended
        self.storm.check_done_stays_done()
        check_tidy(self.storm.scene)
        scene = self.storm.scene
        return Outcome(scene.git("rev-parse", "main^{tree}"), scene.states(), scene.merges("main"))

    def _told(self, *words: str, **wishes: str) -> Result:
        env = {"NAP": "0", "FLAGS": str(self._stage / "flags"), **riding_along(**wishes)}
        return self.storm.scene.call(*words, env=env)


def riding_along(spans: str = _SPANS, **wishes: str) -> dict[str, str]:
    """Returns the environment in which the stowaway does what is wished of it."""
    path = os.pathsep.join(filter(None, (str(STOWAWAY), os.environ.get("PYTHONPATH"))))
    return {"PYTHONPATH": path, "SPANS": spans, **wishes}
