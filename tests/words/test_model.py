"""What a plan says of itself, and what a failure class means."""

from dataclasses import FrozenInstanceError
from pathlib import Path

import pytest

from parallel_orchestra.model import Answer, FailureClass, Halt, Plan, Task, Usage

PLAN = Plan("0.2", "demo", Path("/repo/plan.md"), Path("/repo"), (Task(id="a"), Task(id="b")))


def test_a_plan_finds_its_tasks_by_id():
    assert PLAN.task("b") is PLAN.tasks[1]


def test_a_plan_refuses_an_id_that_it_does_not_have():
    with pytest.raises(KeyError, match="c"):
        PLAN.task("c")


def test_tasks_without_an_environment_cannot_be_given_one_by_mistake():
    with pytest.raises(TypeError):
        Task(id="a").env["KEY"] = "value"


def test_the_nouns_are_frozen():
    with pytest.raises(FrozenInstanceError):
        PLAN.tasks[0].prompt = "other"


def test_an_answer_without_a_failure_is_a_success():
    assert Answer("done").failure is None


def test_what_was_used_is_added_up_and_what_nobody_said_stays_unsaid():
    first = Usage(0.5, 100, None, 2, "one")

    assert first + Usage(0.25, 10, 7, 1) == Usage(0.75, 110, 7, 3, "one")
    assert first + Usage(session="two") == Usage(0.5, 100, None, 2, "two")
    assert Usage() + Usage() == Usage()


def test_what_was_used_since_is_never_less_than_nothing():
    all_of_it = Usage(0.5, 100, 50, 2, "one")

    assert all_of_it.since(Usage(0.25, 200, None)) == Usage(0.25, 0, 50, 2, "one")


def test_only_failures_that_are_nobodys_fault_are_not_counted():
    uncounted = {failure.value for failure in FailureClass if not failure.counted}

    judged = {"qa_rejected", "qa_blocked"}
    assert uncounted - judged == {
        "rate_limited",
        "usage_limit",
        "budget",
        "environment",
        "cancelled",
    }


def test_only_failures_that_another_attempt_cannot_mend_are_final():
    final = {failure.value for failure in FailureClass if failure.final}

    assert final == {"auth", "permanent", "conflict", "qa_blocked", "budget", "tampering"}


@pytest.mark.parametrize("text", ["keep-going", "soon", "now", "soon,3", "now,20%", "soon,1%"])
def test_a_way_to_halt_is_read_as_it_is_written(text):
    assert str(Halt.of(text)) == text


@pytest.mark.parametrize(
    "text", ["", "later", "soon,0", "now,101%", "keep-going,3", "soon,-1", "soon,3,4", "SOON"]
)
def test_what_is_no_way_to_halt_is_refused(text):
    with pytest.raises(ValueError, match=r"all tasks|a way to halt"):
        Halt.of(text)


@pytest.mark.parametrize(
    ("text", "failed", "total", "reached"),
    [
        ("keep-going", 10, 10, False),
        ("soon", 0, 10, False),
        ("soon", 1, 10, True),
        ("now,3", 2, 10, False),
        ("now,3", 3, 10, True),
        ("soon,20%", 1, 10, False),
        ("soon,20%", 2, 10, True),
        ("soon,1%", 0, 10, False),
    ],
)
def test_failures_are_enough_as_the_plan_says(text, failed, total, reached):
    assert Halt.of(text).reached(failed, total) is reached
