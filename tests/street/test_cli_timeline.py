"""The lanes of a run's workers, as plain values."""

from dataclasses import replace

import pytest

from parallel_orchestra.cli.ink import ASCII, UNICODE, length, plain_text
from parallel_orchestra.cli.timeline import drawn, lanes
from parallel_orchestra.progress import Outcome, Stretch
from support import runs

NOW = runs.START + 40.0


def run():
    first = replace(runs.attempt(), owner="host-1-aa", slot=1, started=runs.START, seconds=10.0)
    failed = replace(first, started=runs.START + 12, seconds=8.0, failure="verify")
    other = replace(first, slot=2, started=runs.START + 20, seconds=None)
    lost = replace(first, owner="host-2-bb", started=runs.START + 5, seconds=None, unseen=True)
    return runs.run(
        runs.task("api", attempts=(first,)),
        runs.task("web", attempts=(failed, replace(other, number=2)), outcome=Outcome.RUNNING),
        runs.task("x" * 30, attempts=(lost,)),
    )


def test_each_worker_has_a_lane_with_its_attempts_in_order_of_time():
    found = lanes(run(), NOW)

    told = [
        (
            lane.owner,
            lane.slot,
            [(stay.task, stay.begin, stay.end, stay.state) for stay in lane.stays],
        )
        for lane in found
    ]
    assert told == [
        ("host-1-aa", 1, [("api", 0.0, 10.0, "good"), ("web", 12.0, 20.0, "failed")]),
        ("host-1-aa", 2, [("web", 20.0, 40.0, "running")]),
        ("host-2-bb", 1, [("x" * 30, 5.0, 5.0, "unseen")]),
    ]


def test_lanes_are_drawn_with_names_times_and_what_the_signs_mean():
    lines = [plain_text(line).rstrip() for line in drawn(lanes(run(), NOW), 62, UNICODE)]

    assert lines == [
        "worker 1 host-1  api████████  web█████✗",
        "worker 2 host-1                        web███████████████████▶",
        "worker 1 host-2       ?",
        "                 0                  20.0 s              40.0 s",
        "                 █ agent   ✗ failed   ▶ running   ? unseen",
    ]


def test_an_attempt_is_filled_with_what_it_was_at():
    phases = (
        Stretch("agent", runs.START + 10),
        Stretch("verify", runs.START + 20),
        Stretch("merge", runs.START + 30),
    )
    whole = replace(runs.attempt(started=runs.START, seconds=40.0), phases=phases)
    found = lanes(runs.run(runs.task("a", attempts=(whole,))), NOW)

    told = [[plain_text(line).rstrip() for line in drawn(found, 50, s)] for s in (UNICODE, ASCII)]

    assert told[0][0] == "worker 1  a░░░░░░░░░██████████▓▓▓▓▓▓▓▓▓▓▄▄▄▄▄▄▄▄▄▄"
    assert told[1][0] == "worker 1  a.........##########==========++++++++++"
    assert told[0][2] == "          ░ set-up   █ agent   ▓ verify   ▄ merge"
    assert found[0].stays[0].phases == (("agent", 10.0), ("verify", 20.0), ("merge", 30.0))


@pytest.mark.parametrize("width", [20, 40, 80, 200])
def test_no_lane_is_wider_than_the_terminal(width):
    found = list(drawn(lanes(run(), NOW), width, ASCII))

    assert max(length(line) for line in found[:-2]) <= max(width, 36)


def test_a_run_without_attempts_has_no_lanes():
    assert lanes(runs.run(runs.task(attempts=())), NOW) == ()


def test_of_a_run_that_was_killed_nobody_knows_how_long_its_last_attempts_took():
    found = lanes(run(), None)

    last = found[1].stays[0]
    assert (last.task, last.begin, last.end, last.state) == ("web", 20.0, 20.0, "unseen")
