"""What attempts have used, and what the next may use: values in, values out."""

import pytest

from parallel_orchestra.model import Budget, Task
from parallel_orchestra.spending import Grant, Outlay, Short, grant, lasting, shown, spent

COST, TOKENS = "max_cost_usd", "max_tokens"
KEEPS, DOES_NOT = (COST,), ()
NOW = 1000.0


def outlay(task: str, reserved: float, used: float | None = None, **facts) -> Outlay:
    """An attempt that reserved so many dollars, and if `used` is given ended after 10 seconds."""
    ended = {} if used is None else {"used": {COST: used}, "seconds": 10.0}
    return Outlay(task, 1, "me", 100.0, {COST: reserved}, **{**ended, **facts})


def key(*tasks: str) -> set[tuple[str, int, str]]:
    return {(task, 1, "me") for task in tasks}


def amount(found: Grant | Short) -> float:
    assert isinstance(found, Grant), found
    return found.amounts[COST]


def after(*outlays: Outlay, live: tuple[str, ...] = ()):
    return spent(outlays, key(*live), NOW)


def test_an_attempt_counts_with_what_it_used_and_before_that_with_what_it_reserved():
    found = after(outlay("a", 2.0, 0.5), outlay("b", 3.0), live=("b",))

    assert (found.used[COST], found.held[COST], found.largest[COST]) == (0.5, 3.0, 0.5)


@pytest.mark.parametrize(
    ("one", "counts"),
    [
        (outlay("a", 2.0), 2.0),
        (outlay("a", 2.0, used=None, seconds=5.0, asked=True), 2.0),
        (outlay("a", 2.0, seconds=5.0, asked=False), 0.0),
        (outlay("a", 2.0, 2.5), 2.5),
    ],
    ids=["its worker died", "it did not tell", "no agent was started", "it used more"],
)
def test_what_is_not_known_counts_with_all_that_was_reserved(one, counts):
    assert after(one).used[COST] == counts


@pytest.mark.parametrize(
    ("outlays", "keeps", "wanted"),
    [
        ((), KEEPS, 2.5),
        ((outlay("x", 2.0, 0.1),), KEEPS, (10 - 0.1) / 4),
        ((outlay("x", 2.0, 2.0),), KEEPS, 4.0),
        ((), DOES_NOT, 10.0),
        ((outlay("x", 2.0, 1.0),), DOES_NOT, 2.0),
    ],
    ids=[
        "a quarter",
        "a quarter of what is free",
        "twice the most",
        "all",
        "twice the most so far",
    ],
)
def test_how_much_an_attempt_reserves(outlays, keeps, wanted):
    found = grant(Task("a"), Budget(10.0), after(*outlays), keeps)

    assert amount(found) == pytest.approx(wanted)
    assert not found.own


def test_a_limit_of_its_own_is_reserved_whole_less_what_its_attempts_used():
    task = Task("a", max_cost_usd=3.0)

    found = grant(task, Budget(10.0), after(outlay("a", 3.0, 1.0)), DOES_NOT)

    assert amount(found) == 2.0
    assert found.own == {COST}


def test_who_needs_more_than_is_free_waits_for_those_at_work():
    found = grant(
        Task("a", max_cost_usd=3.0), Budget(5.0), after(outlay("b", 4.0), live=("b",)), KEEPS
    )

    assert found == Short(
        "of the run's $5.00, $5.00 are left, $4.00 of it reserved by running tasks", final=False
    )


def test_with_nobody_at_work_it_gets_what_is_left_if_it_keeps_to_that():
    state, task = after(outlay("b", 4.0, 4.0)), Task("a", max_cost_usd=3.0)

    assert grant(task, Budget(5.0), state, KEEPS) == Grant({COST: 1.0})
    assert grant(task, Budget(5.0), state, DOES_NOT) == Short(
        "of the run's $5.00, $1.00 are left, and it may use $3.00", final=True
    )


def test_who_keeps_to_no_limit_does_not_start_with_less_than_an_attempt_has_used():
    state = after(outlay("b", 10.0, 6.0), outlay("c", 2.0, 2.0))

    short = grant(Task("a"), Budget(13.0), state, DOES_NOT)

    assert short == Short(
        "of the run's $13.00, $5.00 are left, and an attempt has used $6.00", final=True
    )
    assert grant(Task("a"), Budget(14.0), state, DOES_NOT) == Grant({COST: 6.0})
    assert grant(Task("a", max_cost_usd=5.0), Budget(13.0), state, DOES_NOT) == Grant(
        {COST: 5.0}, own=frozenset({COST})
    )


@pytest.mark.parametrize(
    ("task", "budget", "words"),
    [
        (Task("a"), Budget(4.0), "the run's budget is used up: $4.00 of $4.00"),
        (Task("b", max_cost_usd=4.0), Budget(), "its own budget is used up: $4.00 of $4.00"),
        (Task("a"), Budget(max_duration=10.0), "the run's budget is used up: 10s of 10s"),
        (Task("b", max_duration=5.0), Budget(), "its own budget is used up: its attempts took 10s"),
    ],
    ids=["the run's", "its own", "the run's time", "its own time"],
)
def test_what_is_used_up_starts_nothing(task, budget, words):
    found = grant(task, budget, after(outlay("b", 4.0, 4.0)), KEEPS)

    assert isinstance(found, Short)
    assert found.final
    assert found.words.startswith(words)


def test_a_budget_that_is_used_up_is_final_whatever_others_hold():
    state = after(outlay("b", 4.0, 5.0), outlay("c", 1.0), live=("c",))

    found = grant(Task("a"), Budget(5.0), state, KEEPS)

    assert found == Short("the run's budget is used up: $5.00 of $5.00", final=True)


def test_a_task_that_uses_none_starts_when_all_is_used_up():
    found = grant(Task("a", max_cost_usd=0.0), Budget(4.0), after(outlay("b", 4.0, 4.0)), DOES_NOT)

    assert found == Grant({COST: 0.0}, own=frozenset({COST}))


def test_each_unit_is_kept_by_itself():
    budget = Budget(10.0, 1000)
    used = {COST: 1.0, TOKENS: 200.0}
    known = Outlay("b", 1, "me", 100.0, {COST: 1.0}, used, 1.0)

    found = grant(Task("a", max_tokens=300), budget, after(known), KEEPS)

    assert found == Grant({COST: 2.25, TOKENS: 300}, own=frozenset({TOKENS}))


def test_time_is_that_in_which_somebody_was_at_work():
    state = spent(
        [
            Outlay("a", 1, "me", 100.0, seconds=20.0),
            Outlay("b", 1, "me", 110.0, seconds=20.0),
            Outlay("c", 1, "me", 900.0),
            Outlay("d", 1, "me", 500.0, last=540.0),
            Outlay("a", 2, "me", 0.0, seconds=50.0, budgeted=False),
        ],
        key("c"),
        NOW,
    )

    assert state.seconds == 30.0 + 100.0 + 40.0
    assert state.seconds_by_task == {"a": 70.0, "b": 20.0, "c": 100.0, "d": 40.0}


def test_what_is_left_of_its_time_is_granted():
    state = after(outlay("a", 0.0, 0.0))

    assert grant(Task("a", max_duration=25.0), Budget(), state, KEEPS) == Grant(seconds=15.0)


def test_attempts_that_doubled_their_share_each_time_come_to_the_end_of_the_budget():
    done, budget = [], Budget(100.0)
    for number in range(40):
        found = grant(Task("a"), budget, spent(done, (), NOW), KEEPS)
        if isinstance(found, Short):
            break
        done.append(Outlay("a", number, "me", 0.0, found.amounts, found.amounts, 1.0))

    assert isinstance(found, Short)
    assert sum(one.counts(COST) for one in done) == pytest.approx(100.0)
    assert len(done) <= 6


@pytest.mark.parametrize(
    ("unit", "number", "text"),
    [
        (COST, 1.255, "$1.25"),
        (COST, 0.0012, "$0.0012"),
        (COST, 0.0, "$0.00"),
        (TOKENS, 1e6, "1,000,000 tokens"),
    ],
)
def test_amounts_are_shown_as_people_write_them(unit, number, text):
    assert shown(unit, number) == text


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.2, "0.2s"), (1, "1s"), (61, "1m1s"), (7200, "2h")]
)
def test_durations_are_shown_as_plans_write_them(seconds, text):
    assert lasting(seconds) == text
