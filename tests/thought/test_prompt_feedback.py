"""What an attempt is told of those before it: what went wrong, and what a person says."""

import pytest

from parallel_orchestra.prompt.feedback import Feedback, with_feedback

PROMPT = "Write `a.py`.\n\n{{ not a template }} ${HOME} %s\n"


def test_what_did_not_fail_leaves_the_prompt_as_it_is():
    assert with_feedback(PROMPT, Feedback(" \n")) == PROMPT


def test_after_a_conflict_it_is_shown_what_had_been_changed_in_a_fence_that_nothing_ends():
    feedback = Feedback(
        attempt=1,
        failure="conflict",
        reason="conflict in 1 file with `b`",
        ref="refs/r",
        refused=("a.md",),
        patch="+```\n",
    )

    assert feedback.text == (
        "Attempt 1 at this task failed (conflict): conflict in 1 file with `b`.\n"
        "\n"
        "What it had written is kept in git under `refs/r`, and not in your files: it contradicts "
        "what was merged of other tasks meanwhile, in `a.md`.\n"
        "\n"
        "What it had changed:\n"
        "\n"
        "````diff\n"
        "+```\n"
        "````"
    )


def test_after_a_failure_the_prompt_ends_with_what_went_wrong():
    feedback = Feedback(
        attempt=1,
        failure="verify",
        reason="`pytest` failed with exit code 1",
        output="\n1 failed\n",
        ref="refs/orchestra/r1/salvage/a/1.me",
    )

    assert with_feedback(PROMPT, feedback) == (
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
    assert Feedback(attempt=1, failure="timeout", reason=reason).text == sentence


@pytest.mark.parametrize("way", ["session", "tree"])
def test_what_an_attempt_goes_on_with_and_must_not_have_changed_is_to_be_put_back(way):
    feedback = Feedback(attempt=1, failure="boundary", reason="changed a.py", way=way)

    assert "Put what you were to leave alone back as it was" in feedback.text


def test_what_was_put_back_for_an_attempt_is_said():
    feedback = Feedback(
        attempt=1, failure="boundary", reason="x", way="session", put_back=("core/a.py", "b.py")
    )

    told = "What you were to leave alone was put back as it was, so leave it: `core/a.py`, `b.py`."
    assert feedback.text.endswith(f"Your files are as you left them. {told}")


def test_what_could_not_be_put_back_for_an_attempt_is_left_to_it():
    feedback = Feedback(
        attempt=1,
        failure="boundary",
        way="tree",
        put_back=("a.py",),
        to_put_back=("b.py (`add`)", "c.py"),
    )

    assert feedback.text.endswith(
        " Of what you were to leave alone, this was put back as it was, so leave it: `a.py`. Put the "
        "rest back yourself: b.py (`add`), c.py; as long as it differs, each attempt fails."
    )


def test_who_begins_afresh_has_nothing_to_put_back():
    feedback = Feedback(attempt=1, failure="boundary", reason="changed a.py", ref="refs/x")

    assert "Put" not in feedback.text


def test_without_a_prompt_the_feedback_stands_alone():
    assert with_feedback("", Feedback(failure="verify", reason="x")).startswith("## Feedback\n")


@pytest.mark.parametrize(
    ("output", "fence"),
    [
        ("plain", "```"),
        ("one ` tick", "```"),
        ("```python\nx = 1\n```", "````"),
        ("`````", "``````"),
    ],
)
def test_output_cannot_break_out_of_its_fence(output, fence):
    text = Feedback(attempt=1, failure="verify", reason="x", output=output).text

    assert text.endswith(f"\n\n{fence}\n{output}\n{fence}")


def test_what_a_person_says_stands_before_the_failure_and_without_one():
    failed = Feedback("Mind the gap.\n", attempt=1, failure="verify", reason="x")

    assert failed.text == "Mind the gap.\n\nAttempt 1 at this task failed (verify): x."
    assert Feedback("Mind the gap.").text == "Mind the gap."


@pytest.mark.parametrize(
    ("facts", "words"),
    [
        ({}, "What it had written is kept in git under `refs/x`."),
        (
            {"way": "tree"},
            "What it had written lies in your files, not committed. Go on from there.",
        ),
        (
            {"way": "tree", "moved": True},
            (
                "What it had written lies in your files, not committed, on top of what was merged "
                "of other tasks meanwhile. Go on from there."
            ),
        ),
        ({"way": "session"}, "You go on in the same session. Your files are as you left them."),
        (
            {"refused": tuple("abcdefgh")},
            (
                "What it had written is kept in git under `refs/x`, and not in your files: it "
                "contradicts what was merged of other tasks meanwhile, in `a`, `b`, `c`, `d`, `e`, "
                "`f` and 2 more."
            ),
        ),
        ({"ref": ""}, "Attempt 1 at this task failed (timeout): too slow."),
    ],
    ids=["kept", "tree", "tree on newer ground", "session", "contradicted", "nothing written"],
)
def test_it_ends_with_where_the_work_of_the_last_attempt_is(facts, words):
    feedback = Feedback(
        **{"attempt": 1, "failure": "timeout", "reason": "too slow", "ref": "refs/x", **facts}
    )

    assert feedback.text.split("\n\n")[-1] == words


def test_an_attempt_that_was_stopped_is_not_called_a_failure():
    feedback = Feedback(attempt=1, failure="cancelled", reason="the run was stopped", way="session")

    assert feedback.text.startswith("Attempt 1 at this task was interrupted: the run was stopped.")
