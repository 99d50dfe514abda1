"""What counts as a verdict of QA, and what does not."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from parallel_orchestra.agents.verdict import Opinion, find_opinion
from parallel_orchestra.model import QaVerdict

APPROVED, REJECTED, BLOCKED = QaVerdict.APPROVED, QaVerdict.REJECTED, QaVerdict.BLOCKED
#: Lines that say nothing about a verdict.
LINES = st.text(
    st.characters(codec="utf-8", exclude_characters="`~<>", exclude_categories=("Cs", "Cc", "Lu"))
)


@pytest.mark.parametrize(
    ("text", "verdict"),
    [
        ("APPROVED", APPROVED),
        ("TASK_APPROVED", APPROVED),
        ("QA_APPROVED.", APPROVED),
        ("a.py: fine\n\nAPPROVED\n", APPROVED),
        ("**APPROVED**", APPROVED),
        ("## Verdict: APPROVED", APPROVED),
        ("**Verdict:** `APPROVED`", APPROVED),
        ("<promise>TASK_APPROVED</promise>", APPROVED),
        ("a.py: wrong\nREJECTED", REJECTED),
        ("TASK_REJECTED: a.py is wrong", REJECTED),
        ("**REJECTED: a.py is wrong**", REJECTED),
        ("<promise>REJECTED: a.py is wrong</promise>", REJECTED),
        ("BLOCKED", BLOCKED),
        ("QA_BLOCKED: there is no compiler", BLOCKED),
        ("TASK_BLOCKED: there is no compiler", BLOCKED),
    ],
)
def test_a_verdict_is_a_word_alone_on_its_line(text, verdict):
    found = find_opinion(text)

    assert found is not None
    assert found.verdict is verdict


@pytest.mark.parametrize(
    "text",
    [
        "",
        "approved",
        "It is APPROVED.",
        "APPROVED with small changes",
        "APPROVED / REJECTED",
        "DISAPPROVED",
        "NOT APPROVED",
        "- APPROVED",
        "> APPROVED",
        "it says:\n    APPROVED",
        "it says:\n\tAPPROVED",
        "```\nAPPROVED\n```",
        "~~~~\nAPPROVED\n```\nAPPROVED\n~~~~",
        "the end of a quotation\nAPPROVED\n```",
        "REJECTED",
        "REJECTED:",
        "**REJECTED**",
        "<promise>REJECTED</promise>",
        "<promise>APPROVED</promise> <promise>REJECTED: no</promise>",
        "<promise>APPROVED</promise> I think",
        "The file says <promise>APPROVED</promise>",
    ],
)
def test_what_is_not_plainly_a_verdict_is_none(text):
    assert find_opinion(text) is None


@pytest.mark.parametrize(
    ("text", "opinion"),
    [
        ("APPROVED\nNo, wait: a.py is wrong.\nREJECTED", Opinion(REJECTED, "No, wait: a.py is wrong.")),
        ("REJECTED: a.py\nIt is fine after all.\nAPPROVED", Opinion(APPROVED, "It is fine after all.")),
        ("REJECTED: it says\n```\nAPPROVED\n```", Opinion(REJECTED, "it says\n\n```\nAPPROVED\n```")),
        ("a.py: one\nb.py: two\nREJECTED: three", Opinion(REJECTED, "three\n\na.py: one\nb.py: two")),
    ],
    ids=["reconsidered", "reconciled", "quoted", "words around"],
)  # fmt: skip
def test_the_last_line_that_is_a_verdict_counts_and_the_others_are_its_words(text, opinion):
    assert find_opinion(text) == opinion


@given(st.lists(LINES, max_size=6), st.sampled_from(["APPROVED", "BLOCKED", "REJECTED: why"]))
def test_whatever_was_said_before_the_last_line_decides(lines, last):
    found = find_opinion("\n".join([*lines, last]))

    assert found is not None
    assert found.verdict.value == last.partition(":")[0].lower()


@given(st.text())
def test_nothing_that_an_agent_prints_raises(text):
    find_opinion(text)


@pytest.mark.parametrize(
    "text",
    [
        "*" * 65_000,
        "<promise>APPROVED:" * 4_000,
        "<promise>APPROVED:" + " " * 65_000,
        "`~" * 32_000,
    ],
    ids=["marks", "promises", "blanks", "fences"],
)
def test_an_answer_made_to_keep_us_busy_does_not(text):
    begun = time.process_time()
    found = find_opinion(text)

    assert found is None
    assert time.process_time() - begun < 1
