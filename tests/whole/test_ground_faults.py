"""Every call of a run into the file system fails once, and from then on: with words, and for no harm.

The loop is that of SQLite's tests: the N-th call fails, for N = 1, 2, 3 and on, until a run meets
no fault any more. Then the same run without the fault must come to the same end as an undisturbed
one. What fails is the run's own calls; `strace` lets those of its git children fail.
"""

import os
import random
import re
import shutil
import subprocess
import sys

import pytest

from parallel_orchestra.git.call import DEFAULT_LIMIT
from support.effort import EFFORT, FIRST_SEED, Effort, by_effort, rare
from support.faults import ERRORS, bad_ground, calls_made, fault, fired, said_well
from support.figures import tell
from support.scene import Scene
from support.storm import Step, Storm, kill, wait_for_line

pytestmark = [pytest.mark.slow, pytest.mark.storm]

STEPS = (Step("a"), Step("b", ("a",)), Step("r", looks_only=True))
OPTIONS = ("--yes", "--resume", "-j", "2")
#: Every run of these steps makes more calls.
FEWEST = 250


def storm_in(folder):
    return Storm(Scene(folder).repository(2), STEPS, options=OPTIONS)


def interrupted(storm):
    """Kills the run when `a` is done and `b` at work."""
    with storm.start(NAP="0") as running:
        wait_for_line(storm, "end", "a")
        kill(running, "everything")
    storm.remember()


def disturbed(folder, at, error, *, begun, ever=False):
    """Runs with a fault at that call, and then without; returns how many calls the first made."""
    storm = storm_in(folder)
    if begun:
        interrupted(storm)

    result = storm.scene.run(*OPTIONS, env={"NAP": "0", **fault(folder, at, error, ever=ever)})
    storm.remember()

    # It may also only have been asked whether the plan is a folder.
    unread = any(re.search(r" open .*plan\.md$", line) for line in fired(folder)[:1])
    said_well(result, *((2,) if unread else (0, 3, 4)))
    storm.finish()
    return calls_made(folder)


def numbers(calls, dice, *, ever):
    """Returns which of so many calls are to fail: in the full storm each one once."""
    if EFFORT is Effort.SAMPLE:
        return [dice.randrange(1, calls)]
    stride = by_effort(0, 40, 5 if ever else 1)
    return range(1 + dice.randrange(stride), calls + 1, stride)


@pytest.mark.parametrize("begun", by_effort([False], [False, True], [False, True]))
@pytest.mark.parametrize("ever", by_effort([False], [False, True], [False, True]))
def test_whichever_call_fails_it_is_said_and_a_resume_comes_to_the_right_end(tmp_path, ever, begun):
    dice = random.Random(f"{FIRST_SEED} {ever} {begun}")
    # A sample needs not know how many there are: no run makes fewer.
    sample = EFFORT is Effort.SAMPLE
    calls = FEWEST if sample else disturbed(tmp_path / "0", 0, "EIO", begun=begun)
    tried = met = 0
    wrong = []
    for at in numbers(calls, dice, ever=ever):
        folder = tmp_path / str(at)
        error = ERRORS[(at + FIRST_SEED) % len(ERRORS)]
        try:
            disturbed(folder, at, error, begun=begun, ever=ever)
        except AssertionError as failure:
            wrong.append(f"{error} at {fired(folder)[:1]}:\n{failure}")
        tried += 1
        met += bool(fired(folder))
        shutil.rmtree(folder)
    tell("calls that failed", ever=ever, resumed=begun, calls=calls, tried=tried, met=met)

    assert not wrong, f"{len(wrong)} of {tried}:\n" + "\n".join(wrong)
    assert met


@pytest.mark.parametrize("every", by_effort([2], [1, 3], range(1, 12)))
@pytest.mark.parametrize(
    "error", by_effort(["EIO"], ["ENOENT", "EIO", "EEXIST"], ["ENOENT", "EIO", "EEXIST"])
)
def test_moves_that_were_done_and_report_an_error_do_no_harm(tmp_path, every, error):
    storm = storm_in(tmp_path)

    lies = fault(tmp_path, every, error, lie=True, every=every)
    result = storm.scene.run(*OPTIONS, env={"NAP": "0", **lies})
    storm.remember()

    said_well(result, 0, 3, 4)
    assert fired(tmp_path)
    storm.finish()


#: Runs the real git, and the one with the wanted number under strace.
_GIT = """\
#!/bin/sh
number=1
while ! mkdir "{folder}/$number" 2>/dev/null; do number=$((number + 1)); done
test "$number" = {at} || exec {git} "$@"
exec {strace} -f -qq -o /dev/null -e trace={call} -e inject={call}:error={error}:when={when} {git} "$@"
"""
_GIT_CALLS = ("write", "fsync", "rename", "link", "unlink", "mkdir", "openat", "close")


def faulty_git(folder, **facts):
    """Returns the PATH on which one git process of a run meets a fault."""
    program = folder / "bin" / "git"
    program.parent.mkdir()
    (folder / "gits").mkdir()
    real = {name: shutil.which(name) for name in ("git", "strace")}
    program.write_text(_GIT.format(folder=folder / "gits", **real, **facts), encoding="utf-8")
    program.chmod(0o755)
    places = (program.parent, os.path.dirname(sys.executable), os.environ["PATH"])
    return os.pathsep.join(map(str, places))


def obey(storm):
    """Does what is asked of a person in whose checkout a delivery has half written files."""
    said = storm.scene.run(*OPTIONS).out
    asked = re.search(
        r"may have half written.*?next: deliver what was merged: `(.+?)`\n", said, re.DOTALL
    )
    if asked is not None:
        command, environ = ("sh", "-ec", asked[1]), storm.scene.environment()
        subprocess.run(command, cwd=storm.scene.project, env=environ, check=True)
    return asked is not None


@rare
def test_a_git_child_whose_calls_fail_harms_nothing(tmp_path):
    if shutil.which("strace") is None:
        pytest.skip("there is no strace: git's own calls can't be made to fail")
    dice, asked = random.Random(FIRST_SEED), 0
    for number in range(by_effort(1, 10, 400)):
        folder = tmp_path / str(number)
        storm = storm_in(folder)
        facts = {
            "at": dice.randrange(1, 60),
            "call": dice.choice(_GIT_CALLS),
            "error": dice.choice(("EIO", "ENOSPC", "EROFS", "EDQUOT")),
            "when": dice.choice(("1", "2", "5", "1+")),
        }

        path = faulty_git(folder, **facts)
        environ = {"NAP": "0", "PATH": path, **bad_ground()}
        # A git whose answer is lost is given up after its limit, and not before.
        result = storm.scene.run(*OPTIONS, env=environ, within=DEFAULT_LIMIT)
        storm.remember()

        said_well(result, 0, 3, 4)
        if facts["call"] == "unlink":
            # Locks that git can't remove it leaves; `doctor` names them.
            for lock in (storm.scene.project / ".git").rglob("*.lock"):
                lock.unlink()
        asked += obey(storm)
        storm.finish()
        shutil.rmtree(folder)
    tell("git processes that met a fault", tried=number + 1, asked=asked)
