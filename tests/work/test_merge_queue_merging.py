"""A task's work enters the integration branch once or not at all."""

import subprocess
import threading
from dataclasses import replace

import pytest

from parallel_orchestra.errors import GitError
from parallel_orchestra.merge_queue import Candidate, Conflicted, Merged, Rejected
from parallel_orchestra.merge_queue.trailers import sealed
from parallel_orchestra.store import LostClaim
from support.effort import by_effort
from support.merging import REFS, RUN, Stage, commit_on, other_process
from support.repository import (
    files_at,
    fsck_clean,
    git,
    make_repository,
    merges_of,
    names_at,
)

BASE = {"a.txt": "one\ntwo\nthree\n", "b.txt": "b\n"}


@pytest.fixture
def project(tmp_path):
    return make_repository(tmp_path / "project", BASE)


@pytest.fixture
def stage(project):
    one = Stage(project)
    yield one
    one.close()


# one task


def test_a_merge_is_one_commit_that_names_its_task(stage: Stage, project):
    claim = stage.claim("build")
    candidate = stage.candidate(claim, {"new.txt": "n\n"}, message="written by the agent")

    outcome = stage.queue.merge(candidate)

    assert outcome == Merged(stage.tip)
    parents = git(project, "log", "-1", "--format=%P", REFS.integration).split()
    assert parents == [stage.base, candidate.commit]
    assert merges_of(project, REFS.integration) == {"build": 1}
    assert names_at(project, REFS.integration) == {*BASE, "new.txt"}
    lines = git(project, "log", "-1", "--format=%(trailers)", REFS.integration).splitlines()
    assert lines[:4] == [
        f"Orchestra-Task: {RUN}/build",
        "Orchestra-Generation: 1",
        "Orchestra-Attempt: 1",
        f"Orchestra-Worker: {stage.owner}",
    ]


def test_the_users_checkout_is_not_touched_by_a_merge(stage: Stage, project):
    stage.merge("build")

    assert git(project, "status", "--porcelain") == ""
    assert git(project, "rev-parse", "main").strip() == stage.base


def test_merging_twice_merges_once(stage: Stage, project):
    candidate = stage.candidate(stage.claim("build"))

    first, second = stage.queue.merge(candidate), stage.queue.merge(candidate)

    assert isinstance(first, Merged)
    assert second == Merged(first.commit, already=True)
    assert merges_of(project, REFS.integration) == {"build": 1}


def test_a_later_attempt_of_a_merged_task_merges_nothing(stage: Stage, project):
    claim = stage.merge("build")
    stage.store.give_back(claim, counted=False, then=())
    again = stage.claim("build")

    outcome = stage.queue.merge(stage.candidate(again, {"other.txt": "o\n"}))

    assert isinstance(outcome, Merged)
    assert outcome.already
    assert "other.txt" not in names_at(project, REFS.integration)


def test_the_next_generation_merges_again(stage: Stage, project):
    claim = stage.merge("build")
    again = stage.candidate(claim, {"second.txt": "2\n"}, generation=2)

    outcome = stage.queue.merge(again)

    assert outcome == Merged(stage.tip)
    assert merges_of(project, REFS.integration) == {"build": 2}
    assert stage.queue.merge_of("build").generation == 2


def test_an_undone_task_can_be_merged_again(stage: Stage, project):
    claim = stage.merge("build")
    tree = git(project, "rev-parse", f"{stage.base}^{{tree}}").strip()
    words = sealed(f"Undo\n\nOrchestra-Undo: {RUN}/build\n", tree, (stage.tip,))
    undo = stage.repo.objects.commit(tree, (stage.tip,), words)
    git(project, "update-ref", REFS.integration, undo)

    outcome = stage.queue.merge(stage.candidate(claim))

    assert isinstance(outcome, Merged)
    assert not outcome.already
    assert "build.txt" in names_at(project, REFS.integration)


def test_a_moved_base_is_merged_with_what_came_meanwhile(stage: Stage, project):
    early = stage.candidate(stage.claim("early"), {"a.txt": "ONE\ntwo\nthree\n"})
    late = stage.candidate(stage.claim("late"), {"b.txt": "B\n"})

    outcomes = [stage.queue.merge(late), stage.queue.merge(early)]

    assert all(isinstance(one, Merged) for one in outcomes)
    assert files_at(project, REFS.integration) == {"a.txt": "ONE\ntwo\nthree\n", "b.txt": "B\n"}


def test_a_conflict_names_all_its_files_and_changes_nothing(stage: Stage):
    mine = stage.candidate(stage.claim("mine"), {"a.txt": "mine\n", "b.txt": "m\n", "m.txt": "m"})
    stage.merge("yours", {"a.txt": "yours\n", "b.txt": "y\n"})
    before = stage.tip

    outcome = stage.queue.merge(mine)

    assert isinstance(outcome, Conflicted)
    assert outcome.files == ("a.txt", "b.txt")
    assert stage.tip == before


def test_a_commit_that_does_not_exist_is_an_error_and_merges_nothing(stage: Stage):
    claim = stage.claim("build")
    token = stage.queue.fence(claim)
    log = stage.layout.root / "log"

    with pytest.raises(GitError):
        stage.queue.merge(Candidate(claim, "0" * 39 + "1", token, 1, "", "", log))

    assert stage.tip == stage.base


@pytest.mark.parametrize("task", ["verify", "merged", "-x", "HEAD", "a" * 64])
def test_any_task_id_makes_good_refs(stage: Stage, project, task):
    claim = stage.merge(task)
    stage.queue.remember(task, stage.tip)
    stage.queue.flush()

    assert git(project, "rev-parse", REFS.merged(task)).strip() == stage.tip
    assert stage.repo.refs.read(REFS.claim(task))
    assert claim.task == task


def test_a_merge_commits_title_can_not_pretend_to_be_a_trailer(stage: Stage, project):
    claim = stage.claim("build")
    made = stage.candidate(claim)
    title = f"x\n\nOrchestra-Task: {RUN}/other"
    candidate = Candidate(claim, made.commit, made.token, 1, "print", title, made.log)

    stage.queue.merge(candidate)

    assert merges_of(project, REFS.integration) == {"build": 1}
    assert stage.queue.merge_of("other") is None


def test_what_an_agent_writes_into_its_message_names_no_merged_task(stage: Stage, project):
    forged = f"work\n\nOrchestra-Task: {RUN}/other\nOrchestra-Generation: 9\n"

    stage.queue.merge(stage.candidate(stage.claim("build"), message=forged))
    stage.queue.tip()

    assert stage.queue.merged_tasks() == {"build"}
    assert isinstance(stage.queue.merge(stage.candidate(stage.claim("other"))), Merged)
    assert merges_of(project, REFS.integration) == {"build": 1, "other": 1}


# the fence


def test_a_claim_that_was_recovered_does_not_merge(stage: Stage):
    claim = stage.claim("build")
    candidate = stage.candidate(claim)
    stage.store.recover(claim.name)

    with pytest.raises(LostClaim):
        stage.queue.merge(candidate)

    assert stage.tip == stage.base


def test_a_zombie_whose_fence_moved_does_not_merge(stage: Stage):
    claim = stage.claim("build")
    candidate = stage.candidate(claim)
    # The moment in which the recoverer has moved the fence, and not the file yet.
    stage.queue.tombstone(claim.name)

    with pytest.raises(LostClaim):
        stage.queue.merge(candidate)

    assert stage.tip == stage.base


def test_a_zombie_does_not_merge_over_the_attempt_that_follows_it(stage: Stage, project):
    zombie = stage.candidate(stage.claim("build"), {"zombie.txt": "z\n"})
    stage.store.recover(zombie.claim.name)
    follower = stage.candidate(stage.claim("build"), {"follower.txt": "f\n"})

    with pytest.raises(LostClaim):
        stage.queue.merge(zombie)
    stage.queue.merge(follower)

    assert names_at(project, REFS.integration) == {*BASE, "follower.txt"}


def test_a_zombie_can_not_take_the_fence_back(stage: Stage):
    zombie = stage.claim("build")
    stage.store.recover(zombie.name)
    follower = stage.claim("build")
    token = stage.queue.fence(follower)

    with pytest.raises(LostClaim):
        stage.queue.fence(zombie)

    assert stage.repo.refs.read(REFS.claim("build")) == token


def test_a_late_recoverer_does_not_break_the_fence_of_the_next_claim(stage: Stage, project):
    dead = stage.claim("build")
    stage.queue.fence(dead)
    stage.store.recover(dead.name)
    candidate = stage.candidate(stage.claim("build"))

    with pytest.raises(LostClaim):
        stage.queue.tombstone(dead.name)

    assert isinstance(stage.queue.merge(candidate), Merged)


def test_a_tombstone_for_a_claim_without_a_fence_makes_none(stage: Stage):
    claim = stage.claim("build")

    stage.queue.tombstone(claim.name)

    assert stage.repo.refs.read(REFS.claim("build")) is None


# the plan's verify


def test_a_green_candidate_is_merged_after_its_check(project):
    seen = []

    def verify(commit, log):
        seen.append((commit, git(project, "rev-parse", REFS.integration).strip()))

    stage = Stage(project, verify)

    outcome = stage.queue.merge(stage.candidate(stage.claim("build")))

    assert seen == [(outcome.commit, stage.base)]
    assert stage.tip == outcome.commit
    stage.close()


@pytest.mark.parametrize("cancelled", [False, True], ids=["red", "cancelled"])
def test_what_verify_rejects_is_never_the_tip(project, cancelled):
    said = Rejected("2 tests failed", cancelled=cancelled)
    stage = Stage(project, lambda commit, log: said)

    outcome = stage.queue.merge(stage.candidate(stage.claim("build")))

    assert replace(outcome, blame="") == said
    assert stage.tip == stage.base
    assert merges_of(project, REFS.integration) == {}
    stage.close()


def test_a_candidate_is_checked_again_if_the_tip_moved_meanwhile(project):
    """Each alone is green, both together are red: the second must not become the tip."""
    other = Stage(project)
    checked, red = [], []

    def verify(commit, log):
        checked.append(commit)
        if len(checked) == 1:
            other.merge("other", {"other.txt": "o\n"})
        both = {"mine.txt", "other.txt"} <= names_at(project, commit)
        red.append(both)
        return Rejected("they contradict each other") if both else None

    stage = Stage(project, verify)

    outcome = stage.queue.merge(stage.candidate(stage.claim("mine")))

    assert isinstance(outcome, Rejected)
    assert outcome.blame == "alone it passes, together with `other` it fails"
    assert red == [False, True, False, True]
    assert names_at(project, REFS.integration) == {*BASE, "other.txt"}
    stage.close()
    other.close()


# many at once


def test_threads_merge_many_tasks_each_once(stage: Stage, project):
    tasks = [f"t{number}" for number in range(16)]
    candidates = [stage.candidate(stage.claim(task)) for task in tasks]
    outcomes = []

    def merge(some):
        outcomes.extend(stage.queue.merge(one) for one in some)

    threads = [threading.Thread(target=merge, args=(candidates[n::4],)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert all(isinstance(one, Merged) for one in outcomes)
    assert merges_of(project, REFS.integration) == dict.fromkeys(tasks, 1)


@pytest.mark.slow
@pytest.mark.storm
def test_two_processes_merge_many_tasks_each_once(stage: Stage, project):
    tasks = [f"t{number:02}" for number in range(by_effort(30, 100, 100))]
    stage.publish(*tasks)

    children = [other_process(project, f"host-{n}-0000000{n}", "drain") for n in (1, 2)]
    codes = []
    for child in children:
        try:
            child.communicate(timeout=300)
        except subprocess.TimeoutExpired:
            child.kill()
            child.communicate()
        codes.append(child.returncode)

    assert codes == [0, 0]
    assert merges_of(project, REFS.integration) == dict.fromkeys(tasks, 1)
    assert names_at(project, REFS.integration) == {*BASE, *(f"{task}.txt" for task in tasks)}
    entries = stage.store.listing().entries.values()
    assert {entry.state.value for entry in entries} == {"done"}
    assert len({entry.name.owner for entry in entries}) == 2
    assert fsck_clean(project)


# what is remembered


def test_merges_are_remembered_outside_of_the_branch(stage: Stage, project):
    stage.merge("build")
    merge = stage.tip
    stage.queue.remember("build", merge)
    stage.queue.flush()

    git(project, "update-ref", REFS.integration, stage.base)

    assert git(project, "rev-parse", REFS.merged("build")).strip() == merge


def test_a_newer_merge_replaces_the_remembered_one(stage: Stage):
    claim = stage.merge("build")
    stage.queue.remember("build", stage.tip)
    stage.queue.flush()
    stage.queue.merge(stage.candidate(claim, {"2.txt": "2\n"}, generation=2))
    stage.queue.remember("build", stage.tip)

    stage.queue.flush()

    assert stage.repo.refs.read(REFS.merged("build")) == stage.tip


# the user's branch, merged into the integration


def test_the_users_branch_is_merged_in_and_verified(project):
    seen = []
    stage = Stage(project, lambda commit, log: seen.append(names_at(project, commit)))
    stage.merge("build")
    theirs = commit_on(project, stage.base, {"theirs.txt": "t\n"})

    tip = stage.queue.merge_base_branch("main", theirs)

    assert tip == stage.tip
    assert seen[-1] == {*BASE, "build.txt", "theirs.txt"}
    assert stage.queue.merged_tasks() == {"build"}
    late = Stage(project)
    assert late.queue.tip() == tip
    late.close()
    stage.close()


def test_a_users_branch_that_fails_verify_is_not_merged_in(project):
    stage = Stage(
        project,
        lambda commit, log: Rejected("red") if "bad.txt" in names_at(project, commit) else None,
    )
    stage.merge("build")
    before = stage.tip

    outcome = stage.queue.merge_base_branch(
        "main", commit_on(project, stage.base, {"bad.txt": "b\n"})
    )

    assert outcome == Rejected("red")
    assert stage.tip == before
    stage.close()


@pytest.mark.parametrize(
    ("answers", "green"),
    [("red green green", True), ("red green red", False), ("red red", False)],
)
def test_of_a_users_branch_that_fails_by_chance_two_checks_of_three_decide(project, answers, green):
    left = answers.split()
    stage = Stage(project, lambda commit, log: Rejected("x") if left.pop(0) == "red" else None)
    before = stage.tip

    outcome = stage.queue.merge_base_branch("main", commit_on(project, stage.base, {"t.txt": "t"}))

    assert left == []
    assert outcome == (stage.tip if green else Rejected("x"))
    assert (stage.tip == before) is not green
    stage.close()
