"""What follows a failed attempt: the whole table."""

import pytest

from parallel_orchestra.model import FailureClass
from parallel_orchestra.retry import (
    MAX_UNCOUNTED,
    WAYS,
    Verdict,
    Way,
    decide,
    judge_given_up,
    not_later_than_a_week,
    way_after,
)

MIDDLE = 0.5  # of the dice: the delay as it is


def verdict(
    failure: FailureClass,
    *,
    attempts: int = 1,
    failures: int = 0,
    max_retries: int = 1,
    retry_after: float | None = None,
    dice: float = MIDDLE,
    limits_count: bool = False,
    conflicts_again: bool = False,
    rejections: int = 1,
    max_rejections: int = 1,
) -> Verdict:
    return decide(
        failure,
        attempts=attempts,
        failures=failures,
        max_retries=max_retries,
        retry_after=retry_after,
        dice=dice,
        limits_count=limits_count,
        conflicts_again=conflicts_again,
        rejections=rejections,
        max_rejections=max_rejections,
    )


FIRST = {
    FailureClass.TRANSIENT: Verdict(again=True, counted=True, delay=1.0),
    FailureClass.RATE_LIMITED: Verdict(again=True, counted=False, delay=60.0),
    FailureClass.USAGE_LIMIT: Verdict(again=True, counted=False),
    FailureClass.AUTH: Verdict(again=False, counted=True),
    FailureClass.PERMANENT: Verdict(again=False, counted=True),
    FailureClass.TIMEOUT: Verdict(again=True, counted=True, delay=1.0),
    FailureClass.STALLED: Verdict(again=True, counted=True, delay=1.0),
    FailureClass.VERIFY: Verdict(again=True, counted=True),
    FailureClass.CONFLICT: Verdict(again=False, counted=True),
    FailureClass.UNUSABLE: Verdict(again=True, counted=True, delay=1.0),
    FailureClass.BOUNDARY: Verdict(again=True, counted=True),
    FailureClass.NO_CHANGES: Verdict(again=True, counted=True),
    FailureClass.QA_REJECTED: Verdict(again=True, counted=False),
    FailureClass.QA_BLOCKED: Verdict(again=False, counted=False),
    FailureClass.BUDGET: Verdict(again=False, counted=False),
    FailureClass.MAX_TURNS: Verdict(again=True, counted=True),
    FailureClass.TAMPERING: Verdict(again=False, counted=True),
    FailureClass.ENVIRONMENT: Verdict(again=True, counted=False, delay=5.0),
    FailureClass.CANCELLED: Verdict(again=True, counted=False),
}
ONWARD = {
    Way.SESSION: {
        "verify",
        "no_changes",
        "max_turns",
        "boundary",
        "qa_rejected",
        "qa_blocked",
        "rate_limited",
        "usage_limit",
        "budget",
        "cancelled",
    },
    Way.TREE: {"transient", "timeout", "stalled", "auth"},
    Way.FRESH: {"permanent", "conflict", "unusable", "tampering", "environment"},
}
COUNTED_AND_TRIED_AGAIN = [
    failure for failure, first in FIRST.items() if first.counted and first.again
]


@pytest.mark.parametrize("failure", FailureClass, ids=lambda failure: failure.value)
def test_each_class_has_its_answer_to_a_first_failure(failure):
    assert verdict(failure) == FIRST[failure]


def test_each_class_has_its_way_to_go_on():
    assert WAYS.keys() == set(FailureClass)
    assert {way: {one.value for one in WAYS if WAYS[one] is way} for way in ONWARD} == ONWARD
    # Not the class decides that, but whether the work was whole.
    assert set(Way) - ONWARD.keys() == {Way.JUDGE}


@pytest.mark.parametrize("limit", [0, 1, 3])
def test_work_may_be_rejected_as_often_as_the_plan_says_whatever_the_retries(limit):
    tries = [
        verdict(
            FailureClass.QA_REJECTED,
            attempts=50 + n,
            failures=0,
            max_retries=0,
            rejections=n,
            max_rejections=limit,
        ).again
        for n in range(1, limit + 2)
    ]

    assert tries == [True] * limit + [False]


@pytest.mark.parametrize("failure", ["", "never heard of"])
def test_after_a_success_or_what_nobody_knows_an_attempt_begins_anew(failure):
    assert way_after(failure) is Way.FRESH


@pytest.mark.parametrize("failure", COUNTED_AND_TRIED_AGAIN, ids=lambda failure: failure.value)
def test_a_counted_failure_with_no_retry_left_is_the_last(failure):
    assert verdict(failure, attempts=2, failures=1) == Verdict(again=False, counted=True)


@pytest.mark.parametrize("failure", COUNTED_AND_TRIED_AGAIN, ids=lambda failure: failure.value)
def test_a_task_without_retries_fails_at_once(failure):
    assert verdict(failure, max_retries=0) == Verdict(again=False, counted=True)


@pytest.mark.parametrize("retries", [0, 1, 3])
def test_a_task_has_one_attempt_more_than_retries(retries):
    tries = [
        verdict(FailureClass.VERIFY, attempts=n + 1, failures=n, max_retries=retries).again
        for n in range(retries + 1)
    ]

    assert tries == [True] * retries + [False]


def test_the_delay_doubles_with_each_counted_failure_up_to_five_minutes():
    delays = [
        verdict(FailureClass.TRANSIENT, attempts=n + 1, failures=n, max_retries=99).delay
        for n in (0, 1, 2, 3, 8, 9, 50)
    ]

    assert delays == [1.0, 2.0, 4.0, 8.0, 256.0, 300.0, 300.0]


@pytest.mark.parametrize(
    ("failure", "expected"),
    [
        (FailureClass.RATE_LIMITED, [60.0, 120.0, 240.0, 300.0]),
        (FailureClass.ENVIRONMENT, [5.0, 10.0, 20.0, 40.0]),
    ],
)
def test_the_delay_after_nobodys_fault_doubles_with_the_uncounted_attempts(failure, expected):
    delays = [verdict(failure, attempts=n + 3, failures=2).delay for n in range(4)]

    assert delays == expected


@pytest.mark.parametrize("failure", [FailureClass.ENVIRONMENT, FailureClass.RATE_LIMITED])
def test_nobodys_fault_is_forgiven_so_often_even_without_retries(failure):
    last = MAX_UNCOUNTED[failure] + 2
    kept = [
        verdict(failure, attempts=last, failures=2, max_retries=0),
        verdict(failure, attempts=last + 1, failures=2, max_retries=0),
    ]

    assert [one.again for one in kept] == [True, False]
    assert not kept[1].counted


@pytest.mark.parametrize("failure", [FailureClass.CANCELLED, FailureClass.USAGE_LIMIT])
def test_what_is_not_the_tasks_doing_is_given_back_however_often_it_happened(failure):
    assert verdict(failure, attempts=999, max_retries=0) == Verdict(again=True)


@pytest.mark.parametrize(("dice", "delay"), [(0.0, 3.0), (0.5, 4.0), (0.999, 4.998)])
def test_the_dice_spread_the_delay_by_a_quarter_to_both_sides(dice, delay):
    result = verdict(FailureClass.TIMEOUT, attempts=3, failures=2, max_retries=9, dice=dice)

    assert result.delay == pytest.approx(delay)


@pytest.mark.parametrize(("asked", "delay"), [(10.0, 60.0), (3_600.0, 3_600.0), (0.0, 60.0)])
def test_a_service_that_asks_for_more_time_gets_it_and_never_less_than_ours(asked, delay):
    assert verdict(FailureClass.RATE_LIMITED, retry_after=asked).delay == delay


@pytest.mark.parametrize(
    ("said", "wake"), [(0.0, 0.0), (1e6, 1e6), (1e17, 1e6 + 7 * 86_400)], ids=["no", "now", "far"]
)
def test_no_file_lets_a_task_sleep_for_more_than_a_week(said, wake):
    assert not_later_than_a_week(said, 1e6) == wake


@pytest.mark.parametrize(("failures", "again"), [(0, True), (1, False)])
def test_a_conflict_may_be_tried_again_as_often_as_there_are_retries(failures, again):
    found = verdict(FailureClass.CONFLICT, failures=failures, max_retries=1, conflicts_again=True)

    assert (found.again, found.counted, found.delay) == (again, True, 0.0)


def test_a_rate_limit_may_count_unless_it_says_how_long_it_lasts():
    limit = FailureClass.RATE_LIMITED

    first = verdict(limit, limits_count=True)
    last = verdict(limit, limits_count=True, failures=1, attempts=2)
    known = verdict(limit, limits_count=True, retry_after=90.0)

    assert first == Verdict(again=True, counted=True, delay=1.0)
    assert last == Verdict(again=False, counted=True)
    assert known == Verdict(again=True, counted=False, delay=90.0)


@pytest.mark.parametrize(
    ("before", "failure", "given_up"),
    [
        ((), "timeout", False),
        (("timeout",), "timeout", True),
        (("stalled", "rate_limited"), "transient", True),
        (("rate_limited", "usage_limit"), "rate_limited", False),
        (("timeout",), "usage_limit", False),
        (("cancelled", ""), "timeout", False),
        (("auth",), "auth", False),
    ],
)
def test_a_judge_is_asked_twice_unless_waiting_mends_it(before, failure, given_up):
    assert judge_given_up(before, failure) is given_up
