"""What to do next, in one place for all formats."""

import shlex

import pytest

from parallel_orchestra.errors import ExitCode
from parallel_orchestra.model import FailureClass
from parallel_orchestra.progress import Delivery, Outcome, Purse
from parallel_orchestra.report.advice import delivery, few_steps, next_step, next_steps
from support import runs


def failed(failure, **facts):
    return runs.task("api", Outcome.FAILED, failure=failure, **facts)


def test_nothing_is_to_be_done_about_a_run_that_is_done_and_delivered():
    assert next_steps(runs.all_done()) == ()


@pytest.mark.parametrize("failure", FailureClass, ids=lambda failure: failure.value)
def test_every_failure_has_a_step_of_its_own_with_the_command_that_tries_again(failure):
    task, other = failed(failure.value), failed("unheard of")

    step = next_step(runs.run(task), task)

    assert "`parallel-orchestra retry api`" in step
    assert failure is FailureClass.TRANSIENT or step != next_step(runs.run(other), other)


def test_of_many_failed_tasks_a_page_says_at_its_top_only_that_each_has_its_own_step():
    tasks = tuple(runs.task(f"t{number}", Outcome.FAILED, failure="verify") for number in range(6))
    waiting = Delivery("main", "b" * 40, "c" * 40, done=False, command="git merge it")

    few, many = (few_steps(runs.run(*tasks[:n], delivery=waiting)) for n in (5, 6))

    assert len(few) == 7
    assert many[1] == "6 tasks failed: below, each of them says what to do about it"
    assert (many[0], len(many)) == ("deliver what was merged: `git merge it`", 3)
    assert "run the 6 tasks that are not done yet" in many[2]


def test_of_a_run_whose_budget_is_used_up_nobody_is_told_to_go_on_without_more_of_it():
    purse = Purse("max_tokens", 18_900, 0, 15_000)

    *_, last = next_steps(runs.run(failed("budget"), purses=(purse,)))

    assert last == (
        "the run's budget is used up: 18,900 tokens of 15,000 tokens; raise it in the plan, then "
        "`parallel-orchestra run /repo/demo/plan.md --resume`"
    )


def test_a_conflict_leads_to_its_branch():
    task = failed(
        "conflict", kept=("refs/orchestra/r/salvage/api/1.x", "orchestra-kept/demo/api-2")
    )

    step = next_step(runs.run(task), task)

    assert step == (
        "resolve it: `git switch orchestra-kept/demo/api-2 && git merge orchestra/demo`, mend the "
        "files, commit, then `parallel-orchestra merge api`; or `parallel-orchestra retry api` "
        "starts anew on the merged work"
    )


def test_a_conflict_without_a_branch_still_has_a_step():
    task = failed("conflict")

    step = next_step(runs.run(task), task)

    assert step == "`parallel-orchestra retry api` starts anew on the merged work"


def test_delivery_comes_first_and_the_rest_of_the_run_last():
    first, *_, last = next_steps(runs.failures())

    assert first == "deliver what was merged: `git switch main && git merge orchestra/demo`"
    assert last == (
        "run the 3 tasks that are not done yet, and no other: "
        "`parallel-orchestra run /repo/demo/plan.md --resume`"
    )


def test_a_run_that_goes_on_is_not_told_to_be_resumed():
    task = runs.task("core", Outcome.RUNNING)

    assert next_steps(runs.run(task, ended=None)) == ()


def test_commands_name_the_task_directory_only_where_it_is_not_the_usual_one():
    task = failed("timeout")

    usual = next_step(runs.run(task, cwd="/repo/demo/"), task)
    other = next_step(runs.run(task, tasks_dir="/tmp/it's here"), task)

    assert "--tasks-dir" not in usual
    assert shlex.split(other.split("`")[-2])[-2:] == ["--tasks-dir", "/tmp/it's here"]


def test_twenty_failed_tasks_are_named_and_the_others_counted():
    tasks = [runs.task(f"t{place}", Outcome.FAILED) for place in range(25)]

    steps = next_steps(runs.run(*tasks, exit_code=ExitCode.TASK_FAILED))

    assert len(steps) == 22
    assert steps[-2] == "... and 5 more failed tasks"


@pytest.mark.parametrize(
    ("found", "words"),
    [
        (Delivery("main", "a" * 40, "a" * 40, done=True), "`main` has all that was merged"),
        (
            Delivery("main", "a" * 40, "b" * 40, done=True),
            f"`main` moved from `{'a' * 12}` to `{'b' * 12}`",
        ),
        (
            Delivery("main", reason="branch `main` does not exist any more"),
            "not delivered to `main`: branch `main` does not exist any more",
        ),
        (
            Delivery("main", "a" * 40, "b" * 40, done=True, url="https://host/1"),
            f"{'b' * 12} waits for `main` in a pull request: https://host/1",
        ),
        (Delivery(), "not delivered: what was merged is on `orchestra/demo`"),
    ],
)
def test_the_delivery_is_one_sentence(found, words):
    assert delivery(runs.run(delivery=found)) == words


def test_nothing_is_said_of_a_delivery_where_nothing_was_merged():
    assert delivery(runs.run(delivery=Delivery(), tip="b" * 40)) == ""
