"""What the dead, the doubtful and people with `mv` left behind is healed, once."""

import os
import shutil
import signal
import subprocess
from collections import Counter

import pytest

from parallel_orchestra import journal
from parallel_orchestra.errors import WaitsForPerson
from parallel_orchestra.events import Recovered
from parallel_orchestra.merge_queue import Merged
from parallel_orchestra.model import Task
from parallel_orchestra.process import identity
from parallel_orchestra.states import TaskState
from parallel_orchestra.store import Listing, LostClaim
from support.merging import REFS, RUN, Stage, commit_on, other_process
from support.repository import fsck_clean, git, make_repository, merges_of
from support.waiting import wait_until

DEAD = "host-9-0000dead"


@pytest.fixture
def project(tmp_path):
    return make_repository(tmp_path / "project", {"a.txt": "a\n"})


@pytest.fixture
def stage(project):
    one = Stage(project)
    yield one
    one.close()


@pytest.fixture
def at_work(project):
    """Starts processes that are at work on tasks, or want to heal; all are killed at the end."""
    children = []

    def start(*words, owner=DEAD):
        child = other_process(project, owner, *words)
        children.append(child)
        return child

    yield start
    for child in children:
        child.kill()
        child.communicate()


@pytest.fixture
def killed(at_work):
    def kill(*tasks):
        child = at_work("work", *tasks)
        assert child.stdout.readline() == "ready\n"
        child.kill()
        child.wait()

    return kill


def recovered(stage: Stage) -> Counter:
    events = [event for _, event in journal.read(stage.layout.journal)]
    return Counter(event.task for event in events if isinstance(event, Recovered))


def names(stage: Stage, state: TaskState) -> set[str]:
    return {path.name for path in stage.layout.state(state).iterdir()}


# owners


@pytest.mark.parametrize("action", ["claim", "fence"])
def test_a_dead_owners_task_is_available_again_with_its_counters(stage: Stage, killed, action):
    killed(f"build:{action}")

    moved = stage.heal("build")

    assert moved
    assert names(stage, TaskState.AVAILABLE) == {"build.a1f0.md"}
    assert recovered(stage) == {"build": 1}


def test_a_task_killed_between_merge_and_done_rolls_forward(stage: Stage, killed, project):
    killed("build:merge")

    stage.heal("build")

    assert stage.state("build") == "done"
    assert merges_of(project, REFS.integration) == {"build": 1}
    assert not stage.heal("build")


@pytest.mark.slow
def test_many_tasks_killed_anywhere_are_all_merged_once_afterwards(stage: Stage, killed, project):
    killed("m1:merge", "f1:fence", "m2:merge", "c1:claim", "f2:fence", "m3:merge")
    tasks = ("m1", "m2", "m3", "f1", "f2", "c1")

    stage.heal(*tasks)
    for task in ("f1", "f2", "c1"):
        stage.store.complete(stage.merge(task), ())

    assert merges_of(project, REFS.integration) == dict.fromkeys(tasks, 1)
    assert {stage.state(task) for task in tasks} == {"done"}
    assert fsck_clean(project)


def test_a_living_owner_keeps_its_task(stage: Stage, at_work):
    at_work("work", "build:claim").stdout.readline()

    assert not stage.heal("build")
    assert stage.state("build") == "locked"


def test_a_zombie_that_wakes_up_after_its_recovery_can_not_merge(stage: Stage, project):
    zombie = Stage(project, owner=DEAD)
    candidate = zombie.candidate(zombie.claim("build"))
    entry = stage.store.listing().entries["build"]

    stage.recovery("build").free(entry, "asked for")

    with pytest.raises(LostClaim):
        zombie.queue.merge(candidate)
    assert stage.repo.refs.read(REFS.claim("build")) != candidate.token
    assert stage.tip == stage.base
    zombie.close()


def test_a_lock_of_ours_that_nobody_works_on_is_freed(stage: Stage):
    stage.claim("idle")
    stage.claim("busy")
    healer = stage.recovery("idle", "busy")

    moved = healer.heal(stage.store.listing(), {"busy"})

    assert moved
    assert (stage.state("idle"), stage.state("busy")) == ("available", "locked")


def test_a_lock_without_an_owner_is_parked_until_somebody_asks(stage: Stage):
    stage.publish("build")
    available = stage.layout.state(TaskState.AVAILABLE) / "build.md"
    available.rename(stage.layout.state(TaskState.LOCKED) / "build.md")
    healer = stage.recovery("build")

    healed = healer.heal(stage.store.listing(), ())
    freed = healer.free(stage.store.listing().entries["build"], "asked for")

    assert (healed, freed) == (False, True)
    assert names(stage, TaskState.AVAILABLE) == {"build.md"}


def test_a_read_only_task_needs_no_fence_to_be_freed(stage: Stage):
    stage.publish("look", read_only=True)
    stage.claim("look")

    moved = stage.recovery("look", read_only=True).heal(stage.store.listing(), ())

    assert moved
    assert stage.repo.refs.read(REFS.claim("look")) is None


# the sweep


@pytest.mark.parametrize("state", [TaskState.AVAILABLE, TaskState.FAILED])
def test_a_merged_task_in_the_wrong_place_rolls_forward(stage: Stage, state):
    claim = stage.merge("build")
    if state is TaskState.FAILED:
        stage.store.fail(claim, counted=True, then=())
    else:
        stage.store.give_back(claim, counted=False, then=())

    moved = stage.heal("build")

    assert moved
    assert stage.state("build") == "done"


def test_a_task_to_be_done_again_is_not_swept_for_its_old_merge(stage: Stage):
    done = stage.store.complete(stage.merge("build"), ())
    stage.store.run_again(done, Task("build"), RUN, "print")

    assert not stage.heal("build")
    assert stage.state("build") == "available"
    claim = stage.claim("build")
    again = stage.queue.merge(stage.candidate(claim, {"2.txt": "2\n"}, generation=2))
    stage.store.give_back(claim, counted=False, then=())
    assert isinstance(again, Merged)
    assert stage.heal("build")
    assert stage.state("build") == "done"


def test_a_task_to_be_done_again_is_not_lost_to_its_old_file_after_a_crash(
    stage: Stage, monkeypatch
):
    done = stage.store.complete(stage.merge("build"), ())
    monkeypatch.setattr(stage.store, "discard", lambda *_: None)
    stage.store.run_again(done, Task("build"), RUN, "print")
    monkeypatch.undo()

    stage.heal("build")

    assert stage.state("build") == "available"
    assert stage.store.listing().doubles == {}
    entry = stage.store.listing().entries["build"]
    assert stage.store.generation(entry.state, entry.name) == 2


def test_a_failed_task_that_never_merged_stays_failed(stage: Stage):
    stage.store.fail(stage.claim("build"), counted=True, then=())

    assert not stage.heal("build")
    assert stage.state("build") == "failed"


def test_a_branch_changed_from_outside_stops_all_healing(stage: Stage, killed):
    killed("build:merge")
    git(
        stage.project,
        "update-ref",
        REFS.integration,
        commit_on(stage.project, stage.tip, {"x.txt": "x\n"}, "foreign"),
    )

    with pytest.raises(WaitsForPerson):
        stage.heal("build")

    assert stage.state("build") == "locked"


# several at once, and old looks


@pytest.mark.slow
def test_two_recoverers_at_once_move_each_task_once(stage: Stage, at_work, killed, project):
    merged, fenced = ("m1", "m2", "m3"), ("f1", "f2", "f3")
    tasks = (*merged, *fenced)
    killed(*(f"{task}:merge" for task in merged), *(f"{task}:fence" for task in fenced))
    healers = [at_work("heal", *tasks, owner=f"host-{n}-0000000{n}") for n in (1, 2)]

    for child in healers:
        assert child.stdout.readline() == "ready\n"
    for child in healers:
        child.stdin.write("go\n")
        child.stdin.flush()
    for child in healers:
        child.communicate(timeout=120)

    assert recovered(stage) == dict.fromkeys(tasks, 1)
    assert {stage.state(task) for task in merged} == {"done"}
    assert {stage.state(task) for task in fenced} == {"available"}
    assert merges_of(project, REFS.integration) == dict.fromkeys(merged, 1)


def test_an_agent_whose_task_is_taken_by_force_ends_after_the_move_and_stands_still_before(
    stage: Stage, at_work, monkeypatch
):
    child = at_work("work", "build:claim", owner=DEAD)
    assert child.stdout.readline() == "ready\n"
    healer, entry = stage.recovery("build"), stage.store.listing().entries["build"]
    agent = subprocess.Popen(["sleep", "300"], env={"PO_CLAIM": entry.file, "PATH": os.defpath})
    wait_until(lambda: agent.pid in identity.marked("PO_CLAIM", entry.file))
    recover, seen = stage.store.recover, []

    def moved(name):
        seen.append((agent.poll(), identity.stopped(agent.pid)))
        return recover(name)

    monkeypatch.setattr(stage.store, "recover", moved)
    freed = healer.free(entry, "asked for")

    assert freed
    assert seen == [(None, True)]
    assert agent.wait(60) == -signal.SIGKILL
    assert stage.state("build") == "available"


def test_a_recoverer_with_an_old_look_does_not_disturb_the_next_owner(
    stage: Stage, killed, project
):
    killed("build:fence")
    late = Stage(project)
    healer, old = late.recovery("build"), late.store.listing()
    stage.heal("build")
    candidate = stage.candidate(stage.claim("build"))

    moved = healer.heal(old, ())

    assert not moved
    assert isinstance(stage.queue.merge(candidate), Merged)
    late.close()


def test_an_old_look_at_tasks_that_moved_on_moves_nothing(stage: Stage):
    claim = stage.merge("build")
    stage.store.give_back(claim, counted=False, then=())
    healer, old = stage.recovery("build"), stage.store.listing()
    stage.claim("build")

    assert not healer.heal(old, ())
    assert stage.state("build") == "locked"


def test_of_two_who_roll_a_dead_owners_task_forward_one_has_done_it(stage: Stage, project):
    dead = Stage(project, owner=DEAD)
    dead.merge("build")
    entry = stage.store.listing().entries["build"]

    won = [stage.store.roll_forward(entry) for _ in range(2)]

    assert won == [True, False]
    dead.close()


# doubles


def copies(stage: Stage, source: TaskState, target: TaskState, name: str) -> Listing:
    (file,) = stage.layout.state(source).iterdir()
    shutil.copy2(file, stage.layout.state(target) / name)
    return stage.store.listing()


def test_of_two_files_of_a_done_task_done_counts(stage: Stage):
    stage.store.complete(stage.merge("build"), ())
    copies(stage, TaskState.DONE, TaskState.AVAILABLE, "build.a5f0.md")

    assert stage.heal("build")

    assert stage.state("build") == "done"
    assert stage.store.listing().doubles == {}


def test_of_two_files_the_lock_at_work_counts(stage: Stage, at_work):
    at_work("work", "build:claim").stdout.readline()
    listing = copies(stage, TaskState.LOCKED, TaskState.AVAILABLE, "build.a9f0.md")

    stage.recovery("build").heal(listing, ())

    assert stage.state("build") == "locked"
    assert names(stage, TaskState.AVAILABLE) == set()
    assert len(list(stage.layout.attic.iterdir())) == 1


def test_our_own_lock_at_work_counts_against_a_copy_of_it(stage: Stage):
    claim = stage.claim("build")
    listing = copies(stage, TaskState.LOCKED, TaskState.AVAILABLE, "build.a9f0.md")

    stage.recovery("build").heal(listing, {"build"})

    assert stage.store.holds(claim)
    assert names(stage, TaskState.AVAILABLE) == set()


def test_a_merged_task_in_two_places_and_not_in_done_ends_there(stage: Stage):
    claim = stage.merge("build")
    stage.store.fail(claim, counted=True, then=())
    copies(stage, TaskState.FAILED, TaskState.AVAILABLE, "build.a1f0.md")

    for _ in range(3):
        stage.heal("build")

    assert stage.state("build") == "done"
    assert stage.store.listing().doubles == {}
