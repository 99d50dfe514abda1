"""JUnit XML as a reader of test results sees it."""

from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from parallel_orchestra.progress import Exhibit, Outcome
from parallel_orchestra.report import junit
from support import runs


def read(report):
    return ET.fromstring(junit.render(report))


def case(root, name):
    return root.find(f"./testsuite/testcase[@name='{name}']")


def test_each_task_is_a_case_and_the_suite_counts_them():
    root = read(runs.failures())

    suite = root.find("testsuite")
    counts = {name: suite.get(name) for name in ("tests", "failures", "errors", "skipped")}
    assert counts == {"tests": "5", "failures": "2", "errors": "0", "skipped": "1"}
    assert suite.get("timestamp") == "2026-11-21T03:00:00"
    assert [one.get("name") for one in suite.iter("testcase")] == [
        task.id for task in runs.failures().tasks
    ]


@pytest.mark.parametrize(
    ("outcome", "failure", "element"),
    [
        (Outcome.SUCCEEDED, "", None),
        (Outcome.BY_HAND, "", None),
        (Outcome.FAILED, "verify", "failure"),
        (Outcome.FAILED, "environment", "error"),
        (Outcome.SKIPPED, "", "skipped"),
        (Outcome.WAITING, "", "skipped"),
    ],
)
def test_what_became_of_a_task_is_the_cases_element(outcome, failure, element):
    root = read(runs.run(runs.task("a", outcome, failure=failure, reason="why\nso")))

    found = {one.tag: one for one in case(root, "a") if one.tag != "properties"}
    assert list(found) == ([element] if element else [])
    if element:
        assert found[element].get("message") == "why so"


def test_the_way_on_and_the_logs_stand_in_the_case():
    failed = case(read(runs.failures()), "tests")

    assert "next: " in failed.find("failure").text
    assert failed.find("system-out").text.startswith("[[ATTACHMENT|/repo/demo/_tasks/attempts/")


def test_a_failed_command_has_the_end_of_its_log_in_the_case():
    log = f"attempts/a/1.{runs.OWNER}/verify.log"
    printed = "FAILED t.py::total - 12 != 21\n1 failed"
    last = runs.attempt(failure="verify", told_in=log, exhibits=(Exhibit(log, printed),))
    failed = runs.task("a", Outcome.FAILED, failure="verify", reason="no", attempts=(last,))

    found = case(read(runs.run(failed)), "a")

    assert found.find("failure").text.startswith(f"no\n{printed}\nnext: ")
    assert found.find("system-out").text.endswith("/verify.log]]")


@given(st.text())
def test_whatever_an_agent_said_the_xml_can_be_read(words):
    task = runs.task("a", Outcome.FAILED, title=words, failure=words, reason=words)

    root = read(runs.run(task, name=words))

    assert case(root, "a") is not None
