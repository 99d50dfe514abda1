"""Disks that fill up under a run: it ends with words, nothing counts as a failure, it goes on.

They are file systems of a hundred MiB that the test mounts. Which moment it is in which one fills
up is counted in calls of the run into the world (see `faults.fault`), so that any can be met again.
"""

import random

import pytest

from support.effort import FIRST_SEED, by_effort, rare
from support.faults import HASTE, bad_ground, calls_made, fault, fired, said_well
from support.figures import tell
from support.scene import Scene
from support.small_disk import fill, in_a_namespace, mounted
from support.storm import Step, Storm, wait_for_line
from support.waiting import wait_until

pytestmark = [pytest.mark.slow, pytest.mark.storm]

#: The first task is at work as long as the file HOLD is there.
HELD = 'while test -e "$HOLD"; do sleep 0.02; done'
STEPS = (Step("a", does=HELD), Step("b", ("a",)), Step("r", looks_only=True))

#: Which part of a scene lies on the small disk.
PLACES = {"tasks": "project/_tasks", "repository": "project", "worktrees": "cache"}

MOMENTS = by_effort(1, 6, 60)


@pytest.fixture(params=by_effort(["worktrees"], list(PLACES), list(PLACES)))
def small(request, tmp_path):
    """The kind of place, and the small disk that it lies on."""
    with mounted(tmp_path / PLACES[request.param]) as disk:
        yield request.param, disk


def storm_in(folder):
    scene = Scene(folder, env={"HOLD": str(folder / "hold")}).repository(2)
    return Storm(scene, STEPS, options=("--yes", "--resume", "-j", "2"))


def filled_while_at_work(storm, disk):
    """Fills a disk once the first agent is at work, and lets that end; returns what takes the room."""
    hold = storm.scene.project.parent / "hold"
    wait_for_line(storm, "start", "a")
    filler = fill(disk)
    hold.unlink()
    return filler


def counted_failures(scene):
    names = [path.name for path in scene.tasks_dir.glob("*/*.md")]
    return [name for name in names if ".a" in name and "f0." not in name]


def test_these_tests_run_for_who_is_not_root():
    in_a_namespace(__file__)


@rare
def test_a_run_does_not_begin_on_a_full_disk(tmp_path, small):
    _, disk = small
    storm = storm_in(tmp_path)
    filler = fill(disk, leave=10 << 20)

    result = storm.scene.run(*storm.options, check=3)
    filler.unlink()

    assert "has too little room" in result.err
    assert str(disk) in result.err
    assert storm.lines() == []
    storm.finish()


def test_a_disk_that_is_full_while_agents_work_pauses_the_run_and_then_ends_it(tmp_path, small):
    _, disk = small
    storm = storm_in(tmp_path)
    (tmp_path / "hold").touch()
    with storm.start(NAP="0", **bad_ground()) as running:
        filler = filled_while_at_work(storm, disk)
        wait_until(lambda: "no task starts until there is room" in running.err(), 30)
        result = running.wait()
    storm.remember()

    assert result.exit_code == 3, result
    assert "has too little room: 0 MiB are free" in result.err
    assert str(disk) in result.err
    assert counted_failures(storm.scene) == []
    filler.unlink()
    storm.finish()


@rare
def test_a_run_goes_on_by_itself_when_room_is_made(tmp_path, small):
    _, disk = small
    storm = storm_in(tmp_path)
    patient = {**HASTE, "board.troubles": {"_TROUBLE_LIMIT": 600.0}}
    (tmp_path / "hold").touch()
    with storm.start(NAP="0", **bad_ground(hasten=patient)) as running:
        filler = filled_while_at_work(storm, disk)
        wait_until(lambda: "no task starts until there is room" in running.err(), 30)
        filler.unlink()
        result = running.wait()

    assert result.exit_code == 0, result
    assert counted_failures(storm.scene) == []
    storm.check()


@rare
def test_a_disk_may_fill_up_at_any_moment(tmp_path, small):
    kind, _ = small
    dice = random.Random(f"{FIRST_SEED} {kind}")
    calls = 340
    for moment in range(MOMENTS):
        folder = tmp_path / f"{moment}"
        # The disk is mounted over one place of one scene only: each scene gets its own.
        with mounted(folder / PLACES[kind]) as here:
            storm = storm_in(folder)
            at = dice.randrange(20, calls)
            result = storm.scene.run(
                *storm.options, env={"NAP": "0", **fault(folder, at, fill=here)}
            )
            storm.remember()
            calls = max(calls, calls_made(folder))

            said_well(result, 0, 3, 4)
            assert counted_failures(storm.scene) == [], fired(folder)
            (here / "filler").unlink(missing_ok=True)
            storm.finish()
    tell("moments at which a disk filled up", place=kind, tried=MOMENTS)
