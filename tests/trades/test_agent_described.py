"""Agents that a plan describes."""

import os
from pathlib import Path

import pytest

from parallel_orchestra.agents import AgentSettings, backend_of
from parallel_orchestra.agents.backend import PROMPT_FILE
from parallel_orchestra.model import FailureClass, Task, Template
from parallel_orchestra.process import Ending, Exit

COMMAND = (
    "aider",
    "--yes",
    ("--model", "{model}"),
    "--agent={agent}",
    ("--turns", "{max_turns}", "--tools={allowed_tools}"),
    "--file",
    "{prompt_file}",
)


def described(**facts):
    template = Template(**{"command": COMMAND, **facts})
    environ = {"PATH": os.environ["PATH"], "TZ": "UTC"}
    settings = AgentSettings(environ, Path("/"), templates={"mine": template}, clock=lambda: 0.0)
    return backend_of("mine", settings), settings


def test_what_the_task_says_is_filled_in_and_what_it_does_not_say_is_left_out():
    backend, settings = described(stdin=False)

    call = backend.call(Task(id="a", model="{agent}", max_turns=3), settings)

    assert call.argv == ("aider", "--yes", "--model", "{agent}", "--file", PROMPT_FILE)
    assert not call.stdin_prompt


def test_a_list_within_the_list_is_there_if_all_of_it_is_said():
    backend, settings = described()
    task = Task(id="a", agent="coder", max_turns=3, allowed_tools=("Read", "Write"))

    call = backend.call(task, settings)

    assert call.argv[2:6] == ("--agent=coder", "--turns", "3", "--tools=Read,Write")


def test_a_missing_program_is_a_problem_that_names_the_place_in_the_plan():
    backend, settings = described(command=("no-such-agent",))

    problem = backend.check(settings)

    assert problem is not None
    assert "`no-such-agent` is not there" in problem.what
    assert problem.hint == "install it, or mend `backends.mine.command` in the plan"
    assert described(command=("sh",))[0].check(settings) is None


@pytest.mark.parametrize(
    ("said", "failure", "wait"),
    [
        (b"Error: RATE limit, try again in 30s", FailureClass.RATE_LIMITED, 30.0),
        (b"no such key", FailureClass.AUTH, None),
        (b"whatever", FailureClass.TRANSIENT, None),
    ],
)
def test_the_first_pattern_in_its_last_words_decides_the_class(said, failure, wait):
    patterns = (("rate_limited", "rate limit"), ("auth", r"\bkey\b"), ("permanent", "limit"))
    backend, settings = described(classify=patterns)

    answers = [
        backend.answer(Task(id="a"), settings, Exit(Ending.EXITED, 1, *streams))
        for streams in ((said,), (b"", said))
    ]

    assert [(one.failure, one.retry_after) for one in answers] == [(failure, wait)] * 2


def test_patterns_say_nothing_of_a_success_or_of_an_end_that_was_not_its_own():
    backend, settings = described(classify=(("auth", "."),))

    fine = backend.answer(Task(id="a"), settings, Exit(Ending.EXITED, 0, b"done"))
    late = backend.answer(Task(id="a"), settings, Exit(Ending.TIMEOUT, -15, b"working"))

    assert (fine.failure, fine.text, late.failure) == (None, "done", FailureClass.TIMEOUT)


def test_an_answer_is_read_in_the_language_that_the_plan_names():
    backend, settings = described(result="codex")
    told = (
        b'{"type":"thread.started","thread_id":"t"}\n'
        b'{"type":"item.completed","item":{"type":"agent_message","text":"ok"}}\n'
        b'{"type":"turn.completed","usage":{"input_tokens":7,"output_tokens":3}}\n'
    )

    answer = backend.answer(Task(id="a"), settings, Exit(Ending.EXITED, 0, told))

    assert (answer.text, answer.usage.input_tokens) == ("ok", 7)
    assert b'"turn.completed"' in backend.call(Task(id="a"), settings).keep


def test_a_session_goes_on_where_the_command_has_a_place_for_it():
    backend, settings = described(
        command=("mine", ("--resume", "{session}"), "--json"), result="claude"
    )
    task = Task(id="a")

    assert backend.sessions is not None
    assert backend.call(task, settings).argv == ("mine", "--json")
    assert backend.call(task, settings, "s-1").argv == ("mine", "--resume", "s-1", "--json")


def test_an_agent_without_a_place_for_a_session_or_words_of_one_has_none():
    without_place, _ = described(command=("mine",), result="claude")
    without_words, _ = described(command=("mine", "{session}"), result="text")

    assert (without_place.sessions, without_words.sessions) == (None, None)
