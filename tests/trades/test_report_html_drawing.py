"""Where the bars, boxes and arrows of the page go."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from parallel_orchestra.progress import Outcome, Stretch, Wait
from parallel_orchestra.report.html.lanes import timeline
from parallel_orchestra.report.html.levels import levels_of, places, without_shortcuts
from parallel_orchestra.report.html.network import network
from parallel_orchestra.report.html.scale import Scale
from support import exhibition, runs

T = runs.START
HOUR = 3600.0


def needs_of(edges):
    return {str(box): tuple(str(one) for one in needed) for box, needed in edges.items()}


GRAPHS = st.integers(1, 14).flatmap(
    lambda count: st.tuples(
        *(st.sets(st.integers(0, place - 1), max_size=4) if place else st.just(set()) for place in range(count))
    ).map(lambda rows: needs_of({place: sorted(row) for place, row in enumerate(rows)}))
)  # fmt: skip


# The scale of time


def test_a_scale_shows_the_time_since_the_beginning():
    scale = Scale([(100.0, 140.0), (120.0, 200.0)])

    assert [scale.at(instant) for instant in (100.0, 150.0, 200.0)] == [0.0, 50.0, 100.0]
    assert [mark.word for mark in scale.marks()] == [
        *("0 s", "15 s", "30 s", "45 s", "1 min", "1 min 15 s", "1 min 30 s"),
    ]


def test_a_night_between_two_parts_of_a_run_is_cut_out():
    scale = Scale([(0.0, 600.0), (9 * HOUR, 9 * HOUR + 600.0)])

    (cut,) = [mark for mark in scale.marks() if mark.cut is not None]
    assert cut.cut == 9 * HOUR - 600.0
    assert scale.at(600.0) == pytest.approx(48.5)
    assert scale.at(5 * HOUR) == pytest.approx(48.5)
    assert scale.at(9 * HOUR + 600.0) == pytest.approx(100.0)


@given(st.lists(st.tuples(st.floats(0, 1e9), st.floats(0, 1e6)), min_size=1, max_size=30))
def test_every_instant_has_a_place_in_order(spans):
    scale = Scale([(begin, begin + length) for begin, length in spans])

    instants = sorted(begin for begin, _ in spans)
    found = [scale.at(instant) for instant in instants]
    assert found == sorted(found)
    assert all(-0.001 <= place <= 100.001 for place in found)
    assert len(list(scale.marks())) < 600


# The timeline


def test_an_attempt_is_a_bar_of_its_phases():
    phases = (Stretch("agent", T + 2), Stretch("verify", T + 6), Stretch("merge", T + 9))
    run = runs.run(runs.task(attempts=(runs.attempt(seconds=10.0, phases=phases),)), ended=T + 10)

    (lane,) = timeline(run).lanes
    (bar,) = lane.bars

    assert [(piece.phase, round(piece.place), round(piece.width)) for piece in bar.pieces] == [
        ("set-up", 0, 20),
        ("agent", 20, 40),
        ("verify", 60, 30),
        ("merge", 90, 10),
    ]
    assert bar.words == (
        "build, attempt 1: went well, 10.0 s (set-up 2.0 s, agent 4.0 s, verify 3.0 s, merge 1.0 s)"
    )


def test_an_attempt_whose_end_nobody_saw_ends_where_the_next_one_begins():
    attempts = (
        runs.attempt(1, seconds=None, unseen=True),
        runs.attempt(2, T + 20, seconds=10.0),
    )

    (lane,) = timeline(runs.run(runs.task(attempts=attempts))).lanes

    assert [bar.state for bar in lane.bars] == ["unseen", "ok"]
    assert lane.bars[0].width == pytest.approx(200 / 3)


def test_what_runs_goes_on_to_the_moment_of_the_picture():
    running = runs.task("core", Outcome.RUNNING, attempts=(runs.attempt(seconds=None),))

    (lane,) = timeline(runs.run(running, ended=None, seen=T + 40)).lanes

    assert [(bar.state, bar.width) for bar in lane.bars] == [("running", 100.0)]


def test_what_ran_when_a_run_was_killed_ends_when_something_was_heard_last():
    phases = (Stretch("agent", T + 8),)
    killed = runs.task(attempts=(runs.attempt(seconds=None, phases=phases),))

    (lane,) = timeline(runs.run(killed, ended=None, seen=T + 4000, killed="gone")).lanes

    assert [(bar.state, bar.width) for bar in lane.bars] == [("unseen", 100.0)]
    assert "nobody saw its end, 8.0 s" in lane.bars[0].words


def test_claims_by_hand_that_overlap_are_beside_each_other():
    held = [runs.task(name, attempts=(runs.attempt(slot=0),)) for name in ("a", "b")]

    found = timeline(runs.run(*held))

    assert [lane.name for lane in found.lanes] == ["by hand", "by hand"]


def test_a_wait_for_a_limit_is_a_band():
    run = runs.run(
        runs.task(attempts=(runs.attempt(seconds=30.0),)),
        waits=(Wait("claude", "5-hour limit", T + 6, T + 12),),
    )

    (band,) = timeline(run).bands

    assert (band.place, band.width) == pytest.approx((20.0, 20.0))
    assert band.words == "usage limit of claude for 6.0 s: 5-hour limit"


def test_workers_of_several_processes_are_told_apart():
    other = runs.attempt(owner="mini-12-0a0b0c0d")

    found = timeline(
        runs.run(runs.task("a", attempts=(runs.attempt(),)), runs.task("b", attempts=(other,)))
    )

    assert [lane.name for lane in found.lanes] == ["worker 1 of host", "worker 1 of mini"]


# The graph


@pytest.mark.slow
@given(GRAPHS)
def test_boxes_never_overlap_and_arrows_lead_from_left_to_right(needs):
    found = places(without_shortcuts(needs))

    level = levels_of(needs)
    for box in needs:
        assert found.spots[box][0] == level[box]
        assert all(level[one] < level[box] for one in needs[box])
    for at in range(found.levels):
        column = sorted(
            y for item, (level_, y) in found.spots.items() if level_ == at and isinstance(item, str)
        )
        assert all(later - earlier > 45.9 for earlier, later in pairwise(column))
    for route in found.routes:
        assert [found.spots[item][0] for item in route] == list(
            range(level[route[0]], level[route[-1]] + 1)
        )


@pytest.mark.slow
@given(GRAPHS)
def test_what_is_left_of_the_arrows_implies_the_others(needs):
    def before(graph, box):
        return {one for need in graph[box] for one in (need, *before(graph, need))}

    reduced = without_shortcuts(needs)

    assert all(before(reduced, box) == before(needs, box) for box in needs)
    assert all(set(reduced[box]) <= set(needs[box]) for box in needs)


def test_the_critical_path_stands_out():
    found = network(exhibition.shop())

    assert found.critical == ("data-model", "search", "search-page", "style")
    assert {box.task for box in found.drawing.boxes if box.critical} == set(found.critical)
    assert sum(arrow.critical for arrow in found.drawing.arrows) == 3


def test_of_many_tasks_the_levels_are_shown():
    found = network(exhibition.many(400))

    assert found.drawing is None
    assert sum(len(row.cells) for row in found.levels.rows) == 400
    assert found.levels.rows[0].words == "level 1: 19 succeeded, 1 failed"
    assert len(found.levels.rows) <= 40


def test_a_chain_of_a_thousand_is_no_thousand_rows():
    chain = [runs.task(f"t{at}", depends_on=(f"t{at - 1}",) if at else ()) for at in range(1000)]

    found = network(runs.run(*chain))

    assert len(found.levels.rows) == 40
    assert found.levels.rows[1].words == "levels 26 to 50: 25 succeeded"


def test_tasks_that_do_not_need_each_other_have_no_graph():
    found = network(runs.run(runs.task("a"), runs.task("b")))

    assert (found.critical, found.drawing, found.levels) == ((), None, None)


def test_a_need_that_is_no_task_is_passed_over():
    found = network(
        runs.run(runs.task("a", depends_on=("gone",)), runs.task("b", depends_on=("a",)))
    )

    assert [box.task for box in found.drawing.boxes] == ["a", "b"]


def test_tasks_without_arrows_stand_in_rows_below_the_others():
    linked = (runs.task("a"), runs.task("b", depends_on=("a",)))
    run = runs.run(*linked, *(runs.task(f"alone-{number}") for number in range(12)))

    drawing = network(run).drawing

    boxes = {box.task: box for box in drawing.boxes}
    alone = [boxes[f"alone-{number}"] for number in range(12)]
    assert min(box.y for box in alone) > max(boxes["a"].y, boxes["b"].y) + drawing.box_height
    assert len({(box.x, box.y) for box in alone}) == 12
    assert 1 < len({box.y for box in alone}) < 5
    assert all(box.x + drawing.box_width <= drawing.width for box in drawing.boxes)
    assert all(box.y + drawing.box_height <= drawing.height for box in drawing.boxes)


def test_a_name_is_written_only_where_some_of_it_can_be_read():
    long = runs.task("long", attempts=(runs.attempt(seconds=29.0),))
    short = runs.task("short", attempts=(runs.attempt(1, T + 29, 0.9, failure="verify"),))

    (lane,) = timeline(runs.run(long, short)).lanes

    assert [(bar.task, bar.named) for bar in lane.bars] == [("long", True), ("short", False)]
