"""What was done after the last merge, as the events tell it."""

from pathlib import Path

from parallel_orchestra.events import (
    AfterMergeBegun,
    AfterMergeEnded,
    RunEnded,
    RunStarted,
    from_line,
    to_line,
)
from parallel_orchestra.model import Plan
from parallel_orchestra.progress import Delivery, RunFacts, fold
from parallel_orchestra.progress.aftermath import Aftermath
from parallel_orchestra.progress.meaning import exit_code

BEGUN = AfterMergeBegun(10.0, "c1", "after-merge/1/output.log")
ENDED = AfterMergeEnded(
    15.0, "c1", 4.5, "verify", "it broke", BEGUN.log, ("after-merge/1/kept/a.png",), required=True
)


def told(*history):
    plan = Plan("0.2", "p", Path("/p.md"), Path("/"), ())
    facts = RunFacts("r", plan, "/p/_tasks", "main", "c0", "refs/heads/o", "c1", {})
    return fold(facts, {}, [("w", one) for one in history], 20.0).aftermath


def test_it_runs_until_its_end_is_told():
    assert told(BEGUN) == Aftermath("c1", 10.0, BEGUN.log)
    assert told(BEGUN).state == "running"


def test_its_end_says_all_of_it():
    found = told(BEGUN, from_line(to_line(ENDED)))

    assert (found.state, found.started, found.seconds) == ("failed", 10.5, 4.5)
    assert (found.reason, tuple(found.files), found.required) == ("it broke", ENDED.files, True)
    assert exit_code((), Delivery(), found).value == 1


def test_one_that_was_cut_off_is_none_and_one_that_ended_stays():
    resumed = RunStarted(16.0, "r", 1, "parallel", "", resumed=True)

    assert told(BEGUN, resumed) is None
    assert told(BEGUN, RunEnded(16.0, 3, 1.0)) is None
    assert told(BEGUN, ENDED, resumed).failure == "verify"


def test_without_one_there_is_none():
    assert told() is None
