"""What was done after the last merge, in the reports and on the terminal."""

import json
from dataclasses import replace

import pytest
from jsonschema import Draft202012Validator
from markdown_it import MarkdownIt

from parallel_orchestra.progress import Aftermath, Delivery
from parallel_orchestra.report import json_report, markdown
from parallel_orchestra.report.summary import status_lines, summary
from support import runs
from trades.test_report_json import SCHEMA, strict

FAILED = Aftermath(
    commit="c" * 40,
    started=runs.START,
    log="after-merge/1/output.log",
    seconds=3.0,
    failure="verify",
    reason="`e2e` exited with code 1 <script>\x1b[31m",
    files=("after-merge/1/kept/a.png",),
    changed=tuple(f"{n}.txt" for n in range(7)),
    ref="refs/orchestra/r/salvage/after-merge/1.o",
    required=True,
    cost_usd=0.5,
)


def test_all_formats_and_the_terminal_have_it():
    report = replace(runs.all_done(), aftermath=FAILED, delivery=Delivery())

    page, data = markdown.render(report), json.loads(json_report.render(report))

    assert not list(Draft202012Validator(strict(SCHEMA)).iter_errors(data))
    assert (data["after_merge"]["state"], data["after_merge"]["cost_usd"]) == ("failed", 0.5)
    assert "<script" not in MarkdownIt("commonmark").enable("table").render(page)
    told = summary(report, 300)
    for words in (page, told):
        assert "exited with code 1" in words
        assert "it is required, so nothing was delivered" in words
        assert "2 more" in words
        assert "does it again" in words
        assert "\x1b" not in words
    assert any("after merge: failed" in line for line in status_lines(report, runs.START))


def test_what_was_delivered_all_the_same_is_not_told_to_be_held_back():
    report = replace(runs.all_done(), aftermath=FAILED)

    assert "so nothing was delivered" not in summary(report, 300)


@pytest.mark.parametrize(
    ("found", "words"),
    [
        (replace(FAILED, seconds=None, failure="", reason="", files=(), changed=()), "runs on"),
        (replace(FAILED, failure="", reason="", changed=()), "passed on `cccccccccccc` in 3.0 s"),
    ],
    ids=["running", "passed"],
)
def test_a_success_and_one_that_runs_ask_for_nothing(found, words):
    told = summary(replace(runs.all_done(), aftermath=found), 300)

    assert f"after merge: {words}" in told
    assert "next: see what failed" not in told
