"""Candidates that wait for the plan's `verify` are checked together, and published as one commit."""

import threading

import pytest

from parallel_orchestra.errors import EnvironmentProblem, Problem
from parallel_orchestra.merge_queue import Conflicted, Merged, Rejected, TakeBack, Undone, take_back
from parallel_orchestra.merge_queue.hearing import FLAKY
from parallel_orchestra.merge_queue.outcome import CANCELLED
from parallel_orchestra.store import LostClaim, steering
from support.merging import REFS, RUN, Stage, together
from support.repository import (
    files_at,
    fsck_clean,
    git,
    make_repository,
    merges_of,
    names_at,
)
from support.waiting import wait_until

BASE = {"a.txt": "a\n"}


class Judge:
    """Fails commits that have certain files, and remembers what was in each that it saw."""

    def __init__(self, project, *red):
        self.project = project
        self.red = [set(one) for one in red]
        self.seen = []

    def __call__(self, commit, log):
        names = names_at(self.project, commit)
        self.seen.append(frozenset(names - BASE.keys()))
        found = [sorted(one) for one in self.red if one <= names]
        return Rejected(f"together they fail: {found}") if found else None


@pytest.fixture
def project(tmp_path):
    return make_repository(tmp_path / "project", BASE)


@pytest.fixture
def staged(project):
    """Makes stages with a judge; all are closed at the end."""
    stages = []

    def make(*red, judge=None, **more):
        stage = Stage(project, judge or Judge(project, *red), **more)
        stages.append(stage)
        return stage

    yield make
    for stage in stages:
        stage.close()
    assert fsck_clean(project)


def candidates_of(stage, *tasks):
    return [stage.candidate(stage.claim(task)) for task in tasks]


def states_of(project):
    """Returns the files at each first parent of the branch, the oldest first."""
    line = git(project, "rev-list", "--first-parent", "--reverse", REFS.integration).split()
    return [names_at(project, commit) - BASE.keys() for commit in line[1:]]


def test_those_that_wait_are_one_check_and_one_commit(staged, project):
    stage = staged()

    ends = together(stage.queue, candidates_of(stage, "x", "y", "z"))

    assert all(isinstance(one, Merged) for one in ends)
    assert stage.verifier.judge.seen == [{"x.txt", "y.txt", "z.txt"}]
    assert states_of(project) == [{"x.txt", "y.txt", "z.txt"}]
    assert merges_of(project, REFS.integration) == {"x": 1, "y": 1, "z": 1}


def test_each_task_of_a_batch_keeps_its_own_merge_inside(staged, project):
    stage = staged()

    ends = together(stage.queue, candidates_of(stage, "x", "y"))

    first, second = (one.commit for one in ends)
    tip, parents = stage.tip, git(project, "log", "-1", "--format=%P", stage.tip).split()
    assert parents == [stage.base, second]
    assert git(project, "rev-parse", f"{first}^1", f"{second}^1").split() == [stage.base, first]
    assert git(project, "rev-parse", f"{tip}^{{tree}}") == git(
        project, "rev-parse", f"{second}^{{tree}}"
    )
    lines = git(project, "log", "-1", "--format=%(trailers)", tip).splitlines()
    assert lines[:5] == [
        f"Orchestra-Batch: {RUN}/2",
        f"Orchestra-Task: {RUN}/x",
        f"Orchestra-Task: {RUN}/y",
        f"Orchestra-Merge: {RUN}/x {first} 1 1",
        f"Orchestra-Merge: {RUN}/y {second} 1 1",
    ]


@pytest.mark.parametrize(
    ("tasks", "subject"),
    [
        ("vw", "Merge 2 tasks: `v`, `w`"),
        ("vwxy", "Merge 4 tasks: `v`, `w`, `x`, `y`"),
        ("vwxyz", "Merge 5 tasks: `v`, `w`, `x` and 2 more"),
    ],
)
def test_the_first_line_of_a_batch_names_its_tasks_or_the_first_of_many(
    staged, project, tasks, subject
):
    stage = staged()

    together(stage.queue, candidates_of(stage, *tasks))

    assert git(project, "log", "-1", "--format=%s", stage.tip).strip() == subject


def test_another_process_knows_the_merges_inside_a_batch(staged, project):
    stage = staged()
    ends = together(stage.queue, candidates_of(stage, "x", "y"))
    late = Stage(project)

    late.queue.tip()

    assert late.queue.merged_tasks() == stage.queue.merged_tasks() == {"x", "y"}
    assert [late.queue.merge_of(task).commit for task in ("x", "y")] == [one.commit for one in ends]
    late.close()


def test_who_was_merged_in_a_batch_is_not_merged_again(staged, project):
    stage = staged()
    candidates = candidates_of(stage, "x", "y")
    ends = together(stage.queue, candidates)

    again = together(stage.queue, candidates)

    assert again == [Merged(one.commit, already=True) for one in ends]
    assert merges_of(project, REFS.integration) == {"x": 1, "y": 1}


def test_one_task_of_a_batch_is_undone_and_the_others_stay(staged, project):
    stage = staged()
    candidates = candidates_of(stage, "x", "y", "z")
    together(stage.queue, candidates)
    done = stage.store.complete(candidates[1].claim, ())
    wanted = TakeBack(done, stage.queue.merge_of("y"), "", "", candidates[1].log)

    outcome = take_back(stage.store, stage.queue, wanted, stage.verifier)

    assert outcome == Undone(stage.tip)
    assert names_at(project, stage.tip) - BASE.keys() == {"x.txt", "z.txt"}
    stage.queue.tip()
    assert stage.queue.undone_tasks() == {"y"}
    assert stage.queue.merged_tasks() == {"x", "z"}


def test_what_came_after_a_merge_inside_a_batch_is_told_task_by_task(staged):
    stage = staged()
    ends = together(stage.queue, candidates_of(stage, "x", "y", "z"))

    steps = stage.queue.steps_since(ends[0].commit, stage.tip)

    assert [step.task for step in steps] == ["y", "z"]
    assert [step.commit for step in steps] == [ends[1].commit, ends[2].commit]


@pytest.mark.slow
def test_a_culprit_is_found_and_goes_back_and_the_others_are_merged(staged, project):
    stage = staged({"e.txt"})

    ends = together(stage.queue, candidates_of(stage, *"bcdefghi"))

    assert ends[3] == Rejected(
        "together they fail: [['e.txt']]", blame="it fails without what was merged meanwhile, too"
    )
    assert [isinstance(one, Merged) for one in ends] == [True] * 3 + [False] + [True] * 4
    assert all("e.txt" not in state for state in states_of(project))
    # the whole, three halves, the hearing, the rest
    assert len(stage.verifier.judge.seen) <= 6
    green = {one for one in stage.verifier.judge.seen if "e.txt" not in one}
    assert set(map(frozenset, states_of(project))) <= green


@pytest.mark.slow
def test_two_that_only_fail_together_are_told_apart_and_the_second_names_the_first(staged, project):
    stage = staged({"c.txt", "f.txt"})

    ends = together(stage.queue, candidates_of(stage, *"bcdefg"))

    assert ends[4].blame == "alone it passes, together with `c` it fails"
    assert merges_of(project, REFS.integration) == dict.fromkeys("bcdeg", 1)


def test_who_fails_with_what_was_merged_before_the_batch_names_it(staged):
    stage = staged({"old.txt", "new.txt"})
    base = stage.tip
    new, old = stage.claim("new"), stage.claim("old")
    late = stage.candidate(new, base=base)
    stage.queue.merge(stage.candidate(old))

    outcome = stage.queue.merge(late)

    assert outcome.blame == "alone it passes, together with `old` it fails"


@pytest.mark.parametrize(
    ("verdicts", "merged"), [("rgg", True), ("rgr", False)], ids=["then green", "then red"]
)
def test_a_flaky_check_is_decided_by_the_third_run_and_said(staged, verdicts, merged):
    answers = iter(verdicts)
    red = Rejected("now and then")
    stage = staged(judge=lambda commit, log: red if next(answers) == "r" else None)

    outcome = stage.queue.merge(stage.candidate(stage.claim("build")))

    if merged:
        assert outcome == Merged(stage.tip, remark=FLAKY)
    else:
        assert "flaky" in outcome.blame
        assert stage.tip == stage.base


@pytest.mark.slow
def test_one_lost_fence_does_not_throw_the_others_away(staged, project):
    judge = Judge(project)

    def verify(commit, log):
        if not judge.seen:
            stage.queue.fence(candidates[1].claim)
        return judge(commit, log)

    stage = staged(judge=verify)
    candidates = candidates_of(stage, "x", "zombie", "y")

    ends = together(stage.queue, candidates)

    assert isinstance(ends[1], LostClaim)
    assert merges_of(project, REFS.integration) == {"x": 1, "y": 1}
    assert judge.seen == [{"x.txt", "zombie.txt", "y.txt"}, {"x.txt", "y.txt"}]


def test_a_fence_that_is_lost_while_it_waits_costs_no_check(staged):
    stage = staged()
    candidates = candidates_of(stage, "x", "zombie")
    stage.queue.fence(candidates[1].claim)

    ends = together(stage.queue, candidates)

    assert isinstance(ends[1], LostClaim)
    assert stage.verifier.judge.seen == [{"x.txt"}]


def test_a_base_that_is_red_itself_is_looked_at_once_and_said(staged):
    stage = staged({"a.txt"})

    ends = together(stage.queue, candidates_of(stage, "x", "y"))

    assert all("the commit that the run began from" in one.blame for one in ends)
    assert stage.verifier.judge.seen.count(set()) == 1


def test_a_claim_that_is_lost_while_it_waits_is_not_even_checked(staged):
    stage = staged()
    candidates = candidates_of(stage, "x", "gone")
    stage.store.recover(candidates[1].claim.name)

    ends = together(stage.queue, candidates)

    assert isinstance(ends[0], Merged)
    assert isinstance(ends[1], LostClaim)
    assert stage.verifier.judge.seen == [{"x.txt"}]


def test_a_task_that_a_person_cancels_while_it_waits_is_not_merged(staged, project):
    stage = staged()
    candidates = candidates_of(stage, "x", "unwanted")
    steering.ask_to_cancel(stage.layout, "unwanted", steering.Asked())

    ends = together(stage.queue, candidates)

    assert ends[1] == Rejected("cancelled", cancelled=True, blame="cancelled by somebody")
    assert merges_of(project, REFS.integration) == {"x": 1}


@pytest.mark.slow
def test_who_contradicts_the_branch_goes_back_at_once_and_the_others_go_on(staged, project):
    stage = staged()
    base = stage.tip
    late = stage.candidate(stage.claim("late"), {"x.txt": "mine\n"}, base=base)
    stage.merge("x", {"x.txt": "theirs\n"})

    ends = together(stage.queue, [late, *candidates_of(stage, "y", "z")])

    assert ends[0] == Conflicted(("x.txt",))
    assert merges_of(project, REFS.integration) == {"x": 1, "y": 1, "z": 1}


def test_who_contradicts_a_culprit_is_merged_once_that_is_gone(staged, project):
    stage = staged({"bad.txt"})
    bad = stage.candidate(stage.claim("bad"), {"bad.txt": "b\n", "shared.txt": "bad\n"})
    good = stage.candidate(stage.claim("good"), {"shared.txt": "good\n"})

    ends = together(stage.queue, [bad, good])

    assert isinstance(ends[0], Rejected)
    assert isinstance(ends[1], Merged)
    assert files_at(project, REFS.integration)["shared.txt"] == "good\n"


def test_a_commit_that_is_gone_is_nobody_elses_trouble(staged, project):
    stage = staged()
    good, broken = candidates_of(stage, "good", "broken")
    object_ = project / ".git" / "objects" / broken.commit[:2] / broken.commit[2:]
    object_.unlink()

    ends = together(stage.queue, [broken, good])

    assert "cat-file" in str(ends[0]) or "merge-tree" in str(ends[0]), ends[0]
    assert isinstance(ends[1], Merged)


@pytest.mark.slow
def test_a_batch_is_chained_anew_if_another_process_was_faster(staged, project):
    other = Stage(project)
    judge = Judge(project)

    def verify(commit, log):
        if not judge.seen:
            other.merge("other")
        return judge(commit, log)

    stage = staged(judge=verify)

    ends = together(stage.queue, candidates_of(stage, "x", "y"))

    assert all(isinstance(one, Merged) for one in ends)
    assert judge.seen == [{"x.txt", "y.txt"}, {"x.txt", "y.txt", "other.txt"}]
    assert merges_of(project, REFS.integration) == {"other": 1, "x": 1, "y": 1}
    other.close()


def test_a_cancel_ends_all_that_wait_and_merges_nothing(staged):
    stage = staged(judge=lambda commit, log: CANCELLED)

    ends = together(stage.queue, candidates_of(stage, "x", "y"))

    assert ends == [CANCELLED, CANCELLED]
    assert stage.tip == stage.base


def test_what_fails_around_a_check_is_told_to_all_of_the_batch_and_the_next_goes_on(staged):
    problems = iter([EnvironmentProblem(Problem("the disk is full"))])

    def judge(commit, log):
        for problem in problems:
            raise problem

    stage = staged(judge=judge)

    ends = together(stage.queue, candidates_of(stage, "x", "y"))
    after = stage.queue.merge(stage.candidate(stage.claim("z")))

    assert [str(one) for one in ends] == ["the disk is full"] * 2
    assert isinstance(after, Merged)


def test_who_comes_while_a_batch_is_checked_is_prepared_on_top_of_it(staged, project):
    begun, go_on = threading.Event(), threading.Event()
    judge = Judge(project)

    def verify(commit, log):
        begun.set()
        go_on.wait(60)
        return judge(commit, log)

    stage = staged(judge=verify)
    first, second = candidates_of(stage, "x", "y")
    ends = {}
    threads = [
        threading.Thread(
            target=lambda one=one: ends.update({one.claim.task: stage.queue.merge(one)})
        )
        for one in (first, second)
    ]
    threads[0].start()
    assert begun.wait(60)
    threads[1].start()

    (prepared,) = wait_until(lambda: stage.verifier.prepared)
    go_on.set()
    for thread in threads:
        thread.join()

    assert names_at(project, prepared) - BASE.keys() == {"x.txt", "y.txt"}
    assert states_of(project) == [{"x.txt"}, {"x.txt", "y.txt"}]
    assert all(isinstance(one, Merged) for one in ends.values())
