"""Whole reports of three made-up runs, compared with `report_golden/`."""

from pathlib import Path

import pytest

from parallel_orchestra.report import json_report, markdown
from parallel_orchestra.report.summary import summary
from support import runs

GOLDEN = Path(__file__).parent / "report_golden"
RUNS = (runs.all_done, runs.failures, runs.interrupted)


@pytest.mark.parametrize("made_up", RUNS, ids=lambda made_up: made_up.__name__)
def test_the_whole_markdown_report_reads_as_agreed(made_up):
    text = markdown.render(made_up())

    assert text == (GOLDEN / f"{made_up.__name__}.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("made_up", RUNS, ids=lambda made_up: made_up.__name__)
def test_the_whole_json_report_reads_as_agreed(made_up):
    text = json_report.render(made_up())

    assert text == (GOLDEN / f"{made_up.__name__}.json").read_text(encoding="utf-8")


@pytest.mark.parametrize("made_up", RUNS, ids=lambda made_up: made_up.__name__)
def test_the_whole_summary_reads_as_agreed(made_up):
    text = summary(made_up(), width=80)

    assert text == (GOLDEN / f"{made_up.__name__}.txt").read_text(encoding="utf-8")
