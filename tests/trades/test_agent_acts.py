"""What agents did, as people read it: from what the real ones printed, and line by line."""

import json
from pathlib import Path

import pytest

from parallel_orchestra.agents import BACKENDS
from parallel_orchestra.agents.acts import (
    brief,
    command_of,
    plan_of,
    use_of,
)
from parallel_orchestra.agents.story import LONGEST_LINE, Story, retold

RECORDED = Path(__file__).parent / "recorded_acts"


def told(backend, *lines, end=True):
    """Returns what is shown of these lines, events or text."""
    story = Story(BACKENDS[backend].acts, lambda text: text.replace("/recorded/work/", ""))
    texts = [line if isinstance(line, str) else json.dumps(line) for line in lines]
    shown = [one for text in texts for one in story.take(text)]
    return shown + (story.end() if end else [])


@pytest.mark.parametrize("backend", ["claude", "codex", "gemini", "opencode"])
def test_what_a_real_agent_printed_reads_as_what_it_did(backend):
    lines = (RECORDED / f"{backend}.jsonl").read_text(encoding="utf-8").splitlines()

    shown = "\n".join(told(backend, *lines)) + "\n"

    assert shown == (RECORDED / f"{backend}.txt").read_text(encoding="utf-8")


@pytest.mark.parametrize("backend", ["claude", "codex", "gemini", "opencode"])
def test_the_end_of_what_a_real_agent_printed_is_retold_without_the_event_that_was_cut(backend):
    printed = (RECORDED / f"{backend}.jsonl").read_text(encoding="utf-8")

    told = retold(printed[40:], BACKENDS[backend].acts, lambda text: text)

    assert told.splitlines()[-1].startswith(("note ", "says ", "   "))
    assert not any(line.startswith("{") or line.endswith("}") for line in told.splitlines())


def test_an_output_without_events_is_retold_as_it_is():
    said = "warning: a\n\n  b\n"

    assert retold(said, BACKENDS["claude"].acts, str.upper) == said
    assert retold("", BACKENDS["claude"].acts, str.upper) == ""


def claude(*blocks, kind="assistant", **more):
    return {"type": kind, "message": {"content": list(blocks)}, **more}


def use(id_, name, **given):
    return claude({"type": "tool_use", "id": id_, "name": name, "input": given})


def came_back(id_, content, *, wrong=False):
    block = {"type": "tool_result", "tool_use_id": id_, "content": content, "is_error": wrong}
    return claude(block, kind="user")


def test_acts_at_the_same_time_are_joined_each_with_its_own_end():
    lines = told(
        "claude",
        use("a", "Bash", command="npm test"),
        use("b", "Read", file_path="/recorded/work/src/a.py"),
        came_back("b", "text"),
        came_back("a", [{"type": "text", "text": "Exit code 1\n2 failed"}], wrong=True),
    )

    assert lines == ["ok      read src/a.py", "failed  run npm test: Exit code 1 2 failed"]


def test_what_has_begun_is_shown_once_to_who_waits_and_again_at_its_end():
    story = Story(BACKENDS["claude"].acts)
    story.take(json.dumps(use("a", "Bash", command="sleep 60")))

    assert story.so_far() == ["...     run sleep 60"]
    assert story.so_far() == []
    assert story.latest == "run sleep 60"
    assert story.take(json.dumps(came_back("a", ""))) == ["ok      run sleep 60"]


def test_of_plain_output_the_last_line_is_the_latest():
    story = Story(BACKENDS["command"].acts)

    story.take("compiling \x1b[32mone\x1b[0m")
    story.take("")

    assert story.latest == "compiling one"


def test_what_never_ended_is_shown_at_the_end():
    assert told("claude", use("a", "Bash", command="sleep 60")) == ["...     run sleep 60"]


def test_thoughts_and_what_the_user_said_are_not_shown():
    thought = {"type": "thinking", "thinking": "hmm", "signature": "x"}
    said = {"type": "text", "text": "the prompt"}

    assert told("claude", claude(thought), claude(said, kind="user")) == []


def test_what_happens_to_claude_is_noted():
    lines = told(
        "claude",
        {
            "type": "system",
            "subtype": "api_retry",
            "attempt": 2,
            "max_retries": 10,
            "error_status": 529,
        },
        {"type": "system", "subtype": "compact_boundary"},
        {"type": "rate_limit_event", "rate_limit_info": {"status": "allowed"}},
        {"type": "rate_limit_event", "rate_limit_info": {"status": "allowed_warning"}},
        {"type": "result", "subtype": "error_max_turns", "is_error": True, "num_turns": 1},
    )

    assert lines == [
        "note    the service did not answer (529): asks again, 2 of 10",
        "note    its conversation was made shorter",
        "note    usage limit: allowed warning",
        "note    failed after 1 turn: error max turns",
    ]


def test_what_codex_changes_searches_and_plans_is_told():
    lines = told(
        "codex",
        item("file_change", changes=[{"path": "/recorded/work/a.py", "kind": "add"}]),
        item(
            "file_change", changes=[{"path": "a", "kind": "add"}, {"path": "b", "kind": "update"}]
        ),
        item("file_change", changes=[{"path": "a", "kind": "delete"}], status="failed"),
        item("web_search", query="how to"),
        item("mcp_tool_call", server="db", tool="ask", arguments={"query": "select 1"}),
        item("mcp_tool_call", server="db", tool="ask", error={"message": "no"}, status="failed"),
        item(
            "todo_list", items=[{"text": "dig", "completed": True}, {"text": "sow"}], of="updated"
        ),
        item("todo_list", items=[{"text": "dig", "completed": True}, {"text": "sow"}]),
        item("reasoning", text="hmm"),
        {"type": "turn.failed", "error": {"message": "out of room"}},
    )

    assert lines == [
        "ok      write a.py",
        "ok      edit a, b",
        "failed  delete a",
        "ok      fetch how to",
        "ok      db.ask select 1",
        "failed  db.ask: no",
        "note    plan 1 of 2 done: sow",
        "note    failed: out of room",
    ]


def item(kind, of="completed", **facts):
    return {"type": f"item.{of}", "item": {"id": "x", "type": kind, **facts}}


def test_words_that_come_in_pieces_are_joined():
    def piece(text):
        return {"type": "message", "role": "assistant", "content": text, "delta": True}

    use = {"type": "tool_use", "tool_name": "read_file", "tool_id": "1", "parameters": {}}

    assert told("gemini", piece("I am d"), piece("one.\nBye"), use, piece("!")) == [
        "says    I am done.",
        "        Bye",
        "says    !",
        "...     read",
    ]


def test_plain_lines_stand_as_they_are_between_acts():
    lines = told("claude", "npm warn: old", use("a", "Read", file_path="x"), "more \x1b[31mred")

    assert lines == ["npm warn: old", "more red", "...     read x"]


def test_the_rest_of_an_event_after_a_gap_is_not_taken_for_words():
    lines = told(
        "claude",
        use("a", "Read", file_path="x"),
        '{"type":"user","message":{"content":[{"type":"tool_res',
        "[... 12345 bytes left out ...]",
        'ult","content":"yyy"}]}}',
        use("b", "Read", file_path="y"),
        "a line",
    )

    assert lines[:2] == ["[... 12345 bytes left out ...]", "a line"]


def test_a_gap_in_plain_text_leaves_both_ends():
    gap = "[... 5 bytes left out ...]"

    assert told("command", "begi", gap, "end") == ["begi", gap, "end"]


@pytest.mark.parametrize("backend", ["claude", "command"])
def test_a_line_of_ten_megabytes_is_cut(backend):
    (shown,) = told(backend, "\u202e\x1b]0;x\x07" + "x" * 10_000_000)

    assert shown == "x" * LONGEST_LINE + f" [... {10_000_000 - LONGEST_LINE} characters more ...]"


def test_an_event_of_ten_megabytes_is_one_short_line():
    (shown,) = told(
        "claude", use("a", "Bash", command="x" * 10_000_000), came_back("a", "y" * 10**7)
    )

    assert len(shown) < 200


def test_a_progress_bar_is_not_a_thousand_lines():
    shown = told("command", "\r".join(f"{n} %" for n in range(1000)))

    assert (shown[0], shown[-1]) == ("0 %", "[... 936 lines more ...]")


def test_what_agents_say_can_pretend_to_be_nothing_else():
    text = "done\x1b[2K\rok      run rm -rf /\u2028failed  x"

    assert told("claude", claude({"type": "text", "text": text})) == [
        "says    done",
        "        ok      run rm -rf /",
        "        failed  x",
    ]


@pytest.mark.parametrize(
    ("tool", "given", "words"),
    [
        ("Bash", {"command": "ls\n-la", "description": "look"}, "run ls -la"),
        ("MultiEdit", {"file_path": "a.py"}, "edit a.py"),
        ("Grep", {"pattern": "x", "path": "src"}, "search x"),
        ("list_directory", {"dir_path": "src"}, "search src"),
        ("WebFetch", {"url": "http://a", "prompt": "say"}, "fetch http://a"),
        ("mcp__db__query", {"sql": "select"}, "mcp__db__query"),
        ("shell", {"command": ["bash", "-lc", "make it"]}, "run make it"),
        ("Skill", {"skill": "tdd"}, "Skill tdd"),
        ("TodoWrite", {"todos": [{"content": "a", "status": "completed"}]}, "plan 1 of 1 done"),
        (None, None, "a tool without a name"),
    ],
)
def test_a_use_of_a_tool_is_a_verb_and_its_object(tool, given, words):
    assert use_of(tool, given) == words


@pytest.mark.parametrize(
    ("command", "words"),
    [
        ("/bin/bash -lc 'npm test'", "npm test"),
        ("bash -lc \"echo 'a'\"", "echo 'a'"),
        ("npm test", "npm test"),
        ("echo 'open", "echo 'open"),
        (["sh", "-c", "x"], "x"),
        (["ls", "-l"], "ls -l"),
        (7, ""),
    ],
)
def test_a_shell_is_what_it_is_told(command, words):
    assert command_of(command) == words


def test_a_plan_without_items_is_nothing():
    assert (plan_of([]), plan_of("x"), plan_of([7])) == ("", "", "")


def test_brief_words_are_one_line():
    assert (brief("a\n\x1b[1mb"), brief("x" * 500, 10), brief(7)) == ("a b", "xxxxxx ...", "")
