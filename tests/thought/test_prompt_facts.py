"""The variables of a template: plain values, whatever fields tasks have."""

import json
from dataclasses import fields
from pathlib import Path

import pytest

from parallel_orchestra.model import Plan, Task
from parallel_orchestra.prompt import Feedback, Left, Need, facts_of, known_names, trials_of

TASK = Task("b", title="B", prompt="Do it.", depends_on=("a",), env={"TOKEN": "secret"})
PLAN = Plan("0.2", "shop", Path("/p/plan.md"), Path("/p"), (Task("a"), TASK))


def facts(*needs: Need, feedback: Feedback | None = None) -> dict:
    return facts_of(PLAN, TASK, 3, feedback or Feedback(), needs)


def test_all_facts_are_json_values_and_every_field_for_its_agent_is_there():
    found = facts(Need("a"))

    assert json.loads(json.dumps(found)) == found
    assert set(found["task"]) == {one.name for one in fields(Task)} - {"env", "qa"}
    assert "secret" not in json.dumps(found)


def test_the_known_names_are_those_of_the_facts():
    found = facts_of(PLAN, TASK, 3, Feedback("x"), [], Left(turns=1))

    assert found.keys() == known_names().keys()
    assert all(list(found[name]) == parts for name, parts in known_names().items() if parts)


@pytest.mark.parametrize(
    ("left", "said"),
    [
        (Left(cost_usd=1.255), "left for you: $1.25."),
        (Left(cost_usd=0.0012), "left for you: $0.0012."),
        (
            Left(tokens=20_000, seconds=90.0),
            "left for you: 20,000 tokens, read and written and 90 s",
        ),
        (Left(2.0, None, 600.0, 30), "left for you: $2.00, 10 minutes and 30 turns."),
    ],
    ids=["money", "little money", "tokens and seconds", "more"],
)
def test_what_is_left_is_said_in_a_sentence(left, said):
    budget = facts_of(PLAN, TASK, 1, Feedback(), [], left)["budget"]

    assert said in budget["text"]


def test_where_nothing_is_limited_there_is_no_budget():
    assert facts()["budget"] is None


def test_without_anything_to_say_there_is_no_feedback():
    assert facts()["feedback"] is None
    assert facts(feedback=Feedback("Mind the gap."))["feedback"]["text"] == "Mind the gap."


@pytest.mark.parametrize(
    ("need", "result"),
    [
        (Need("a"), "done"),
        (Need("a", commit="1f"), "merged without a change"),
        (Need("a", commit="1f", files=("x", "y z")), "changed `x`, `y z`"),
        (
            Need("a", commit="1f", files=tuple("abcdefgh")),
            "changed `a`, `b`, `c`, `d`, `e`, `f` and 2 more",
        ),
    ],
)
def test_what_came_of_a_dependency_is_said_in_a_few_words(need, result):
    assert facts(need)["dependencies"][0]["result"] == result


@pytest.mark.parametrize(
    ("text", "brief"),
    [("", ""), ("one\n\n two\t", "one two"), ("w " * 200, "w " * 147 + "w ...")],
    ids=["nothing", "several lines", "long"],
)
def test_last_words_are_made_one_line(text, brief):
    found = facts(Need("a", text=text))["dependencies"][0]

    assert (found["brief"], found["text"]) == (brief, text)
    assert len(brief) <= 300


def test_trials_are_a_first_attempt_and_one_after_a_failure_of_each_task_with_a_prompt():
    found = [(one["task"]["id"], one["attempt"]["number"]) for one in trials_of(PLAN)]

    assert found == [("b", 1), ("b", 2)]
