"""The story of a usage limit, told with instants: when it opens, who tries, when it is over."""

from dataclasses import replace

import pytest

from parallel_orchestra.model import FailureClass, LimitMode, UsageLimit
from parallel_orchestra.schedule.usage_limits import (
    PROBATION,
    Account,
    Limit,
    Met,
    held_until,
    is_over,
    proves,
    reached,
    too_long,
)

NOW = 1_800_000_000.0
HOUR = 3600.0
WHO = Account("claude", "0123456789", "")


def met(attempt="a.a1f0.me.md", reset=None):
    return Met(attempt, reset, "You've hit your limit")


def probed(limit, attempt, at):
    return replace(limit, probe=attempt, probed=at)


@pytest.mark.parametrize(("dice", "later"), [(0.0, 1.0), (0.999, 31.0)])
def test_a_limit_whose_end_is_named_lasts_a_little_longer(dice, later):
    limit = reached(None, WHO, met(reset=NOW + 5 * HOUR), NOW, dice)

    assert limit.until == pytest.approx(NOW + 5 * HOUR + later, abs=0.05)
    assert (limit.since, limit.waits, limit.reason) == (NOW, 0, "You've hit your limit")


def test_a_second_agent_at_the_same_limit_changes_nothing():
    first = reached(None, WHO, met(reset=NOW + HOUR), NOW, 0.0)

    assert reached(first, WHO, met("b.a1f0.me.md", NOW + HOUR), NOW + 1, 0.9) == first
    assert reached(first, WHO, met("b.a1f0.me.md"), NOW + 1, 0.9) == first


def test_of_two_times_that_agents_were_told_the_later_one_holds():
    first = reached(None, WHO, met(reset=NOW + HOUR), NOW, 0.0)

    second = reached(first, WHO, met("b.a1f0.me.md", NOW + 2 * HOUR), NOW + 1, 0.0)

    assert (second.until, second.since) == (NOW + 2 * HOUR + 1, NOW)


def test_a_limit_that_is_met_again_by_the_one_that_tries_opens_again():
    first = reached(None, WHO, met(reset=NOW + HOUR), NOW, 0.0)
    tries = probed(first, "c.a1f0.me.md", first.until)

    again = reached(tries, WHO, met("c.a1f0.me.md", NOW + 3 * HOUR), first.until + 1, 0.0)

    assert (again.until, again.since, again.probe) == (NOW + 3 * HOUR + 1, NOW, "")


def test_waits_that_nobody_names_grow_up_to_an_hour():
    limit, at, waits = None, NOW, []
    for number in range(9):
        limit = reached(limit, WHO, met(f"t{number}.a1f0.me.md"), at, 0.0)
        waits.append(limit.until - at)
        at = limit.until
        limit = probed(limit, f"t{number + 1}.a1f0.me.md", at)

    assert waits == [60, 120, 240, 480, 960, 1920, 3600, 3600, 3600]


def test_a_time_that_is_past_is_no_time():
    first = reached(None, WHO, met(reset=NOW - 1), NOW, 0.0)

    assert first.until == NOW + 60


def test_one_that_met_the_limit_long_ago_does_not_prolong_it():
    first = reached(None, WHO, met(reset=NOW + HOUR), NOW, 0.0)
    tries = probed(first, "c.a1f0.me.md", first.until)

    assert reached(tries, WHO, met("b.a1f0.me.md"), first.until + 5, 0.0) == tries


def test_nothing_starts_before_the_end_and_then_one_alone():
    limit = reached(None, WHO, met(reset=NOW + HOUR), NOW, 0.0)
    tries = probed(limit, "c.a1f0.me.md", limit.until)

    assert held_until(limit, NOW, probing=False) == limit.until
    assert held_until(limit, limit.until, probing=False) is None
    assert held_until(tries, limit.until, probing=True) == limit.until + PROBATION
    # its lock is gone, however it ended: the next one tries
    assert held_until(tries, limit.until, probing=False) is None


def test_who_tries_for_a_minute_has_got_through():
    limit = probed(reached(None, WHO, met(reset=NOW + 9), NOW, 0.0), "c.a1f0.me.md", NOW + 10)

    assert not is_over(limit, NOW + 10 + PROBATION - 1, probing=True)
    assert is_over(limit, NOW + 10 + PROBATION, probing=True)
    assert not is_over(limit, NOW + HOUR, probing=False)


@pytest.mark.parametrize("failure", [None, *FailureClass])
def test_only_a_service_that_worked_shows_that_a_limit_is_over(failure):
    nothing = {
        "transient", "rate_limited", "usage_limit", "auth", "timeout", "stalled", "environment",
        "cancelled",
    }  # fmt: skip

    assert proves(failure) is (failure is None or failure.value not in nothing)


@pytest.mark.parametrize(
    ("policy", "hours", "stops"),
    [
        (UsageLimit(), 5, False),
        (UsageLimit(), 7, True),
        (UsageLimit(max_wait=4 * HOUR), 5, True),
        (UsageLimit(LimitMode.STOP), 0.1, True),
    ],
)
def test_a_run_stops_at_a_limit_if_it_is_told_to_or_the_wait_is_too_long(policy, hours, stops):
    limit = Limit(WHO, NOW, NOW + hours * HOUR)

    assert too_long(limit, NOW, NOW, policy) is stops
    assert not too_long(limit, limit.until, NOW, policy)


def test_the_wait_counts_since_the_limit_was_met_first():
    limit = Limit(WHO, NOW, NOW + 7 * HOUR)

    assert too_long(limit, NOW + 4 * HOUR, NOW, UsageLimit())


def test_a_run_that_begins_later_waits_for_what_is_left():
    limit = Limit(WHO, NOW, NOW + 70 * HOUR)

    assert not too_long(limit, NOW + 69 * HOUR, NOW + 69 * HOUR, UsageLimit())


def test_a_sentence_says_until_when_and_of_which_backend():
    limit = Limit(WHO, NOW, NOW + HOUR)

    assert limit.words(NOW) == "usage limit of `claude` until 2027-01-15 09:00:00 UTC"
    assert limit.words(NOW + HOUR) == (
        "the usage limit of `claude` may be over: one attempt tries it"
    )
