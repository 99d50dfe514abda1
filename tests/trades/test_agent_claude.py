import json
import os
from datetime import datetime, timezone
from pathlib import Path

import pytest

from parallel_orchestra.agents import BACKENDS, AgentSettings
from parallel_orchestra.agents.claude_failures import reset_in_text
from parallel_orchestra.model import FailureClass, Task, Usage
from parallel_orchestra.process import Ending, Exit

CLAUDE = BACKENDS["claude"]
RECORDED = Path(__file__).parent / "recorded_claude"
STAND_IN = Path(__file__).parents[1] / "support" / "stand_in_claude.py"
BOTH = pytest.mark.parametrize("version", ["2.1.197", "2.1.329"])
HEADLESS = ("-p", "--output-format", "stream-json", "--verbose")
#: Half past six before the limit of the recorded runs ends, at 7:59 UTC.
NOW = datetime(2026, 11, 21, 6, 30, tzinfo=timezone.utc).timestamp()


def settings(tmp_path, **more):
    environ = {"PATH": os.environ["PATH"], **more.pop("environ", {})}
    facts = {"claude_exe": str(STAND_IN), "clock": lambda: NOW, **more}
    return AgentSettings(environ=environ, cwd=tmp_path, **facts)


@pytest.fixture
def ask(tmp_path):
    """Returns the answer to an output: `ask(stdout, code, stderr)`."""

    def answer(stdout=b"", code=0, stderr=b"", ending=Ending.EXITED, plan_version="0.2"):
        return CLAUDE.answer(
            Task(id="a", timeout=900.0),
            settings(tmp_path, plan_version=plan_version),
            Exit(ending, code, stdout, stderr),
        )

    return answer


def recorded(name, version):
    return (RECORDED / f"{name}-{version}.jsonl").read_bytes()


def result(**fields):
    told = {"type": "result", "subtype": "success", "is_error": False, "num_turns": 1}
    return json.dumps({**told, "result": "done", **fields}).encode()


def test_a_write_task_may_do_everything(tmp_path):
    task = Task(id="a", agent="coder", model="big")

    call = CLAUDE.call(task, settings(tmp_path))

    assert call.argv == (
        str(STAND_IN), *HEADLESS, "--dangerously-skip-permissions",
        "--agent", "coder", "--model", "big",
    )  # fmt: skip
    assert call.stdin_prompt


def test_a_read_only_task_runs_in_plan_mode(tmp_path):
    call = CLAUDE.call(Task(id="a", read_only=True), settings(tmp_path, as_root=True))

    assert call.argv == (str(STAND_IN), *HEADLESS, "--permission-mode", "plan")
    assert "IS_SANDBOX" not in call.env


def test_root_is_told_to_be_in_a_sandbox_and_the_user_hears_of_it(tmp_path):
    root = settings(tmp_path, as_root=True)

    assert CLAUDE.call(Task(id="a"), root).env["IS_SANDBOX"] == "1"
    assert any("IS_SANDBOX=1" in notice for notice in CLAUDE.notices(root, [Task("a")]))
    # nothing is skipped for those that only read
    assert CLAUDE.notices(root, [Task("a", read_only=True)]) == ()


def test_the_user_hears_that_an_api_key_is_billed(tmp_path):
    with_key = settings(tmp_path, environ={"ANTHROPIC_API_KEY": "sk-ant-fake"})

    assert any("ANTHROPIC_API_KEY" in notice for notice in CLAUDE.notices(with_key, []))
    assert not any(
        "ANTHROPIC_API_KEY" in notice for notice in CLAUDE.notices(settings(tmp_path), [])
    )


@pytest.mark.parametrize(("read_only", "guard"), [(False, "1"), (True, None)])
def test_a_write_task_of_a_published_plan_gets_its_guard_variable(tmp_path, read_only, guard):
    task = Task(id="a", read_only=read_only)

    published = CLAUDE.call(task, settings(tmp_path, plan_version="0.1")).env
    ours = CLAUDE.call(task, settings(tmp_path)).env

    assert published.get("PO_WORKTREE_GUARD") == guard
    assert "PO_WORKTREE_GUARD" not in ours


def test_a_relative_program_is_meant_from_the_users_directory(tmp_path):
    (tmp_path / "mine").symlink_to(STAND_IN)

    call = CLAUDE.call(Task(id="a"), settings(tmp_path, claude_exe="./mine"))

    assert Path(call.argv[0]).is_absolute()
    assert Path(call.argv[0]).samefile(STAND_IN)


def test_a_missing_program_is_a_problem_with_a_remedy(tmp_path):
    problem = CLAUDE.check(settings(tmp_path, claude_exe="no-such-claude"))

    assert problem is not None
    assert problem.what == "the agent program `no-such-claude` is not there or not executable"
    assert problem.where == f"PATH={os.environ['PATH']}"
    assert "--claude-exe PATH" in problem.hint


@BOTH
def test_a_recorded_success_is_read_with_cost_tokens_and_session(ask, version):
    answer = ask(recorded("write", version))

    assert (answer.failure, answer.text) == (None, "I wrote hello.txt.")
    assert answer.usage.cost_usd == pytest.approx(0.01 if version == "2.1.329" else 0.0125)
    assert (answer.usage.input_tokens, answer.usage.output_tokens) == (2000, 100)
    assert answer.usage.turns == 2
    assert len(answer.usage.session) == 36


@BOTH
def test_a_recorded_reviewer_whose_write_was_refused_still_answers(ask, version):
    output = recorded("read-only", version)

    answer = ask(output)

    assert b'"permission_denials":[{"tool_name":"Write"' in output
    assert answer.failure is None


@BOTH
@pytest.mark.parametrize(
    ("name", "failure", "reason"),
    [
        ("limit", FailureClass.USAGE_LIMIT, "You've hit your limit · resets 7:59am (UTC)"),
        ("529", FailureClass.TRANSIENT, "API Error: 529 Overloaded."),
        ("401", FailureClass.AUTH, "Invalid API key · Fix external API key"),
        ("nokey", FailureClass.AUTH, "Not logged in · Please run /login"),
        ("maxturns", FailureClass.MAX_TURNS, "Reached maximum number of turns (2)"),
    ],
)
def test_a_recorded_failure_has_its_class_and_its_words(ask, name, version, failure, reason):
    answer = ask(recorded(name, version), code=1)

    assert answer.failure is failure
    assert answer.reason.startswith(reason)


@BOTH
def test_a_recorded_usage_limit_says_how_long_to_wait(ask, version):
    answer = ask(recorded("limit", version), code=1)

    assert answer.retry_after == pytest.approx(89 * 60, abs=60)


@BOTH
def test_a_recorded_slash_command_is_a_failure_because_no_model_was_asked(ask, version):
    answer = ask(recorded("slash", version))

    assert answer.failure is FailureClass.PERMANENT
    assert answer.reason == "no model was asked: the prompt begins with a slash command"


def test_of_several_results_the_last_one_counts(ask):
    output = result(result="first") + b"\n" + result(result="second") + b'\n{"type":"system"}\n'

    assert ask(output).text == "second"


def test_a_result_is_found_in_an_object_that_is_written_over_many_lines(ask):
    output = b"warning: something\n" + json.dumps(json.loads(result()), indent=2).encode()

    assert (ask(output).failure, ask(output).text) == (None, "done")


@pytest.mark.parametrize("indent", [None, 2])
def test_a_result_is_found_in_an_array_of_events(ask, indent):
    events = [{"type": "system"}, json.loads(result(result="in an array"))]

    assert ask(json.dumps(events, indent=indent).encode()).text == "in an array"


def test_a_result_survives_that_the_output_before_it_was_cut_off(ask):
    output = b'ut off in the middle of a line"}\n' + result()

    assert ask(output).failure is None


def test_tokens_are_summed_over_all_models_with_their_caches(ask):
    counts = {"inputTokens": 1, "cacheReadInputTokens": 10, "cacheCreationInputTokens": 100}
    models = {"one": {**counts, "outputTokens": 5}, "two": {**counts, "outputTokens": 6}}

    answer = ask(result(modelUsage=models, usage={"input_tokens": 7, "output_tokens": 7}))

    assert (answer.usage.input_tokens, answer.usage.output_tokens) == (222, 11)


def test_a_program_that_tells_no_usage_leaves_it_open(ask):
    answer = ask(b'{"type":"result","result":"hi"}')

    assert (answer.failure, answer.text, answer.usage) == (None, "hi", Usage())


def test_a_result_alone_is_no_success_if_the_exit_code_says_otherwise(ask):
    answer = ask(result(), code=1, stderr=b"crashed while saving\n")

    assert (answer.failure, answer.reason) == (
        FailureClass.TRANSIENT,
        "exit code 1: crashed while saving",
    )


@pytest.mark.parametrize(
    ("fields", "failure"),
    [
        ({"api_error_status": 429}, FailureClass.RATE_LIMITED),
        ({"api_error": "usage_limit_reached"}, FailureClass.USAGE_LIMIT),
        ({"result": "You've hit your weekly limit · resets 9pm"}, FailureClass.USAGE_LIMIT),
        ({"api_error_status": 403}, FailureClass.AUTH),
        ({"api_error_status": 402}, FailureClass.AUTH),
        ({"api_error_status": 400, "result": "Credit balance is too low"}, FailureClass.AUTH),
        ({"api_error_status": 400}, FailureClass.PERMANENT),
        ({"api_error_status": 404}, FailureClass.PERMANENT),
        ({"api_error_status": 413, "terminal_reason": "image_error"}, FailureClass.PERMANENT),
        ({"terminal_reason": "prompt_too_long"}, FailureClass.PERMANENT),
        ({"api_error": "max_output_tokens"}, FailureClass.PERMANENT),
        ({"stop_reason": "refusal"}, FailureClass.PERMANENT),
        ({"subtype": "error_max_budget_usd"}, FailureClass.BUDGET),
        ({"terminal_reason": "budget_exhausted"}, FailureClass.BUDGET),
        ({"api_error_status": 408}, FailureClass.TRANSIENT),
        ({"api_error_status": 500}, FailureClass.TRANSIENT),
        ({"api_error_status": 529}, FailureClass.TRANSIENT),
        ({"api_error": "connection_failed"}, FailureClass.TRANSIENT),
        ({"subtype": "error_during_execution"}, FailureClass.TRANSIENT),
        ({}, FailureClass.TRANSIENT),
    ],
    ids=str,
)
def test_an_error_result_is_classified_by_its_signs(ask, fields, failure):
    answer = ask(result(is_error=True, **fields), code=1)

    assert answer.failure is failure
    assert answer.reason


def test_an_interrupted_run_is_a_failure_although_it_exits_with_zero(ask):
    output = result(subtype="error_during_execution", terminal_reason="aborted_tools", result="")

    answer = ask(output, code=0)

    assert (answer.failure, answer.reason) == (FailureClass.TRANSIENT, "aborted_tools")


def test_an_agent_that_was_stopped_still_tells_its_cost(ask):
    output = result(subtype="error_during_execution", total_cost_usd=0.25)

    answer = ask(output, ending=Ending.TIMEOUT)

    assert answer.failure is FailureClass.TIMEOUT
    assert answer.reason == "ran into its limit of 900 s"
    assert answer.usage.cost_usd == pytest.approx(0.25)


@pytest.mark.parametrize(
    "stderr",
    [
        "--agent 'nosuch' not found. Available agents: claude, Explore",
        "error: unknown option '--read-only'",
        "--dangerously-skip-permissions cannot be used with root/sudo privileges",
        "Error: claude native binary not installed.",
    ],
)
@pytest.mark.parametrize("plan_version", ["0.1", "0.2"])
def test_a_program_that_refuses_to_start_is_not_asked_again(ask, stderr, plan_version):
    answer = ask(code=1, stderr=f"{stderr}\n".encode(), plan_version=plan_version)

    assert (answer.failure, answer.reason) == (FailureClass.PERMANENT, f"exit code 1: {stderr}")


def test_no_result_is_a_failure_even_with_exit_code_zero(ask):
    answer = ask(b"plain text\n")

    assert (answer.failure, answer.reason, answer.text) == (
        FailureClass.TRANSIENT,
        "ended with exit code 0 but printed no result",
        "plain text",
    )


@pytest.mark.parametrize("order", [("type", "text"), ("text", "type")], ids=str)
def test_events_are_never_taken_for_words(ask, order):
    event = {"type": "user", "text": "Connection to the rate limit"}
    line = json.dumps({key: event[key] for key in order}).encode()
    output = b"a warning\n" + line + b'\n{"type":"assistant","message":{"cut of'

    answer = ask(output, code=1)

    assert (answer.text, answer.reason) == ("a warning", "exit code 1: a warning")


@pytest.mark.parametrize(
    ("stdout", "failure", "reason"),
    [
        (b"did it\n", None, ""),
        (b"", None, ""),
        (b'did it\n{"status": "DONE", "cycles": "three"}\n', None, ""),
        (b'{"status":"FAILED"}\nall good\n', None, ""),
        (b'{"status":"FAILED","reason":"red"}\n', FailureClass.TRANSIENT, "red"),
        (
            b'x\n{"status": "failed", "cycles": "three"}\n\n',
            FailureClass.TRANSIENT,
            "the agent's last line says FAILED",
        ),
    ],
    ids=str,
)
def test_the_last_line_of_a_published_plans_agent_may_say_that_it_failed(
    ask, stdout, failure, reason
):
    answer = ask(stdout, plan_version="0.1")

    assert (answer.failure, answer.reason) == (failure, reason)


@pytest.mark.parametrize(
    ("code", "stderr", "failure"),
    [
        (1, "oops", FailureClass.TRANSIENT),
        (2, "usage", FailureClass.PERMANENT),
        (126, "not executable", FailureClass.PERMANENT),
        (127, "not found", FailureClass.PERMANENT),
        (1, "rate limit exceeded", FailureClass.RATE_LIMITED),
        (1, "429 Too Many Requests", FailureClass.RATE_LIMITED),
        (1, "Invalid API key", FailureClass.AUTH),
        (1, "overloaded_error 529", FailureClass.TRANSIENT),
        (1, "rm: x: Permission denied", FailureClass.TRANSIENT),
    ],
)
def test_the_exit_code_of_a_published_plans_agent_is_classified_by_what_it_says(
    ask, code, stderr, failure
):
    answer = ask(b"plain\n", code, stderr.encode(), plan_version="0.1")

    assert (answer.failure, answer.reason) == (failure, f"exit code {code}: {stderr}")


def test_the_published_last_line_counts_inside_a_result_too(ask):
    said = 'I tried.\n{"status": "FAILED", "reason": "tests are red"}'

    published = ask(result(result=said), plan_version="0.1")

    assert (published.failure, published.reason) == (FailureClass.TRANSIENT, "tests are red")
    assert ask(result(result=said)).failure is None


@pytest.mark.parametrize(
    ("said", "hours"),
    [
        ("resets 7am (UTC)", 0.5),
        ("resets at 7:30am (UTC)", 1.0),
        ("resets 6:29am (UTC)", 24 - 1 / 60),
        ("resets 12pm", 5.5),
        ("resets 12:30am (UTC)", 18.0),
        ("resets Nov 23, 4:30pm (UTC)", 58.0),
        ("resets Jan 1, 6:30am (UTC)", 41 * 24.0),
    ],
)
def test_a_reset_time_in_words_is_the_first_such_time_to_come(said, hours):
    at = reset_in_text(f"You've hit your limit · {said}", NOW)

    # the minute that is named is over then
    assert at == pytest.approx(NOW + hours * 3600 + 60)


@pytest.mark.parametrize(
    "said",
    ["", "resets soon", "resets 13pm (UTC)", "resets 7:99am", "resets Foo 3, 4pm", "resets Feb 31, 4pm",
     "resets 7am (No/Where)", "resets 7am (../etc/passwd)"],
)  # fmt: skip
def test_words_that_name_no_time_are_no_reset_time(said):
    assert reset_in_text(said, NOW) is None


def used(total, models, this_run):
    """Returns a result: what it cost, its tokens by model, and those that `usage` tells."""
    counts = dict(zip(("inputTokens", "outputTokens"), models, strict=True))
    run = dict(zip(("input_tokens", "output_tokens"), this_run, strict=True))
    return result(total_cost_usd=total, modelUsage={"m": counts}, usage=run)


@pytest.mark.parametrize(
    ("told", "since"),
    [
        pytest.param(
            used(0.02, (4000, 200), (2000, 100)), (0.01, 2000, 100), id="2.1.329-all-of-it"
        ),
        pytest.param(used(0.01, (2000, 100), (2000, 100)), (0.01, 2000, 100), id="2.1.197-less"),
        pytest.param(
            used(0.03, (6000, 300), (6000, 300)), (0.03, 6000, 300), id="2.1.197-more-than-before"
        ),
        pytest.param(
            used(0.05, (9000, 500), (2000, 100)), (0.04, 7000, 400), id="2.1.329-with-sub-agents"
        ),
        pytest.param(
            result(total_cost_usd=0.02, modelUsage={}), (0.02, None, None), id="no-tokens-told"
        ),
    ],
)
def test_of_a_session_that_goes_on_only_what_was_used_since_is_told(told, since, tmp_path):
    before = Usage(cost_usd=0.01, input_tokens=2000, output_tokens=100)

    usage = CLAUDE.answer(
        Task(id="a"), settings(tmp_path), Exit(Ending.EXITED, 0, told), before
    ).usage

    assert (usage.cost_usd, usage.input_tokens, usage.output_tokens) == (
        pytest.approx(since[0]),
        *since[1:],
    )


def test_what_an_ended_attempt_of_the_session_never_told_is_told_by_the_next(tmp_path):
    usage = CLAUDE.answer(
        Task(id="a"),
        settings(tmp_path),
        Exit(Ending.EXITED, 0, used(0.02, (4000, 200), (2000, 100))),
        Usage(),
    ).usage

    assert (usage.cost_usd, usage.input_tokens) == (0.02, 4000)
