"""What every agent backend promises. A new one needs a line in `SPEAKERS`."""

import json
import os
import sys
import unicodedata
from dataclasses import replace
from pathlib import Path

import pytest

from parallel_orchestra.agents import BACKENDS, AgentSettings
from parallel_orchestra.agents.story import Story
from parallel_orchestra.model import FailureClass, Task
from parallel_orchestra.plan.abilities import ABILITIES, AGENT_FIELDS
from parallel_orchestra.process import Child, Ending, Exit, Supervisor

STAND_IN = Path(__file__).parents[1] / "support" / "stand_in_claude.py"
#: Speaks the language of the program by whose name it is called.
OTHERS = STAND_IN.with_name("stand_in_agents.py")
#: How an agent of that backend comes to speak the stand-in's language: what differs in its task.
SPEAKERS = {
    "claude": {},
    "codex": {},
    "gemini": {},
    "opencode": {},
    "command": {
        "command": (
            str(STAND_IN),
            "-p",
            "--output-format",
            "text",
            "--dangerously-skip-permissions",
        )
    },
}
MODES = {mode for one in ABILITIES.values() for mode in one.modes}
GARBAGE = [
    b"",
    b"\xff\xfe\x00garbage",
    b"{",
    b"[" * 100_000,
    b'{"type":"result"}',
    b'{"type":"result","result":[1],"is_error":"no","num_turns":"x","modelUsage":{"m":7}}',
    b'{"type":"result","subtype":7,"is_error":true,"errors":{},"total_cost_usd":1e999}',
    b'{"type":"result","result":"\\ud800 \\u001b[31m red","session_id":5,"usage":[]}',
    b'{"type":"result","num_turns":' + b"9" * 5000 + b"}",
    b'[{"type":"result"}, 5, null]',
    b'{"status":"FAILED","reason":{}}',
    b'{"type":"turn.completed","usage":[]}\n{"type":"turn.failed","error":"x"}\n',
    b'{"type":"thread.started","thread_id":7}\n{"type":"item.completed","item":[1]}\n',
    b'{"type":"result","status":"error","error":{"message":"[API Error: {\\"error\\":5}]"}}',
    b'{"type":"init","session_id":[]}\n{"type":"message","role":"assistant","content":{}}\n',
    b'{"type":"error","error":{"data":{"message":[],"statusCode":"x","responseHeaders":3}}}',
    b'{"type":"step_finish","part":{"tokens":{"input":-1},"cost":"NaN"},"sessionID":{}}',
    b'{"type":"text","part":{"text":"\\u001b[31m red"}}\n{"type":"step_finish"}\n',
    b"\x1b]0;title\x07\x1b[2J\x1b[1;1H\xe2\x80\xaeevil\r\nlast\x9b31m",
]


EVENTS = [
    json.loads(line)
    for path in sorted((Path(__file__).parents[1] / "trades" / "recorded_acts").glob("*.jsonl"))
    for line in path.read_text(encoding="utf-8").splitlines()
    if '"init"' not in line
]


@pytest.fixture(params=sorted(BACKENDS))
def backend(request):
    return BACKENDS[request.param]


@pytest.fixture
def settings(tmp_path):
    programs = tmp_path / "programs"
    programs.mkdir()
    for name in ("codex", "gemini", "opencode"):
        (programs / name).symlink_to(OTHERS)
    path = f"{programs}{os.pathsep}{os.environ['PATH']}"
    environ = {"PATH": path, "HOME": str(tmp_path), "IS_SANDBOX": "1"}
    return AgentSettings(environ=environ, cwd=tmp_path, claude_exe=str(STAND_IN))


@pytest.fixture
def task(backend):
    return replace(Task(id="build", backend=backend.name, timeout=30.0), **SPEAKERS[backend.name])


@pytest.fixture(scope="module")
def supervisor():
    with Supervisor() as one:
        yield one


@pytest.fixture
def carry_out(backend, supervisor, tmp_path):
    """Runs a task's agent for real: `carry_out(task, settings, prompt) -> Answer`."""

    def run(task, settings, prompt, session="", before=None, *, grace=60.0):
        call = backend.call(task, settings, session)
        stdin = tmp_path / "prompt.md"
        stdin.write_text(prompt, encoding="utf-8")
        child = Child(
            argv=call.argv,
            cwd=tmp_path,
            env=call.env,
            stdin=stdin if call.stdin_prompt else None,
            log=tmp_path / "agent.log",
            timeout=task.timeout,
            secrets=call.secrets,
            keep=call.keep,
            last_words=replace(call.last_words, grace=grace),
            graces=(0.2, 0.2),
        )
        ended = supervisor.run(child)
        run.lost = bool(session) and backend.sessions.lost(
            ended, session, backend.answer(task, settings, ended).usage.session
        )
        return backend.answer(task, settings, ended, before)

    return run


def test_a_backend_is_registered_under_its_own_name():
    assert {name: backend.name for name, backend in BACKENDS.items()} == {
        name: name for name in BACKENDS
    }


def test_a_plan_may_name_every_backend_and_no_other():
    assert BACKENDS.keys() == ABILITIES.keys()


def test_a_backend_whose_program_is_there_has_no_problem(backend, settings):
    assert backend.check(settings) is None


def test_notices_are_sentences_on_one_line(backend, settings):
    tasks = [Task("a"), Task("b", read_only=True), Task("c", permission_mode="plan")]

    notices = backend.notices(replace(settings, as_root=True), tasks)

    assert all(notice and "\n" not in notice and notice[-1] != "." for notice in notices)


def test_an_agent_works_where_it_is_started_and_its_last_words_are_the_text(
    carry_out, task, settings, tmp_path
):
    prompt = "Please:\nWRITE src/a.txt hello\nPRINT all is well\n"

    answer = carry_out(task, settings, prompt)

    assert (answer.failure, answer.reason, answer.text) == (None, "", "all is well")
    assert (tmp_path / "src" / "a.txt").read_text(encoding="utf-8") == "hello"


def test_a_read_only_agent_writes_nothing(carry_out, task, settings, tmp_path, backend):
    if backend.name == "command":
        pytest.skip("what a command may do stands in the plan")
    reviewer = replace(task, read_only=True)

    answer = carry_out(reviewer, settings, "WRITE a.txt hello\nPRINT all is well\n")

    assert (answer.failure, answer.text) == (None, "all is well")
    assert not (tmp_path / "a.txt").exists()


def test_a_missing_program_is_a_problem_with_a_remedy(backend, settings):
    if backend.name == "command":
        pytest.skip("whether a command exists is seen in its worktree")
    nothing = replace(settings, environ={"PATH": "/nowhere"}, claude_exe="claude")

    problem = backend.check(nothing)

    assert problem is not None
    assert (problem.what, problem.where) == (
        f"the agent program `{backend.name}` is not there or not executable",
        "PATH=/nowhere",
    )
    assert "npm install -g " in problem.hint


def test_what_an_agent_used_and_its_session_are_known(carry_out, task, settings, backend):
    if backend.name == "command":
        pytest.skip("a command prints plain text")

    usage = carry_out(task, settings, "PRINT ok\n").usage

    assert (usage.input_tokens, usage.output_tokens, len(usage.session)) == (1000, 50, 36)


def test_an_agent_goes_on_with_its_session_and_tells_what_it_used_since(
    carry_out, task, settings, backend
):
    if backend.sessions is None:
        pytest.skip("a command has no sessions")
    first = carry_out(task, settings, "PRINT I began\n").usage

    second = carry_out(task, settings, "PRINT I go on\n", first.session, first)
    third = carry_out(task, settings, "PRINT and on\n", first.session, first + second.usage)

    assert (second.failure, second.text) == (None, "I began\nI go on")
    assert third.text == "I began\nI go on\nand on"
    assert {one.usage.session for one in (second, third)} == {first.session}
    for used in (first, second.usage, third.usage):
        assert (used.input_tokens, used.output_tokens) == (1000, 50)
        assert used.cost_usd is None or used.cost_usd == pytest.approx(0.01)


def test_an_agent_without_the_session_that_it_is_to_go_on_with_is_told_from_a_failure(
    carry_out, task, settings, backend
):
    if backend.sessions is None:
        pytest.skip("a command has no sessions")

    answer = carry_out(task, settings, "PRINT I go on\n", "11111111-2222-4333-8444-555555555555")
    gone = carry_out.lost
    failed = carry_out(task, settings, "FORGET\nFAIL no luck today\n")

    assert answer.failure is not None
    assert gone
    assert not backend.sessions.lost(Exit(Ending.EXITED, 1), failed.usage.session, "")


def test_a_read_only_agent_that_goes_on_writes_nothing_either(
    carry_out, task, settings, tmp_path, backend
):
    if backend.sessions is None:
        pytest.skip("a command has no sessions")
    reviewer = replace(task, read_only=True)
    session = carry_out(reviewer, settings, "PRINT ok\n").usage.session

    answer = carry_out(reviewer, settings, "WRITE a.txt hello\n", session)

    assert answer.failure is None
    assert not (tmp_path / "a.txt").exists()


def test_an_agent_that_fails_uses_up_an_attempt_and_may_try_again(
    carry_out, task, settings, tmp_path
):
    answer = carry_out(task, settings, "FAIL no luck today\n")

    assert answer.failure is FailureClass.TRANSIENT
    assert "no luck today" in answer.reason


def test_an_agent_that_crashes_is_a_failure_with_its_exit_code(carry_out, task, settings, tmp_path):
    answer = carry_out(task, settings, "EXIT 3\n")

    assert (answer.failure, answer.reason) == (FailureClass.TRANSIENT, "exit code 3")


def test_an_agent_that_takes_too_long_is_a_timeout(carry_out, task, settings):
    short = replace(task, timeout=0.1)

    answer = carry_out(short, settings, "SLEEP 60\n")

    assert (answer.failure, answer.reason) == (FailureClass.TIMEOUT, "ran into its limit of 0.1 s")


def test_the_tasks_own_variables_win_over_the_users(backend, task, settings):
    environ = {**settings.environ, "COLOUR": "red", "SHAPE": "round"}
    own = replace(task, env={"COLOUR": "blue"})

    env = backend.call(own, replace(settings, environ=environ)).env

    assert (env["COLOUR"], env["SHAPE"]) == ("blue", "round")


@pytest.mark.parametrize("field", sorted(set(AGENT_FIELDS) - {"permission_mode"}))
def test_what_an_agent_is_told_shows_in_its_call_and_only_if_it_can_be_told(
    backend, task, settings, field
):
    value = {"max_turns": 77}.get(field, "told-77" if field in ("agent", "model") else ("told-77",))

    plain = backend.call(task, settings)
    told = backend.call(replace(task, **{field: value}), settings)

    shown = "77" in f"{told.argv}{set(told.env.items()) - set(plain.env.items())}"
    assert shown == (field in ABILITIES[backend.name].fields)


def test_each_permission_mode_shows_in_the_call(backend, task, settings):
    calls = {mode: backend.call(replace(task, permission_mode=mode), settings) for mode in MODES}

    for mode in ABILITIES[backend.name].modes:
        assert mode in calls[mode].argv


def test_a_read_only_agent_is_called_alike_whatever_its_mode(backend, task, settings):
    calls = [
        backend.call(replace(task, read_only=True, permission_mode=mode), settings)
        for mode in ("", "acceptEdits")
    ]

    assert calls[0] == calls[1]


def test_nothing_of_an_outer_session_reaches_the_agent(backend, task, settings):
    outer = {
        "GIT_DIR": "/x",
        "GIT_INDEX_FILE": "/y",
        "CLAUDECODE": "1",
        "CLAUDE_CODE_SSE_PORT": "7",
    }

    env = backend.call(task, replace(settings, environ={**settings.environ, **outer})).env

    assert not outer.keys() & env.keys()


@pytest.mark.slow
def test_an_agent_that_hangs_after_its_result_has_succeeded(carry_out, task, settings, backend):
    if backend.name == "command":
        pytest.skip("a command has no result, but that it ends")
    if sys.platform != "linux":
        pytest.skip("what it left running is not known here")

    answer = carry_out(task, settings, "PRINT all is well\nLINGER 600\n", grace=0.2)

    assert (answer.failure, answer.text) == (None, "all is well")
    assert answer.usage.input_tokens == 1000


def test_secrets_of_the_user_and_of_the_task_are_masked_in_what_it_prints(
    carry_out, task, settings, tmp_path
):
    environ = {**settings.environ, "SOME_API_KEY": 'sk-"quoted"-0001'}
    own = replace(task, env={"DB_PASSWORD": "correct horse"})
    known = replace(settings, environ=environ)
    prompt = 'PRINT I found sk-"quoted"-0001 and correct horse\n'

    answer = carry_out(own, known, prompt)

    assert answer.text == "I found [masked] and [masked]"
    assert "quoted" not in (tmp_path / "agent.log").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("ending", "failure"),
    [
        (Ending.NOT_STARTED, FailureClass.PERMANENT),
        (Ending.CANCELLED, FailureClass.CANCELLED),
        (Ending.LOST, FailureClass.ENVIRONMENT),
        (Ending.TIMEOUT, FailureClass.TIMEOUT),
        (Ending.STALLED, FailureClass.STALLED),
    ],
)
def test_an_end_that_was_not_the_agents_own_decides_the_class(
    backend, task, settings, ending, failure
):
    answer = backend.answer(task, settings, Exit(ending, reason="because"))

    assert answer.failure is failure
    assert answer.reason


def test_a_machine_that_is_short_of_something_is_not_the_agents_fault(backend, task, settings):
    ended = Exit(Ending.NOT_STARTED, reason="cannot run `x`: Cannot allocate memory")

    answer = backend.answer(task, settings, ended)

    assert answer.failure is FailureClass.ENVIRONMENT


@pytest.mark.parametrize("code", [0, 1, -9, -250])
@pytest.mark.parametrize("output", GARBAGE, ids=range(len(GARBAGE)))
def test_no_output_whatever_raises_or_moves_a_cursor(backend, task, settings, output, code):
    ended = Exit(Ending.EXITED, code, stdout_tail=output, stderr_tail=output, kept=output)

    answers = [
        backend.answer(task, replace(settings, plan_version=version), ended)
        for version in ("0.1", "0.2")
    ]

    for answer in answers:
        assert (answer.failure is None) == (answer.reason == "")
        assert code == 0 or answer.failure is not None
        assert "\n" not in answer.reason
        shown = (answer.text + answer.reason).replace("\n", "")
        assert not [sign for sign in shown if unicodedata.category(sign) in ("Cc", "Cs")]


@pytest.mark.parametrize("output", GARBAGE, ids=range(len(GARBAGE)))
def test_no_line_whatever_raises_or_moves_a_cursor_where_acts_are_shown(backend, output):
    story = Story(backend.acts)

    shown = [
        line for text in output.decode(errors="replace").split("\n") for line in story.take(text)
    ]
    shown += [*story.so_far(), *story.end(), story.latest]

    signs = {sign for line in shown for sign in line} - {"\t"}
    assert not [sign for sign in signs if unicodedata.category(sign) in ("Cc", "Cs")]


@pytest.mark.parametrize(
    "wrong", [None, 7, [], {}, "text", [None, 7, "x", {}], {"x": [1]}], ids=str
)
def test_events_with_anything_in_any_place_tell_of_acts_or_of_none(backend, wrong):
    for event in EVENTS:
        for place in _places(event):
            line = json.dumps(_with(event, place, wrong))

            acts = backend.acts(line)

            assert acts is None if backend.name == "command" else isinstance(acts, tuple)


@pytest.mark.parametrize("line", ["plain words", "", "[1, 2]", '"text"', "   indented", "\ufeff{"])
def test_a_line_that_is_no_event_is_for_people(backend, line):
    assert backend.acts(line) is None


@pytest.mark.parametrize("line", ['{"type":"news"}', "{}", '{"type":', '{"a":1} trailing', "{{"])
def test_an_event_that_nobody_knows_or_that_is_broken_tells_of_nothing(backend, line):
    assert backend.acts(line) == (None if backend.name == "command" else ())


def _places(value, path=()):
    """Yields the paths of all parts of a JSON value."""
    parts = value.items() if isinstance(value, dict) else enumerate(value)
    for key, part in parts:
        yield (*path, key)
        if isinstance(part, dict | list):
            yield from _places(part, (*path, key))


def _with(event, path, wrong):
    """Returns the event with something else in one of its places."""
    copy = json.loads(json.dumps(event))
    inner = copy
    for key in path[:-1]:
        inner = inner[key]
    inner[path[-1]] = wrong
    return copy
