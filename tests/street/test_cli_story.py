"""What scrolls up above the live picture, as plain lines."""

from parallel_orchestra.cli.ink import UNICODE, Piece, plain_text
from parallel_orchestra.cli.story import Story
from parallel_orchestra.cli.tinted import folded
from parallel_orchestra.events import AttemptEnded, Claimed, Failed, Kept, Merged, Returned, Warned
from parallel_orchestra.git import Extent

T = 1000.0
COMMIT = "a" * 40


def told(*events, width=80, size=None, elsewhere="", said=""):
    story = Story(UNICODE, lambda _: size, lambda *_: said, elsewhere)
    return [plain_text(line) for event in events for line in story.lines(event, width)]


def test_a_merged_task_is_told_with_its_lines_and_its_commit():
    events = (Claimed(T, "api", 2, 1), Merged(T, "api", 2, COMMIT))

    lines = told(*events, AttemptEnded(T, "api", 2, 65.0, cost_usd=0.25), size=Extent(3, 12, 4))

    assert lines == [f"✓ api  merged  +12 -4 in 3 files  {'a' * 12}  1 min 05 s  attempt 2  $0.25"]


def test_where_it_is_narrow_the_commit_is_short():
    events = (Merged(T, "api", 1, COMMIT), AttemptEnded(T, "api", 1, 2.0))

    assert told(*events, width=40, size=Extent(1, 1, 0)) == ["✓ api  +1 -0  aaaaaaa  2.0 s"]


def test_what_git_can_not_tell_is_left_out():
    events = (Merged(T, "api", 1, COMMIT), AttemptEnded(T, "api", 1, 2.0))

    assert told(*events) == [f"✓ api  merged  {'a' * 12}  2.0 s"]


def test_a_task_that_merges_nothing_is_done():
    assert told(AttemptEnded(T, "look", 1, 2.0)) == ["✓ look  2.0 s"]


def test_a_failure_has_its_reason_cut_and_its_command_whole():
    event = Failed(T, "api", 2, "verify", "1 failed\x1b[2J: " + "x" * 200)

    lines = told(
        AttemptEnded(T, "api", 2, 1.0, "verify"), event, width=50, elsewhere=" --tasks-dir /x"
    )

    assert lines == [
        "✗ api  failed: verify  attempt 2  1 failed:",
        "  " + "x" * 48,
        "  " + "x" * 27 + "…",
        "  next: parallel-orchestra why api --tasks-dir /x",
    ]


def test_a_failed_command_is_told_with_the_line_of_its_log_that_says_why():
    ended = AttemptEnded(T, "api", 1, 1.0, "verify", log="verify.log")
    event = Failed(T, "api", 1, "verify", "`pytest -q` exited with code 1")
    said = (
        "collected 3\nFAILED t.py::refund - 12 != 21\x1b[2J " + "x" * 60 + "\n1 failed, 2 passed\n"
    )

    lines = told(ended, event, width=50, said=said)

    assert lines == [
        "✗ api  failed: verify  `pytest -q` exited with",
        "  code 1",
        "  | FAILED t.py::refund - 12 != 21",
        "  | " + "x" * 46,
        "  | " + "x" * 14,
        "  next: parallel-orchestra why api",
    ]


def test_one_long_word_that_a_command_printed_fills_rows_beside_its_mark():
    printed = (Piece("  | " + "x" * 30 + " end", "quiet"),)

    rows = list(folded(printed, 20))

    assert [plain_text(row) for row in rows] == ["  | " + "x" * 16, "  | " + "x" * 14, "  | end"]
    assert {piece.look for row in rows for piece in row} == {"quiet"}


def test_what_an_agent_said_is_not_told_twice():
    ended = AttemptEnded(T, "api", 1, 1.0, "agent", log="qa.log")

    lines = told(ended, Failed(T, "api", 1, "agent", "gave up"), said="error: gave up")

    assert lines == ["✗ api  failed: agent  gave up", "  next: parallel-orchestra why api"]


def test_a_conflict_leads_to_what_says_how_to_resolve_it():
    kept = Kept(T, "api", 1, "refs/heads/orchestra-kept/x/api-1", ("a.py",))

    lines = told(kept, Failed(T, "api", 1, "conflict", "in 1 file"))

    assert lines == [
        "→ api  kept  branch orchestra-kept/x/api-1  a.py",
        "✗ api  failed: conflict  in 1 file",
        "  next: parallel-orchestra why api",
    ]


def test_other_events_are_told_as_lines_are():
    lines = told(Returned(T, "api", 1, "timeout", "60 s", T + 1.5), Warned(T, "", "half full"))

    assert lines == [
        "↻ api  again  attempt 1  timeout: 60 s (next attempt in 1.5 s)",
        "→ warning  half full",
    ]
