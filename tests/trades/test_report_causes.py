"""Why tasks failed, for somebody who saw nothing of the run."""

import pytest

from parallel_orchestra.progress import Exhibit, Outcome
from parallel_orchestra.report.causes import causes, ending
from support import runs

FOLDER = f"attempts/x/1.{runs.OWNER}"


def failed(id_, failure="permanent", reason="exit code 1: no such key", log="", **facts):
    exhibits = (Exhibit(f"{FOLDER}/agent.log", "says    All done."),)
    told = ""
    if log:
        exhibits += (Exhibit(f"{FOLDER}/verify.log", log),)
        told = f"{FOLDER}/verify.log"
    tried = runs.attempt(failure=failure, exhibits=exhibits, told_in=told)
    return runs.task(
        id_, Outcome.FAILED, failure=failure, reason=reason, attempts=(tried,), **facts
    )


def skipped(id_, *needs):
    return runs.task(id_, Outcome.SKIPPED, depends_on=needs)


def test_what_failed_alike_stands_together_and_what_cost_most_comes_first():
    run = runs.run(
        failed("lonely", reason="another"),
        failed("one"),
        failed("two"),
        skipped("after", "two"),
        skipped("later", "after", "one"),
    )

    found = causes(run)

    assert [(one.tasks, set(one.skipped)) for one in found] == [
        (("one", "two"), {"after", "later"}),
        (("lonely",), set()),
    ]


@pytest.mark.parametrize(
    ("log", "line"),
    [
        (
            "F..\n=== summary ===\nFAILED tests/test_a.py::test_x - assert 1 == 2\n= 1 failed in 0.31s =\n",
            "FAILED tests/test_a.py::test_x - assert 1 == 2",
        ),
        (
            "src/a.ts(1,2): error TS2304: Cannot find name 'x'.\n\nFound 1 error.\n",
            "src/a.ts(1,2): error TS2304: Cannot find name 'x'.",
        ),
        (
            "Traceback (most recent call last):\nKeyError: 'price'\n\n",
            "KeyError: 'price'",
        ),
        ("it is not\nas it should be\n", "as it should be"),
        ("\n", ""),
    ],
    ids=["pytest", "tsc", "traceback", "words alone", "nothing"],
)
def test_of_a_failed_command_the_line_that_says_most_is_shown(log, line):
    run = runs.run(failed("x", "verify", "`make` exited with code 2", log))

    (cause,) = causes(run)

    assert (cause.reason, cause.line) == ("`make` exited with code 2", line)


def test_the_same_command_may_fail_for_two_reasons():
    words = ("verify", "`make` exited with code 2")
    run = runs.run(failed("x", *words, "error: a"), failed("y", *words, "error: b"))

    assert [one.tasks for one in causes(run)] == [("x",), ("y",)]


def test_a_conflict_is_told_by_its_files_and_not_by_a_log_of_something_else():
    task = failed("x", "conflict", "conflict in 1 file with `y`", files=("a b.py",))

    (cause,) = causes(runs.run(task))

    assert (cause.reason, cause.line) == ("conflict in 1 file with `y`: a b.py", "")
    assert ending(task.attempts[0]) is None


def test_a_run_that_went_well_has_no_cause():
    assert causes(runs.all_done()) == ()
