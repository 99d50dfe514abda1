"""What agents say of their own work at the end, and what that makes of their answers."""

import json

import pytest

from parallel_orchestra.agents.closing import Promise, closed, find_promise, find_result
from parallel_orchestra.model import Answer, FailureClass, Task

DONE = {"task_completed": True, "validation_passed": True}
PLAIN = Task(id="task-1")
DEMANDING = Task(id="task-1", completion_signal=True)


def result(**said) -> str:
    return json.dumps({**DONE, **said}, indent=2)


def test_a_result_is_found_in_a_fence_between_other_words():
    text = f"I did {{this}}.\n\n```json\n{result(tests_run=3, tests_passed=3)}\n```\nGood bye."

    found = find_result(text)

    assert found is not None
    assert (found.completed, found.tests_run, found.tests_passed) == (True, 3, 3)


def test_the_last_result_counts():
    found = find_result(f"{result(task_completed=False)}\nthen\n{result()}")

    assert found is not None
    assert found.completed


def test_a_result_with_objects_inside_is_taken_whole():
    found = find_result(json.dumps({"more": {"a": {}}, "task_completed": True, "summary": "well"}))

    assert found is not None
    assert found.summary == "well"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "done",
        '{"task_completed": boolean}',
        '"task_completed": true',
        "{" * 5000 + '"task_completed"',
    ],
    ids=["nothing", "words", "a form", "no object", "braces"],
)
def test_what_is_no_result_is_none(text):
    assert find_result(text) is None


@pytest.mark.parametrize(
    ("said", "failure", "reason"),
    [
        (
            {"task_completed": False, "error_message": "no\ndatabase", "summary": "s"},
            FailureClass.TRANSIENT,
            "says that it is not done: no database",
        ),
        (
            {"task_completed": False, "summary": "half of it"},
            FailureClass.TRANSIENT,
            "says that it is not done: half of it",
        ),
        (
            {"validation_passed": False, "tests_run": 9, "tests_failed": 2},
            FailureClass.VERIFY,
            "says that its own validation failed: 2 of 9 tests failed",
        ),
        (
            {"task_completed": "yes"},
            FailureClass.TRANSIENT,
            "says that it is not done: no reason given",
        ),
    ],
    ids=["not done", "half", "not valid", "no yes or no"],
)
def test_an_agent_that_says_it_failed_is_believed(said, failure, reason):
    answer = closed(Answer(result(**said)), PLAIN, b"", marked=True)

    assert (answer.failure, answer.reason) == (failure, reason)


def test_a_result_above_the_last_lines_is_found_in_the_output():
    output = result(task_completed=False, error_message="why").encode() + b"\nline" * 100

    answer = closed(Answer("line\n" * 40), PLAIN, output, marked=False)

    assert answer.reason == "says that it is not done: why"


@pytest.mark.parametrize(
    ("text", "promise"),
    [
        ("<promise>TASK_DONE: task-1</promise>", (Promise.DONE, "task-1")),
        ("<promise>TASK_DONE</promise>", (Promise.DONE, "")),
        ("<promise> READY_FOR_QA </promise> and more", (Promise.DONE, "")),
        ("all is well\nREADY_FOR_QA\n", (Promise.DONE, "")),
        ("<promise>TASK_BLOCKED: no key</promise>", (Promise.STUCK, "no key")),
        ("<promise>TASK_DONE</promise> <promise>TASK_FAILED: x</promise>", (Promise.STUCK, "x")),
        ("<promise>TASK_DONE: task-2</promise>", (None, "")),
        ("<promise>SUNSHINE</promise>", (None, "")),
        ("READY_FOR_QA comes later", (None, "")),
        ("", (None, "")),
    ],
    ids=[
        "done",
        "bare",
        "qa",
        "line",
        "blocked",
        "last",
        "other task",
        "unknown",
        "inside",
        "none",
    ],
)
def test_promises(text, promise):
    assert find_promise(text, "task-1") == promise


@pytest.mark.parametrize(
    ("text", "marked"),
    [("", True), (result(), False), ("<promise>TASK_DONE: task-1</promise>", False)],
    ids=["marker", "result", "promise"],
)
def test_each_signal_satisfies_a_task_that_demands_one(text, marked):
    assert closed(Answer(text), DEMANDING, b"", marked=marked).failure is None


def test_a_task_that_demands_a_signal_fails_without_one():
    answer = closed(Answer("I am done."), DEMANDING, b"I am done.", marked=False)

    assert answer.failure is FailureClass.TRANSIENT
    assert "`.claude-task-complete`" in answer.reason


def test_other_tasks_need_no_signal():
    assert closed(Answer("done"), PLAIN, b"", marked=False) == Answer("done")


def test_a_failure_stays_as_it_is():
    failed = Answer("", FailureClass.TIMEOUT, "too slow")

    assert closed(failed, PLAIN, result().encode(), marked=True) is failed
