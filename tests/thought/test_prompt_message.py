"""The variables of `merge.message`."""

from pathlib import Path

import pytest

from parallel_orchestra.model import Plan, Task, Usage
from parallel_orchestra.prompt import Done, message_facts, message_names, message_trials

TASK = Task("build", title="Build it", prompt="p", env={"KEY": "secret"})
PLAN = Plan("0.2", "plan", Path("plan.md"), Path(), (TASK, Task("look", read_only=True)))


def test_all_that_is_known_of_an_attempt_is_a_plain_value():
    done = Done(2, 3725.4, Usage(0.256, 1000, 20, 3), ("a", "b"), ("Begin",), "It works.")

    facts = message_facts(PLAN, TASK, "run1", done)

    assert facts["task"]["title"] == "Build it"
    assert "env" not in facts["task"]
    assert facts["attempt"] == {
        "number": 2,
        "seconds": 3725.4,
        "duration": "1 h 2 min 5 s",
        "cost_usd": 0.256,
        "cost": "$0.26",
        "tokens": 1020,
        "input_tokens": 1000,
        "output_tokens": 20,
        "turns": 3,
    }
    assert (facts["run"], facts["files"], facts["commits"]) == ("run1", ["a", "b"], ["Begin"])
    assert facts["summary"] == "It works."


@pytest.mark.parametrize(
    ("seconds", "words"), [(0.2, "0 s"), (60, "1 min"), (61, "1 min 1 s"), (7200, "2 h")]
)
def test_a_duration_is_said_in_words(seconds, words):
    assert message_facts(PLAN, TASK, "r", Done(1, seconds))["attempt"]["duration"] == words


def test_what_is_not_known_is_none_or_empty():
    attempt = message_facts(PLAN, TASK, "r", Done(1))["attempt"]

    assert {attempt["tokens"], attempt["cost_usd"], attempt["seconds"]} == {None}
    assert (attempt["cost"], attempt["duration"]) == ("", "")


def test_a_template_is_tried_for_tasks_that_merge_with_the_names_that_it_may_use():
    trials = list(message_trials(PLAN))

    assert [one["task"]["id"] for one in trials] == ["build", "build"]
    assert all(one.keys() == message_names().keys() for one in trials)
    assert all(list(one["attempt"]) == message_names()["attempt"] for one in trials)
