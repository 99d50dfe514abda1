"""The names of what fails, as reports and commands give them."""

import pytest

from parallel_orchestra.merge_queue import Rejected
from parallel_orchestra.merge_queue.failing import (
    Checked,
    judged,
    named_by_junit,
    named_by_lines,
)

PYTEST = b"""<?xml version="1.0" encoding="utf-8"?>
<testsuites><testsuite name="pytest" errors="1" failures="1" tests="3">
<testcase classname="tests.test_a" name="test_good" time="0.1"/>
<testcase classname="tests.test_a" name="test_bad[\xc3\xa9]"><failure message="x">y</failure></testcase>
<testcase classname="" name="tests.test_b"><error message="collection failure"/></testcase>
<testcase classname="tests.test_a" name="test_skipped"><skipped/></testcase>
</testsuite></testsuites>"""


def test_failed_and_broken_cases_are_named_and_no_others():
    assert named_by_junit(PYTEST) == {"tests.test_a::test_bad[é]", "tests.test_b"}


def test_an_error_of_a_suite_is_named_after_the_suite():
    report = b"<testsuite name='s'><testcase name='fine'/><error/></testsuite>"

    assert named_by_junit(report) == {"s"}


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"not XML",
        b"<html/>",
        PYTEST[:-20],
        b"<!DOCTYPE x [<!ENTITY a 'aaaa'>]><testsuite><testcase name='&a;'/></testsuite>",
        b"<?xml version='1.0' encoding='utf-17'?><testsuite/>",
    ],
    ids=["empty", "text", "another kind", "cut off", "entities", "unknown encoding"],
)
def test_what_is_no_report_is_refused(data):
    with pytest.raises(ValueError, match="it "):
        named_by_junit(data)


def test_each_line_is_a_name():
    assert named_by_lines(b"one\n\n  two \r\none\n\xff\n") == {"one", "two", "\ufffd"}


def test_many_new_failures_are_counted():
    red = Checked(Rejected("said"), frozenset(f"t{number:02}" for number in range(30)))

    rejected = judged(red, Checked(Rejected(""), frozenset({"t00"})))

    assert rejected is not None
    assert rejected.output.splitlines()[1] == "t01"
    assert "and 9 more" in rejected.output
    assert rejected.output.endswith("said")
