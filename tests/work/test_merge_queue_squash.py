"""With `squash` a task is one commit on the branch; exactly once, as with merges."""

from dataclasses import replace

import pytest

from parallel_orchestra.merge_queue import Merged, TakeBack, Undone, take_back
from parallel_orchestra.model import Strategy
from support.merging import REFS, RUN, Stage, commit_on, together
from support.repository import files_at, fsck_clean, git, make_repository, merges_of, names_at

BASE = {"a.txt": "a\n"}


@pytest.fixture
def project(tmp_path):
    return make_repository(tmp_path / "project", BASE)


@pytest.fixture
def stage(project):
    one = Stage(project, strategy=Strategy.SQUASH)
    yield one
    one.close()
    assert fsck_clean(project)


def worked(stage, project, task):
    """Returns a candidate with two commits of its agent's."""
    candidate = stage.candidate(stage.claim(task), {"draft.txt": "d\n"}, message="draft")
    last = commit_on(project, candidate.commit, {f"{task}.txt": f"{task}\n"}, "final")
    return replace(candidate, commit=last, title="Build it")


def test_a_task_is_one_commit_on_the_tip_with_the_trailers(stage, project):
    candidate = worked(stage, project, "build")

    merged = stage.queue.merge(candidate)

    assert isinstance(merged, Merged)
    assert git(project, "log", "--format=%P", "-1", stage.tip).split() == [stage.base]
    assert git(project, "log", "--format=%s", stage.tip).splitlines()[0] == "Task `build`: Build it"
    assert names_at(project, REFS.integration) == {*BASE, "draft.txt", "build.txt"}
    assert merges_of(project, REFS.integration) == {"build": 1}


def test_the_agents_own_commits_stay_under_a_ref(stage, project):
    candidate = worked(stage, project, "build")

    stage.queue.merge(candidate)

    kept = git(project, "rev-parse", f"refs/orchestra/{RUN}/original/build/1").strip()
    assert kept == candidate.commit


def test_the_same_work_is_not_merged_again_by_another_process(stage, project):
    candidate = worked(stage, project, "build")
    first = stage.queue.merge(candidate)

    late = Stage(project, strategy=Strategy.SQUASH)
    late.queue.tip()
    second = late.queue.merge(candidate)
    late.close()

    assert second == Merged(first.commit, already=True)
    assert merges_of(project, REFS.integration) == {"build": 1}


def test_work_on_an_older_state_keeps_what_came_in_between(stage, project):
    other = worked(stage, project, "one")
    stage.queue.merge(stage.candidate(stage.claim("two"), {"a.txt": "b\n"}))

    stage.queue.merge(other)

    assert files_at(project, REFS.integration)["a.txt"] == "b\n"
    assert len(git(project, "rev-list", f"{stage.base}..{stage.tip}").split()) == 2


def test_those_that_are_checked_together_are_each_a_commit_below_that_of_the_batch(project):
    stage = Stage(project, lambda commit, log: None, strategy=Strategy.SQUASH)
    candidates = [stage.candidate(stage.claim(task)) for task in "xy"]

    first, second = (one.commit for one in together(stage.queue, candidates))

    parents = git(project, "log", "-1", "--format=%P", stage.tip).split()
    assert parents == [stage.base, second]
    assert git(project, "log", "--format=%P", "-1", second).split() == [first]
    assert merges_of(project, REFS.integration) == {"x": 1, "y": 1}
    stage.close()


def test_a_squashed_task_is_undone_and_the_others_stay(stage, project):
    claim = stage.claim("build")
    candidate = stage.candidate(claim)
    stage.queue.merge(candidate)
    stage.queue.merge(stage.candidate(stage.claim("other")))
    done = stage.store.complete(claim, ())
    wanted = TakeBack(done, stage.queue.merge_of("build"), "", "", candidate.log)

    outcome = take_back(stage.store, stage.queue, wanted, None)

    assert outcome == Undone(stage.tip)
    assert names_at(project, stage.tip) == {*BASE, "other.txt"}
