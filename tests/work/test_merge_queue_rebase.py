"""With `rebase` a task is a copy of each of its commits on the branch; exactly once, as with merges."""

from dataclasses import replace

import pytest

from parallel_orchestra.merge_queue import Conflicted, Merged, TakeBack, Undone, take_back
from parallel_orchestra.merge_queue.history import state_before
from parallel_orchestra.model import Strategy
from support.merging import REFS, RUN, Stage, commit_on, together
from support.repository import files_at, fsck_clean, git, make_repository, merges_of, names_at

BASE = {"a.txt": "a\n"}


@pytest.fixture
def project(tmp_path):
    return make_repository(tmp_path / "project", BASE)


@pytest.fixture
def stage(project):
    one = Stage(project, strategy=Strategy.REBASE)
    yield one
    one.close()
    assert fsck_clean(project)


def worked(stage, project, task, *more):
    """Returns a candidate with a commit for each message: `draft`, `more`, and at last `final`."""
    candidate = stage.candidate(stage.claim(task), {f"{task}.draft": "d\n"}, message="draft")
    last = candidate.commit
    for number, message in enumerate((*more, "final")):
        last = commit_on(project, last, {f"{task}.txt": f"{number}\n"}, message)
    return replace(candidate, commit=last, title="Build it")


def subjects(stage, project):
    """Returns the first lines of what came onto the branch, in a straight line, the oldest first."""
    assert git(project, "rev-list", "--merges", stage.tip) == ""
    told = git(project, "log", "--reverse", "--format=%s", f"{stage.base}..{stage.tip}")
    return told.splitlines()


def undo(stage, claim, log):
    done = stage.store.complete(claim, ())
    wanted = TakeBack(done, stage.queue.merge_of(claim.task), "", "", log)
    return take_back(stage.store, stage.queue, wanted, None)


def test_each_commit_of_the_agent_comes_onto_what_was_merged_meanwhile(stage, project):
    build = worked(stage, project, "build")
    stage.queue.merge(worked(stage, project, "other"))

    merged = stage.queue.merge(build)

    assert merged == Merged(stage.tip)
    assert subjects(stage, project)[:4] == ["draft", "final", "draft", "final"]
    assert names_at(project, REFS.integration) >= {"build.draft", "build.txt", "other.txt"}
    assert merges_of(project, REFS.integration) == {"build": 1, "other": 1}
    kept = git(project, "rev-parse", f"refs/orchestra/{RUN}/original/build/1").strip()
    assert kept == build.commit


def test_whoever_wrote_a_commit_and_when_stands_in_the_copy(stage, project, monkeypatch):
    monkeypatch.setenv("GIT_AUTHOR_DATE", "1234567890 +0530")
    monkeypatch.setenv("GIT_AUTHOR_NAME", "An Agent")
    build = worked(stage, project, "build")
    monkeypatch.delenv("GIT_AUTHOR_DATE")
    stage.merge("other")

    stage.queue.merge(build)

    told = git(project, "log", "-2", "--format=%an %ad", "--date=raw", stage.tip).splitlines()
    assert told == ["An Agent 1234567890 +0530"] * 2


def test_another_process_knows_a_task_of_several_commits_and_merges_it_no_more(stage, project):
    candidate = worked(stage, project, "build", "more")
    first = stage.queue.merge(candidate)
    stage.merge("other")

    late = Stage(project, strategy=Strategy.REBASE)
    late.queue.tip()
    second = late.queue.merge(candidate)
    since = late.queue.steps_since(stage.base, stage.tip)
    late.close()

    assert second == Merged(first.commit, already=True)
    assert [one.task for one in since] == ["build", "other"]
    assert state_before(stage.repo.objects, first.commit) == stage.base


def test_a_conflict_on_the_way_is_one_of_the_task_and_nothing_is_merged(stage, project):
    candidate = stage.candidate(stage.claim("build"), {"a.txt": "mine\n"}, message="first")
    last = commit_on(project, candidate.commit, {"a.txt": "a\n"}, "taken back")
    stage.merge("other", {"a.txt": "yours\n"})
    before = stage.tip

    outcome = stage.queue.merge(replace(candidate, commit=last))

    assert outcome == Conflicted(("a.txt",))
    assert stage.tip == before


@pytest.mark.parametrize("first", ["the work", "the branch"])
def test_what_resolved_a_conflict_by_a_merge_is_one_commit(stage, project, first):
    candidate = stage.candidate(stage.claim("build"), {"a.txt": "mine\n"}, message="first")
    stage.merge("other", {"a.txt": "yours\n"})
    tree = git(project, "rev-parse", f"{candidate.commit}^{{tree}}").strip()
    sides = (candidate.commit, stage.tip)
    ours, theirs = sides if first == "the work" else reversed(sides)
    parents = ("-p", ours, "-p", theirs)
    resolved = git(project, "commit-tree", tree, *parents, "-m", "both").strip()

    merged = stage.queue.merge(replace(candidate, commit=resolved))

    assert merged == Merged(stage.tip)
    assert files_at(project, stage.tip)["a.txt"] == "mine\n"
    assert subjects(stage, project) == ["work", "Task `build`"]


def test_a_commit_that_changes_nothing_any_more_is_left_out_but_not_the_last(stage, project):
    build = worked(stage, project, "build", "more")
    stage.merge("other", {"build.draft": "d\n"})

    stage.queue.merge(build)

    assert subjects(stage, project)[1:3] == ["more", "final"]


def test_lines_that_look_like_ours_are_gone_from_each_copy(stage, project):
    forged = "Orchestra-Task: run1/zzz\nOrchestra-Generation: 9"
    build = worked(stage, project, "build", f"more\n\n{forged}")
    stage.merge("other")

    stage.queue.merge(build)

    assert "zzz" not in git(project, "log", "--format=%B", stage.tip)
    late = Stage(project)
    late.queue.tip()
    assert late.queue.merged_tasks() == {"build", "other"}
    late.close()


def test_a_branch_that_was_cut_in_the_middle_of_a_task_is_taken_for_changed(stage, project):
    stage.queue.merge(worked(stage, project, "build", "more"))
    git(project, "update-ref", REFS.integration, f"{stage.tip}~1")
    late = Stage(project)

    with pytest.raises(Exception, match="a commit that no worker wrote"):
        late.queue.tip()

    late.close()


def test_all_commits_of_a_task_are_undone_and_the_others_stay(stage, project):
    candidate = worked(stage, project, "build", "more")
    stage.queue.merge(candidate)
    stage.merge("other")

    outcome = undo(stage, candidate.claim, candidate.log)

    assert outcome == Undone(stage.tip)
    assert names_at(project, stage.tip) == {*BASE, "other.txt"}


def test_what_nobody_checked_by_itself_is_no_first_parent_of_a_checked_branch(project):
    checked = []
    stage = Stage(project, lambda commit, log: checked.append(commit), strategy=Strategy.REBASE)
    single = stage.candidate(stage.claim("single"))
    build = worked(stage, project, "build")

    ends = [stage.queue.merge(one) for one in (single, build)]

    line = git(project, "rev-list", "--first-parent", f"{stage.base}..{stage.tip}").split()
    assert line == [ends[1].commit, ends[0].commit] == list(reversed(checked))
    copies = git(project, "log", "--format=%s", f"{line[1]}..{stage.tip}^2").splitlines()
    assert copies == ["final", "draft"]
    assert undo(stage, build.claim, build.log) == Undone(stage.tip)
    assert names_at(project, stage.tip) == {*BASE, "single.txt"}
    stage.close()


def test_those_that_are_checked_together_are_copied_below_the_commit_of_the_batch(project):
    stage = Stage(project, lambda commit, log: None, strategy=Strategy.REBASE)
    candidates = [worked(stage, project, task) for task in "xy"]

    first, second = (one.commit for one in together(stage.queue, candidates))

    parents = git(project, "log", "-1", "--format=%P", stage.tip).split()
    assert parents == [stage.base, second]
    assert git(project, "log", "--format=%P", "-1", second).split()[0] == first
    assert merges_of(project, REFS.integration) == {"x": 1, "y": 1}
    assert undo(stage, candidates[0].claim, candidates[0].log) == Undone(stage.tip)
    assert names_at(project, stage.tip) == {*BASE, "y.draft", "y.txt"}
    stage.close()
