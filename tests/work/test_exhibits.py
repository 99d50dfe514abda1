"""What a report shows of an attempt's files: the ends that tell, never all of them."""

from pathlib import Path

import pytest

from parallel_orchestra.agents import AgentSettings, backend_of
from parallel_orchestra.conductor.exhibits import _exhibits
from parallel_orchestra.progress import Stretch
from support import runs

READER = backend_of("claude", AgentSettings({}, Path("/x"), templates={})).acts
EVENT = (
    '{"type":"result","subtype":"success","is_error":false,"num_turns":2,"result":"It is done."}'
)


@pytest.fixture
def folder(tmp_path):
    made = tmp_path / "attempts" / "x" / "1.me"
    made.mkdir(parents=True)
    return made


def shown(root, **facts):
    attempt = runs.attempt(**facts)
    found = _exhibits(root, "attempts/x/1.me", attempt, {"agent.log": READER})
    return {one.name: one for one in found}


def test_events_of_an_agent_are_told_and_what_stands_beside_them_is_kept(tmp_path, folder):
    (folder / "agent.log").write_text(f"at work\n{EVENT}\n")

    text = shown(tmp_path)["agent.log"].text

    assert text == "at work\nnote    ended after 2 turns"


def test_the_logs_come_in_the_order_in_which_they_were_written(tmp_path, folder):
    names = ("prompt.md", "agent.log", "verify.log", "verify-2.log", "verify-10.log", "qa.log")
    for name in (*names, "setup.log", "result.json", "agent.log.latest"):
        (folder / name).write_text("x")

    found = shown(tmp_path, phases=(Stretch("agent", runs.START),))

    assert tuple(found) == names


def test_a_set_up_is_shown_where_its_agent_never_started(tmp_path, folder):
    (folder / "setup.log").write_text("npm: not found\n")

    assert shown(tmp_path, failure="environment")["setup.log"].text == "npm: not found"


def test_of_a_long_log_the_end_is_shown_and_of_a_long_prompt_the_beginning(tmp_path, folder):
    (folder / "verify.log").write_text("".join(f"line {at}\n" for at in range(50_000)))
    (folder / "prompt.md").write_text("do this\n" + "x" * 100_000)

    found = shown(tmp_path)

    assert found["verify.log"].text.endswith("line 49998\nline 49999")
    assert found["prompt.md"].text.startswith("do this\n")
    assert all(one.cut and len(one.text) <= 6000 for one in found.values())


def test_half_an_escape_sequence_is_never_shown(tmp_path, folder):
    (folder / "verify.log").write_text("\x1b[31m" * 200 + "no\n")

    assert shown(tmp_path)["verify.log"].text == "no"


def test_an_attempt_that_left_nothing_shows_nothing(tmp_path):
    assert shown(tmp_path) == {}
