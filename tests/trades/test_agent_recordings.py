"""What real agents printed when they failed, and what it is taken for: see `tests/agents/record.py`."""

import pytest

from parallel_orchestra.agents import BACKENDS
from parallel_orchestra.model import FailureClass as F
from parallel_orchestra.process import Ending
from support.corpus import MEANINGS, recordings, rows

#: What each case means, whoever meets it.
CLASSES = {
    "success": None,
    "429": F.RATE_LIMITED,
    "429-retry-after": F.RATE_LIMITED,
    "429-an-hour": F.RATE_LIMITED,
    "usage-limit": F.USAGE_LIMIT,
    "529": F.TRANSIENT,
    "500": F.TRANSIENT,
    "401": F.AUTH,
    "no-key": F.AUTH,
    "400": F.PERMANENT,
    "404": F.PERMANENT,
    "credit": F.AUTH,
    "too-long": F.PERMANENT,
    "max-turns": F.MAX_TURNS,
    "budget": F.BUDGET,
    "denied": None,
    "unknown-agent": F.PERMANENT,
    "refused": F.TRANSIENT,
    "dropped": F.TRANSIENT,
    "dropped-amid": F.TRANSIENT,
    "hang": F.TIMEOUT,
    "hang-after-result": F.TIMEOUT,
    "killed": F.TRANSIENT,
}
#: Cases that not all can meet.
SOME = {"no-key", "429-an-hour", "max-turns", "budget", "unknown-agent", "hang-after-result"}
#: Who can tell when a usage limit ends.
TELLS_WHEN = ("claude", "codex")
REAL = sorted(name for name, one in BACKENDS.items() if one.program is not None)
ALL = [one for name in REAL for one in recordings(name)]


@pytest.mark.parametrize("one", ALL, ids=lambda one: f"{one.backend}-{one.case}")
def test_a_failure_has_its_class_and_words_for_it(one):
    answer = one.answer()

    assert answer.failure is CLASSES[one.case]
    assert (answer.reason == "") == (answer.failure is None)


@pytest.mark.parametrize("backend", REAL)
def test_every_case_was_recorded(backend):
    assert {one.case for one in recordings(backend)} >= MEANINGS.keys() - SOME


@pytest.mark.parametrize("backend", REAL)
def test_they_were_recorded_in_the_version_that_counts_as_tried(backend):
    assert {one.version for one in recordings(backend)} == {BACKENDS[backend].program.tried}


@pytest.mark.parametrize("backend", TELLS_WHEN)
def test_a_usage_limit_ends_when_the_service_says(backend):
    (limit,) = (one for one in recordings(backend) if one.case == "usage-limit")

    assert limit.answer().retry_after == pytest.approx(7200, abs=90)


@pytest.mark.parametrize("backend", REAL)
def test_a_success_is_told_with_its_words_its_tokens_and_its_session(backend):
    success = next(recordings(backend)).answer()

    assert success.text == "I wrote hello.txt."
    assert (success.usage.input_tokens or 0) >= 2000
    assert (success.usage.output_tokens or 0) >= 100
    assert success.usage.session


@pytest.mark.parametrize("backend", REAL)
def test_an_agent_that_was_killed_has_told_of_its_session(backend):
    (killed,) = (one for one in recordings(backend) if one.case == "killed")

    assert killed.answer().usage.session


@pytest.mark.parametrize(
    ("backend", "case", "reason", "wait"),
    [
        ("codex", "refused", "Reconnecting... waiting for network", None),
        ("codex", "429-an-hour", "exceeded retry limit, last status: 429", 3600),
        ("opencode", "429-an-hour", "Too many requests.", None),
        ("opencode", "usage-limit", "The usage limit has been reached", None),
        ("opencode", "too-long", "prompt is too long", None),
    ],
)
def test_an_agent_that_was_ended_while_it_waited_says_for_what(backend, case, reason, wait):
    (one,) = (one for one in recordings(backend) if one.case == case)

    answer = one.answer()

    assert one.ended.ending is Ending.DEAD_END
    assert answer.reason.startswith(reason)
    assert answer.retry_after == (wait and pytest.approx(wait, abs=1))


def test_the_table_of_the_reference_has_a_row_for_each_recording():
    assert sum(len(list(rows(name))) for name in REAL) == len(ALL)
