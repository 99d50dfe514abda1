"""What a person says to the next attempt: it holds until it is heeded or said anew."""

import pytest

from parallel_orchestra import files
from parallel_orchestra.store import AttemptResult
from parallel_orchestra.store.feedback import feedback_for, write_feedback
from parallel_orchestra.store.records import write_result
from support.tasks_dir import ME, tasks_dir


@pytest.fixture
def layout(tmp_path):
    return tasks_dir(tmp_path)


def ended(layout, number, failure=""):
    directory = layout.attempt("a", number, ME)
    files.make_directory(directory)
    write_result(directory, AttemptResult("a", number, ME, 0.0, 1.0, failure=failure))


def test_nothing_was_said_to_a_task_that_nobody_spoke_of(layout):
    assert feedback_for(layout, "a", 1) == ""


def test_it_is_for_the_attempts_after_it_and_not_for_those_before(layout):
    write_feedback(layout, "a", 1, "Mind the gap.")

    said = [feedback_for(layout, "a", number) for number in (1, 2, 3)]

    assert said == ["", "Mind the gap.", "Mind the gap."]


def test_it_holds_while_attempts_fail_and_no_longer_after_one_succeeded(layout):
    write_feedback(layout, "a", 0, "Mind the gap.")
    ended(layout, 1, "verify")
    failing = feedback_for(layout, "a", 2)
    ended(layout, 2)

    assert (failing, feedback_for(layout, "a", 3)) == ("Mind the gap.", "")


def test_what_was_said_last_counts(layout):
    write_feedback(layout, "a", 1, "one")
    write_feedback(layout, "a", 1, "two")
    write_feedback(layout, "a", 2, "three")

    assert (feedback_for(layout, "a", 2), feedback_for(layout, "a", 3)) == ("two", "three")
