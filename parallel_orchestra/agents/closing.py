"""What an agent says of its own work when it ends: a JSON result, a promise, a marker file.

Knows nothing of processes or worktrees. An exit code says that a program ended; these say that the
agent means to be done, or that it knows it is not. They are the closing words of the `cpo` family.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import replace
from enum import Enum
from typing import Any

from parallel_orchestra.agents.words import LAST_LINES, clean, one_line
from parallel_orchestra.frozen import frozen
from parallel_orchestra.model import Answer, FailureClass, Task

#: The file that an agent makes in its working directory once it is done.
MARKER = ".claude-task-complete"

_RESULT_KEY = '"task_completed"'
#: How many opening braces before the key are tried: a result may hold other objects before it.
_TRIES = 64
#: The end of an output in which a result is looked for, in bytes.
_RESULT_BYTES = 256 * 1024

_PROMISE = re.compile(r"<promise>\s*([A-Z_]+)\s*(?::\s*([^<]*?)\s*)?</promise>")
_BARE = re.compile(r"^\s*(READY_FOR_QA|TASK_DONE|TASK_BLOCKED|TASK_FAILED)\s*(?::\s*(.*?)\s*)?$")


class Promise(Enum):
    """What an agent promised: `DONE` (TASK_DONE, READY_FOR_QA), or that it is `STUCK`."""

    DONE = "done"
    STUCK = "stuck"


_MEANING = {
    "TASK_DONE": Promise.DONE,
    "READY_FOR_QA": Promise.DONE,
    "TASK_BLOCKED": Promise.STUCK,
    "TASK_FAILED": Promise.STUCK,
}


@frozen
class Result:
    """The JSON result by which an agent of the `cpo` family ends; what it left out is empty."""

    completed: bool
    validated: bool = True
    summary: str = ""
    error: str = ""
    tests_run: int = 0
    tests_passed: int = 0
    tests_failed: int = 0


def closed(answer: Answer, task: Task, output: bytes, *, marked: bool) -> Answer:
    """Returns the answer, as a failure if the agent says so itself, or says too little.

    `output` is the end of what it printed, `marked` whether it made the marker file. Only a task
    with `completion_signal` must say that it is done; what is said is believed of every task.
    """
    if answer.failure is not None:
        return answer
    printed = output[-_RESULT_BYTES:].decode(errors="replace")
    result = find_result(answer.text) or find_result(printed)
    promise, words = find_promise(answer.text, task.id)
    if result is not None and not result.completed:
        said = result.error or result.summary or "no reason given"
        return _failed(answer, FailureClass.TRANSIENT, f"says that it is not done: {said}")
    if promise is Promise.STUCK:
        said = words or "no reason given"
        return _failed(answer, FailureClass.TRANSIENT, f"says that it is stuck: {said}")
    if result is not None and not result.validated:
        return _failed(answer, FailureClass.VERIFY, _not_validated(result))
    if task.completion_signal and not (marked or result or promise is Promise.DONE):
        reason = f"ended without saying that it is done: no `{MARKER}`, no result, no promise"
        return _failed(answer, FailureClass.TRANSIENT, reason)
    return answer


def find_result(text: str) -> Result | None:
    """Returns the last JSON result in a text, or None; it may stand anywhere, in a fence or not."""
    decoder = json.JSONDecoder()
    at = text.rfind(_RESULT_KEY)
    while at >= 0:
        start = at
        for _ in range(_TRIES):
            start = text.rfind("{", 0, start)
            if start < 0:
                break
            try:
                found, end = decoder.raw_decode(text, start)
            except (ValueError, RecursionError):
                continue
            if end > at and isinstance(found, dict) and "task_completed" in found:
                return _result(found)
        at = text.rfind(_RESULT_KEY, 0, at)
    return None


def find_promise(text: str, task_id: str) -> tuple[Promise | None, str]:
    """Returns the last promise in a text, with the words after its colon; None if there is none.

    A promise that names another task is none of ours. On the last lines the bare word will do.
    """
    found = [(match[1], match[2] or "") for match in _PROMISE.finditer(text)]
    if not found:
        lines = [line for line in text.splitlines() if line.strip()][-LAST_LINES:]
        bare = _BARE.match(lines[-1]) if lines else None
        found = [(bare[1], bare[2] or "")] if bare else []
    for word, words in reversed(found):
        meaning = _MEANING.get(word)
        if meaning is Promise.STUCK:
            return meaning, words
        if meaning is Promise.DONE and (not words or words.split()[0] == task_id):
            return meaning, words
    return None, ""


def _result(found: Mapping[str, Any]) -> Result:
    return Result(
        completed=found["task_completed"] is True,
        validated=found.get("validation_passed") is not False,
        summary=_words(found.get("summary")),
        error=_words(found.get("error_message")),
        tests_run=_count(found.get("tests_run")),
        tests_passed=_count(found.get("tests_passed")),
        tests_failed=_count(found.get("tests_failed")),
    )


def _not_validated(result: Result) -> str:
    tests = f"{result.tests_failed} of {result.tests_run} tests failed"
    said = result.error or (tests if result.tests_failed else result.summary) or "no reason given"
    return f"says that its own validation failed: {said}"


def _failed(answer: Answer, failure: FailureClass, reason: str) -> Answer:
    return replace(answer, failure=failure, reason=one_line(reason))


def _words(value: object) -> str:
    return clean(value) if isinstance(value, str) else ""


def _count(value: object) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else 0
