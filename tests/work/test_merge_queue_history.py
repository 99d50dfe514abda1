"""What the integration branch says of merged tasks, and what nobody else may do to it."""

import pytest

from parallel_orchestra.errors import WaitsForPerson
from parallel_orchestra.git import Objects
from parallel_orchestra.merge_queue import RunRefs
from parallel_orchestra.merge_queue.history import History, merges_in
from support.merging import REFS, RUN, Stage, commit_on
from support.repository import git, make_repository


@pytest.fixture
def project(tmp_path):
    return make_repository(tmp_path / "project", {"a.txt": "a\n"})


@pytest.fixture
def stage(project):
    one = Stage(project)
    yield one
    one.close()


def moved_to(stage: Stage, commit: str) -> None:
    git(stage.project, "update-ref", REFS.integration, commit)


def test_a_process_that_comes_later_knows_all_merges(stage: Stage, project):
    for task in ("one", "two", "three"):
        stage.merge(task)
    late = Stage(project)

    late.queue.tip()

    assert late.queue.merged_tasks() == {"one", "two", "three"}
    assert late.queue.merge_of("three").commit == stage.tip
    late.close()


def test_only_what_is_new_is_read(stage: Stage, project, monkeypatch):
    stage.merge("one")
    asked = []
    first_parents = Objects.first_parents

    def counted(self, tip, stop=None):
        found = first_parents(self, tip, stop)
        asked.append(len(found))
        return found

    monkeypatch.setattr(Objects, "first_parents", counted)
    history = History(stage.repo.objects, RUN, stage.base, REFS.branch)
    history.look(stage.tip)
    history.look(stage.tip)
    stage.merge("two")
    asked.clear()

    history.look(stage.tip)

    assert asked == [1]
    assert history.tasks == {"one", "two"}


def test_merges_of_another_run_on_the_same_branch_do_not_count(stage: Stage):
    stage.merge("build")
    history = History(stage.repo.objects, "another", stage.base, REFS.branch)

    history.look(stage.tip)

    assert history.tasks == frozenset()


def test_the_newest_merge_of_a_task_is_the_one_that_counts(stage: Stage):
    claim = stage.merge("build")
    stage.queue.merge(stage.candidate(claim, {"2.txt": "2\n"}, generation=2))

    merges = merges_in(stage.repo.objects, RUN, stage.base, stage.tip)

    assert merges == {"build": stage.tip}


def test_a_commit_that_no_worker_wrote_waits_for_a_person(stage: Stage):
    stage.merge("build")
    good = stage.tip
    foreign = commit_on(stage.project, good, {"x.txt": "x\n"}, "a user's commit")
    moved_to(stage, foreign)

    with pytest.raises(WaitsForPerson) as told:
        stage.queue.merge(stage.candidate(stage.claim("next")))

    (problem,) = told.value.problems
    assert "a commit that no worker wrote" in problem.what
    assert problem.where == foreign
    assert f"git update-ref {REFS.integration} {good}" in problem.hint
    assert stage.tip == foreign


def test_the_remedy_that_is_shown_works(stage: Stage):
    stage.merge("build")
    good = stage.tip
    moved_to(stage, commit_on(stage.project, good, {"x.txt": "x\n"}))
    with pytest.raises(WaitsForPerson) as told:
        stage.queue.tip()

    command = told.value.problems[0].hint.split("`")[3]
    git(stage.project, *command.split()[1:])

    assert stage.queue.tip() == good


@pytest.mark.parametrize("to", ["an older merge", "the base", "another history"])
def test_a_branch_that_was_moved_aside_waits_for_a_person(stage: Stage, to):
    stage.merge("one")
    older = stage.tip
    stage.merge("two")
    elsewhere = commit_on(stage.project, stage.base, {"x.txt": "x\n"})
    moved_to(
        stage, {"an older merge": older, "the base": stage.base, "another history": elsewhere}[to]
    )

    with pytest.raises(WaitsForPerson, match="does not continue it"):
        stage.queue.tip()


def test_a_branch_that_was_deleted_waits_for_a_person(stage: Stage):
    stage.merge("one")
    good = stage.tip
    git(stage.project, "update-ref", "-d", REFS.integration)

    with pytest.raises(WaitsForPerson) as told:
        stage.queue.tip()

    assert "was deleted" in told.value.problems[0].what
    assert good in told.value.problems[0].hint


def test_a_fast_forward_to_an_agents_commits_is_no_merge(stage: Stage):
    """An agent that moves the branch to its own commit, which names a task."""
    forged = commit_on(
        stage.project,
        commit_on(stage.project, stage.base, {"x.txt": "x\n"}),
        {"y.txt": "y\n"},
        f"work\n\nOrchestra-Task: {RUN}/other\n",
    )
    moved_to(stage, forged)

    with pytest.raises(WaitsForPerson):
        stage.queue.tip()


def test_the_refs_of_a_run_lie_where_the_reference_says():
    refs = RunRefs("r7", "refs/heads/orchestra/my-plan")

    assert refs.branch == "orchestra/my-plan"
    assert refs.claim("t") == "refs/orchestra/r7/claim/t"
    assert refs.merged("t") == "refs/orchestra/r7/merged/t"
    assert refs.salvage("t", 2, "o") == "refs/orchestra/r7/salvage/t/2.o"
    assert refs.kept("t", 2) == "refs/heads/orchestra-kept/my-plan/t-2"
