"""The integration report in the reports and on the terminal."""

import json
from dataclasses import replace
from xml.etree import ElementTree as ET

import pytest
from jsonschema import Draft202012Validator
from markdown_it import MarkdownIt

from parallel_orchestra.progress import Check, Contract, IntegrationReport, Mark, Violation
from parallel_orchestra.progress.integration import facts_of, integration_from
from parallel_orchestra.report import json_report, junit, markdown
from parallel_orchestra.report.summary import status_lines, summary
from parallel_orchestra.report.together import integration_lines, verdict_of
from support import runs
from trades.test_report_json import SCHEMA, strict

FOUND = IntegrationReport(
    at=runs.START,
    commit="c" * 40,
    merged=2,
    total=3,
    checks=(
        Check("branch", Mark.UNKNOWN, "2 of 3 tasks done"),
        Check("tests", Mark.BAD, "`pytest` exited with code 1: 1 failed", "i/1/tests.log", 3.5),
    ),
    contracts=(Contract("a.py", Mark.BAD, "was changed by `x`", "x", "a.py:3"),),
    violations=(Violation("x", "b.py", "changed | \x1b[31m", grave=True),),
    must=("tests: `pytest` exited with code 1", "<script> of an agent \x1b[31m"),
    should=("look",),
)


FACTS = facts_of(FOUND)
TESTS = FACTS["checks"][1]


def test_it_comes_back_from_its_file_as_it_was():
    there = json.loads(json.dumps(facts_of(FOUND)))

    assert integration_from(there) == FOUND


def test_in_junit_xml_it_is_a_suite_of_its_own_with_a_case_for_each_check():
    report = replace(runs.all_done(), integration_report=FOUND)

    root = ET.fromstring(junit.render(report))

    tasks, checks = root.findall("testsuite")
    assert [
        (one.get("tests"), one.get("failures"), one.get("skipped")) for one in (tasks, checks, root)
    ] == [
        ("3", "0", "0"),
        ("2", "1", "1"),
        ("5", "1", "1"),
    ]
    branch, failed = checks.findall("testcase")
    assert branch.find("skipped").get("message") == "2 of 3 tasks done"
    assert failed.find("failure").get("message") == "`pytest` exited with code 1: 1 failed"
    assert "<script> of an agent" in failed.find("failure").text
    assert failed.find("system-out").text == f"[[ATTACHMENT|{report.tasks_dir}/i/1/tests.log]]"


@pytest.mark.parametrize(
    "facts",
    [{}, {"at": 1}, [], {**FACTS, "at": 1e300}, {**FACTS, "checks": [{**TESTS, "mark": "?"}]}],
)
def test_what_is_not_of_our_making_is_refused(facts):
    with pytest.raises(ValueError, match=r"not an integration report|is not a valid Mark"):
        integration_from(facts)


def test_all_formats_and_the_summary_have_it():
    report = replace(runs.all_done(), integration_report=FOUND)

    page, data = markdown.render(report), json.loads(json_report.render(report))

    assert "## Integration\n\n2 to fix, 1 to look at, at `cccccccccccc`:\n" in page
    assert "<script" not in MarkdownIt("commonmark").enable("table").render(page)
    assert not list(Draft202012Validator(strict(SCHEMA)).iter_errors(data))
    assert data["integration_report"]["checks"][1]["duration_sec"] == 3.5
    assert "integration: 2 to fix, 1 to look at\n" in summary(report)
    assert "integration: 2 to fix, 1 to look at" in status_lines(report, runs.START)
    assert "`parallel-orchestra integrate` looks again" in page


@pytest.mark.parametrize(
    ("must", "should", "told"),
    [((), (), "all good"), ((), ("a",), "1 to look at"), (("a", "b"), (), "2 to fix")],
)
def test_the_verdict_is_said_in_a_few_words(must, should, told):
    assert verdict_of(replace(FOUND, must=must, should=should)) == told


def test_on_the_terminal_nothing_of_an_agent_moves_the_cursor():
    lines = list(integration_lines(FOUND))

    assert lines[0] == "integration at cccccccccccc (2 of 3 tasks): 2 to fix, 1 to look at"
    assert lines[2] == "bad      tests   `pytest` exited with code 1: 1 failed"
    assert "\x1b" not in "".join(lines)
