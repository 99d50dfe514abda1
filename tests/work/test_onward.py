"""Where an attempt goes on after the one before it, and what its files are then."""

import os
from dataclasses import replace
from pathlib import Path

import pytest

from parallel_orchestra.git import Repo
from parallel_orchestra.isolation import InPlace, Label, Pool
from parallel_orchestra.model import Plan, Task, Usage
from parallel_orchestra.retry import Way
from parallel_orchestra.store import AttemptResult, Layout
from parallel_orchestra.store.feedback import write_feedback
from parallel_orchestra.store.records import write_candidate, write_result
from parallel_orchestra.worker.borders import Barred
from parallel_orchestra.worker.onward import (
    NOTHING,
    Onward,
    due,
    stand,
    used_before,
    without_session,
)
from support.repository import commit_files, git, make_repository

OWNER = "host-1-00000001"
REF = f"refs/orchestra/run1/salvage/build/1.{OWNER}"
TASK = Task(id="build")
SESSION = "0588a84e-19aa-4212-9e2d-d205f4c96896"
NOTED = AttemptResult(
    task="build", attempt=1, owner=OWNER, started=1.0, seconds=2.0, failure="verify",
    session=SESSION, directory="/pool/wt-1", base="a" * 40, definition="d1",
)  # fmt: skip


def plan(version="0.2", task=TASK):
    return Plan(version, "shop", Path("/p/plan.md"), Path("/p"), (task,))


@pytest.fixture
def layout(tmp_path):
    made = Layout(tmp_path / "_tasks")
    made.create()
    return made


def noted(layout, result):
    directory = layout.attempt(result.task, result.attempt, result.owner)
    directory.mkdir(parents=True)
    write_result(directory, result)


@pytest.mark.parametrize(
    ("facts", "way"),
    [
        pytest.param({}, Way.SESSION, id="verify"),
        pytest.param({"failure": "timeout"}, Way.TREE, id="timeout"),
        pytest.param({"failure": "environment"}, Way.FRESH, id="environment"),
        pytest.param({"failure": ""}, Way.FRESH, id="a success that is to be done again"),
        pytest.param({"session": ""}, Way.TREE, id="no session told"),
        pytest.param({"session": "--dangerously"}, Way.TREE, id="an option for a session"),
        pytest.param({"session": "a b"}, Way.TREE, id="words for a session"),
        pytest.param({"base": ""}, Way.FRESH, id="built upon nobody knows what"),
        pytest.param({"base": "HEAD\nHEAD"}, Way.FRESH, id="a base that is none"),
        pytest.param({"ref": "refs/heads/main"}, Way.FRESH, id="a ref that is not ours"),
        pytest.param({"definition": "d0"}, Way.FRESH, id="the task was changed since"),
        pytest.param({"attempt": 2}, Way.FRESH, id="of another attempt"),
    ],
)
def test_the_last_attempts_record_says_how_the_next_one_goes_on(layout, facts, way):
    noted(layout, replace(NOTED, **facts))

    assert due(layout, plan(), TASK, 2, "d1").way is way


def test_who_was_never_told_of_a_failure_and_who_has_no_memory_begin_anew(layout):
    noted(layout, NOTED)
    program = replace(TASK, backend="command")

    assert due(layout, plan("0.1"), TASK, 2, "d1") == NOTHING
    assert due(layout, plan(task=program), program, 2, "d1") == NOTHING
    assert due(layout, plan(), TASK, 1, "d1") == NOTHING


def test_what_attempts_of_a_session_used_is_added_up(layout):
    for attempt, session in ((1, SESSION), (2, SESSION), (3, "another-session")):
        noted(layout, replace(NOTED, attempt=attempt, session=session, cost_usd=0.5, turns=2))

    assert used_before(layout, "build", SESSION) == Usage(cost_usd=1.0, turns=4)


@pytest.fixture
def project(tmp_path):
    return make_repository(tmp_path / "project", {"a.txt": "one\n", "b.txt": "two\n"})


@pytest.fixture
def repo(project):
    one = Repo.discover(project, os.environ)
    yield one
    one.close()


@pytest.fixture
def place(repo, project, tmp_path):
    pool = Pool(repo, tmp_path / "pool", project, OWNER)
    pool.collect()
    yield pool.slot()
    pool.close(remove=True)


def opened(place, repo):
    label = Label("run1", "build", 1, OWNER, REF)
    return place.open(repo.head().commit, label, carry_claude=False)


@pytest.fixture
def last(place, repo):
    """Returns the record of an attempt that has changed `a.txt` and removed `b.txt`."""
    workspace = opened(place, repo)
    (workspace.path / "a.txt").write_text("changed\n")
    (workspace.path / "b.txt").unlink()
    kept = place.keep(place.take(workspace), REF, "work\n")
    place.settled()
    return replace(NOTED, ref=kept, base=workspace.base, directory=str(workspace.path))


def names(workspace):
    return {path.name: path.read_text() for path in workspace.path.iterdir() if path.is_file()}


def test_the_same_worktree_gets_the_files_back_and_the_session_goes_on(place, repo, last):
    workspace = opened(place, repo)

    onward = stand(repo, place, workspace, due_after(last))

    assert (onward.way, onward.session, onward.moved) == (Way.SESSION, SESSION, False)
    assert {**names(workspace), ".git": ""} == {"a.txt": "changed\n", ".git": ""}
    assert git(workspace.path, "rev-parse", "HEAD").strip() == workspace.base


def test_what_was_not_the_tasks_to_change_is_as_it_was_even_if_others_changed_it_since(
    place, repo, project, last
):
    commit_files(project, {"b.txt": "three\n"})
    workspace = opened(place, repo)
    asked = []

    def barred(base, tree):
        asked.append((base, repo.objects.changed(base, tree)[0].path))
        return Barred(("b.txt",), ("c.txt (`f`)",))

    breach = replace(last, failure="boundary")
    onward = stand(repo, place, workspace, due_after(breach), barred)
    verify = stand(repo, place, opened(place, repo), due_after(last), barred)

    assert (onward.way, onward.put_back, onward.moved) == (Way.SESSION, ("b.txt",), True)
    assert onward.to_put_back == ("c.txt (`f`)",)
    assert asked == [(last.base, "a.txt")]
    assert verify.refused == ("b.txt",)
    assert workspace.path.joinpath("a.txt").exists()


def test_another_worktree_gets_the_files_but_not_the_session(place, repo, last):
    workspace = opened(place, repo)

    onward = stand(repo, place, workspace, due_after(replace(last, directory="/pool/wt-9")))

    assert (onward.way, onward.session, onward.why) == (Way.TREE, "", "")
    assert names(workspace)["a.txt"] == "changed\n"


def test_what_was_merged_meanwhile_is_there_too(place, repo, last, project):
    commit_files(project, {"c.txt": "three\n"})
    workspace = opened(place, repo)

    onward = stand(repo, place, workspace, due_after(last))

    assert (onward.way, onward.moved) == (Way.SESSION, True)
    found = names(workspace)
    assert (found["a.txt"], found["c.txt"], "b.txt" in found) == ("changed\n", "three\n", False)
    assert place.take(workspace).changed


def test_work_that_contradicts_what_was_merged_is_left_out_and_told(place, repo, last, project):
    commit_files(project, {"a.txt": "another\n"})
    workspace = opened(place, repo)

    onward = stand(repo, place, workspace, due_after(last))

    assert (onward.way, onward.session, onward.refused) == (Way.FRESH, "", ("a.txt",))
    assert names(workspace)["a.txt"] == "another\n"
    assert not place.take(workspace).changed


def test_work_that_somebody_cleaned_away_is_told_of(place, repo, last):
    git(repo.top, "update-ref", "-d", REF)
    workspace = opened(place, repo)

    onward = stand(repo, place, workspace, due_after(last))

    assert (onward.way, onward.why) == (Way.FRESH, "its work can't be put into this worktree")


def test_a_branch_that_began_anew_is_no_ground_for_old_work(place, repo, last, project):
    git(project, "checkout", "--quiet", "--orphan", "anew")
    commit_files(project, {"d.txt": "four\n"})
    workspace = opened(place, repo)

    onward = stand(repo, place, workspace, due_after(last))

    assert onward.way is Way.FRESH
    assert not place.take(workspace).changed


def test_an_attempt_that_changed_nothing_goes_on_in_its_session_only_there(place, repo, last):
    workspace = opened(place, repo)
    nothing = replace(last, ref="", failure="no_changes")

    here = stand(repo, place, workspace, due_after(nothing))
    elsewhere = stand(repo, place, workspace, due_after(replace(nothing, directory="/pool/wt-9")))

    assert (here.way, elsewhere.way) == (Way.SESSION, Way.FRESH)


def test_who_only_looks_goes_on_in_the_project_itself(repo, project, last):
    place = InPlace(project)
    workspace = opened(place, repo)
    looked = replace(last, ref="", directory=str(project))

    assert stand(repo, place, workspace, due_after(looked)).session == SESSION


def test_without_its_session_it_keeps_the_files(place, repo, last):
    workspace = opened(place, repo)
    onward = stand(repo, place, workspace, due_after(last))

    lost = without_session(onward)

    assert (lost.way, lost.session) == (Way.TREE, "")
    assert lost.why == f"its agent has no session {SESSION} any more"


def due_after(last):
    return Onward(Way.SESSION, last)


UNJUDGED = replace(NOTED, failure="environment", qa="unheard", ref=REF)


@pytest.mark.parametrize(
    ("facts", "way"),
    [
        pytest.param({}, Way.JUDGE, id="unheard"),
        pytest.param({"failure": "qa_blocked", "qa": "blocked"}, Way.JUDGE, id="blocked"),
        pytest.param({"failure": "qa_rejected", "qa": "rejected"}, Way.SESSION, id="rejected"),
        pytest.param({"failure": "verify", "qa": "approved"}, Way.SESSION, id="approved in vain"),
        pytest.param({"definition": "d0"}, Way.FRESH, id="another task by now"),
        pytest.param({"ref": ""}, Way.FRESH, id="nothing is kept"),
        pytest.param({"ref": "--upload-pack=x"}, Way.FRESH, id="no ref of ours"),
    ],
)
def test_work_that_was_only_not_judged_is_not_done_again(layout, facts, way):
    noted(layout, replace(UNJUDGED, **facts))

    assert due(layout, plan(), TASK, 2, "d1").way is way


def test_a_program_too_need_not_do_again_what_was_only_not_judged(layout):
    noted(layout, UNJUDGED)
    task = replace(TASK, backend="command", command="x")

    assert due(layout, plan(task=task), task, 2, "d1").way is Way.JUDGE


def test_what_a_person_says_since_is_for_the_agent_and_not_for_its_judge(layout):
    noted(layout, replace(UNJUDGED, failure="qa_blocked", qa="blocked"))
    write_feedback(layout, "build", 1, "mend it")

    assert due(layout, plan(), TASK, 2, "d1").way is Way.SESSION


def test_the_note_of_an_attempt_that_died_while_it_was_judged_counts_as_its_end(layout):
    directory = layout.attempt("build", 1, OWNER)
    directory.mkdir(parents=True)
    write_candidate(directory, UNJUDGED)

    assert due(layout, plan(), TASK, 2, "d1") == Onward(Way.JUDGE, UNJUDGED)
    assert due(layout, plan(), TASK, 3, "d1") == NOTHING
