"""What words and statuses of failures mean, and how long they want us to wait."""

from datetime import datetime, timezone

import pytest

from parallel_orchestra.agents.signs import class_of_status, class_of_words, wait_in_words
from parallel_orchestra.model import FailureClass

NOON = datetime(2026, 11, 26, 12, 0, 30, tzinfo=timezone.utc).timestamp()
BERLIN = {"TZ": "Europe/Berlin"}
HOUR = 3600.0


def test_the_first_sign_that_is_found_decides_without_regard_to_case():
    signs = (("no credit", FailureClass.AUTH), ("limit", FailureClass.RATE_LIMITED))

    assert class_of_words("Rate LIMIT: No credit", signs) is FailureClass.AUTH
    assert class_of_words("a limit", signs) is FailureClass.RATE_LIMITED
    assert class_of_words("whatever", signs) is FailureClass.TRANSIENT


@pytest.mark.parametrize(
    ("status", "failure"),
    [
        (None, None),
        (200, None),
        (400, FailureClass.PERMANENT),
        (401, FailureClass.AUTH),
        (402, FailureClass.AUTH),
        (403, FailureClass.AUTH),
        (404, FailureClass.PERMANENT),
        (408, FailureClass.TRANSIENT),
        (429, FailureClass.RATE_LIMITED),
        (500, FailureClass.TRANSIENT),
        (529, FailureClass.TRANSIENT),
    ],
)
def test_a_status_has_its_class(status, failure):
    assert class_of_status(status) is failure


@pytest.mark.parametrize(
    ("said", "seconds"),
    [
        ("Please try again in 1.5s.", 1.5),
        ("Suggested retry after 40s.", 40.0),
        ("try again in 250ms", 0.25),
        ("Your quota will reset after 3h14m7s.", 3 * HOUR + 14 * 60 + 7),
        ("try again in 2 days 3 hours", 51 * HOUR),
        ("retry in 5 minutes", 300.0),
        ("try again at 2:15 PM.", 2 * HOUR + 15 * 60 + 30),
        ("try again at 12:00 PM.", 30.0),
        ("try again at 11:59 AM.", 24 * HOUR - 30),
        ("try again at 12:15 AM.", 12 * HOUR + 15 * 60 + 30),
        ("try again at Nov 28th, 2026 12:00 PM.", 48 * HOUR + 30),
        ("try again at Nov 31st, 2026 12:00 PM.", None),
        ("try again at 13:00 PM.", None),
        ("try again later", None),
        ("a retry after that failed", None),
        ("", None),
    ],
)
def test_words_say_how_long_to_wait(said, seconds):
    assert wait_in_words(said, NOON, {"TZ": "UTC"}) == seconds


def test_a_time_is_that_of_the_agents_clock():
    assert wait_in_words("try again at 2:15 PM", NOON, BERLIN) == HOUR + 15 * 60 + 30


def test_a_time_zone_that_is_not_known_is_this_machines():
    assert wait_in_words("try again at 2:15 PM", NOON, {"TZ": ":no/such"}) is not None
