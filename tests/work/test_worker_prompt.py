"""The prompt of an attempt: the task's words, byte for byte, and what went wrong before."""

import pytest

from parallel_orchestra.store import AttemptResult
from parallel_orchestra.worker.prompt import with_feedback

PROMPT = "Write `a.py`.\n\n{{ not a template }} ${HOME} %s\n"


def last(**how) -> AttemptResult:
    return AttemptResult("a", 1, "host-1-00000001", 100.0, 2.0, **how)


@pytest.mark.parametrize("failure", ["", "cancelled"], ids=["success", "cancelled"])
def test_what_did_not_fail_leaves_the_prompt_as_it_is(failure):
    assert with_feedback(PROMPT, last(failure=failure, reason="x", detail="y")) == PROMPT


def test_after_a_failure_the_prompt_ends_with_what_went_wrong():
    result = last(
        failure="verify",
        reason="`pytest` failed with exit code 1",
        detail="\n1 failed\n",
        ref="refs/orchestra/r1/salvage/a/1.me",
    )

    assert with_feedback(PROMPT, result) == (
        "Write `a.py`.\n"
        "\n"
        "{{ not a template }} ${HOME} %s\n"
        "\n"
        "## Feedback\n"
        "\n"
        "Attempt 1 at this task failed (verify): `pytest` failed with exit code 1.\n"
        "\n"
        "The end of the output:\n"
        "\n"
        "```\n"
        "1 failed\n"
        "```\n"
        "\n"
        "What it had written is kept in git under `refs/orchestra/r1/salvage/a/1.me`.\n"
    )


@pytest.mark.parametrize(
    ("reason", "sentence"),
    [
        ("took too long", "Attempt 1 at this task failed (timeout): took too long."),
        ("It took too long.\n", "Attempt 1 at this task failed (timeout): It took too long."),
        ("", "Attempt 1 at this task failed (timeout)."),
    ],
    ids=["words", "a sentence of the agent's", "nothing"],
)
def test_the_reason_stands_in_one_sentence(reason, sentence):
    prompt = with_feedback("Do it.", last(failure="timeout", reason=reason))

    assert prompt == f"Do it.\n\n## Feedback\n\n{sentence}\n"


def test_without_a_prompt_the_feedback_stands_alone():
    assert with_feedback("", last(failure="verify", reason="x")).startswith("## Feedback\n")


@pytest.mark.parametrize(
    ("detail", "fence"),
    [
        ("plain", "```"),
        ("one ` tick", "```"),
        ("```python\nx = 1\n```", "````"),
        ("`````", "``````"),
    ],
)
def test_output_cannot_break_out_of_its_fence(detail, fence):
    prompt = with_feedback("Do it.", last(failure="verify", reason="x", detail=detail))

    assert prompt.endswith(f"\n\n{fence}\n{detail}\n{fence}\n")


def test_what_a_person_says_stands_before_the_failure_and_without_one():
    failed = last(failure="verify", reason="x")

    assert with_feedback("Do it.", failed, "Mind the gap.\n") == (
        "Do it.\n\n## Feedback\n\nMind the gap.\n\nAttempt 1 at this task failed (verify): x.\n"
    )
    assert with_feedback("Do it.", None, "Mind the gap.") == (
        "Do it.\n\n## Feedback\n\nMind the gap.\n"
    )
