"""What Mermaid is given to draw: within its limits, and nothing in it that it reads as a sign."""

import re

import pytest

from parallel_orchestra.progress import Outcome
from parallel_orchestra.report import mermaid
from support import runs


def test_the_timeline_has_a_section_per_worker_and_marks_failed_attempts():
    first = runs.attempt(1, seconds=2.5, failure="verify")
    again = runs.attempt(2, started=runs.START + 3, seconds=1.0)
    beside = runs.attempt(1, seconds=4.0, slot=2)

    chart, lacks = mermaid.timeline(
        runs.run(runs.task("title", attempts=(first, again)), runs.task("b", attempts=(beside,)))
    )

    assert lacks == 0
    assert chart == (
        "gantt\n    dateFormat x\n    axisFormat %H:%M:%S\n"
        "    section worker 1\n"
        "    • title :crit, 1795230000000, 1795230002500\n"
        "    • title (2) :done, 1795230003000, 1795230004000\n"
        "    section worker 2\n"
        "    • b :done, 1795230000000, 1795230004000\n"
    )


def test_of_too_many_attempts_the_longest_are_drawn():
    tasks = [
        runs.task(f"{'x' * 60}{n}", attempts=(runs.attempt(seconds=n + 1.0),)) for n in range(2000)
    ]

    chart, lacks = mermaid.timeline(runs.run(*tasks))

    assert len(chart) < 50_000
    assert chart.count(" :done") == 2000 - lacks
    assert "x1999 :" in chart
    assert "x0 :" not in chart


def test_the_graph_shows_the_states_and_no_title_is_more_than_text():
    evil = '"] --> x; %%{init: {}}%% `b` <script> #quot; end'

    drawn = mermaid.graph(
        runs.run(runs.task("a", title=evil), runs.task("b", Outcome.FAILED, depends_on=("a",)))
    )

    label = re.search(r't0\["(.*)"\]:::done\n', drawn)[1]
    assert not re.search(r'["`<>%]', label.replace("<br/>", ""))
    assert 't1["b<br/>failed"]:::failed\n' in drawn
    assert "    t0 --> t1\n" in drawn


@pytest.mark.parametrize("count", [1, 600])
def test_nothing_is_drawn_where_there_is_nothing_to_see_or_too_much(count):
    names = [f"t{n}" for n in range(count)]
    tasks = [runs.task(one, depends_on=tuple(names[:n][-1:])) for n, one in enumerate(names)]

    assert mermaid.graph(runs.run(*tasks)) == ""
    assert mermaid.timeline(runs.run(*tasks)) == ("", 0)
