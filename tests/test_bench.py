"""The bench: what it makes of two sides, and when it says that a goal was missed."""

import json
import os
import sys

import pytest

sys.path.append(os.path.join(os.path.dirname(__file__), "bench"))

import others
import spent
import waits
from measuring import Goal, Result, Unfinished, interleaved, timed

from bench import run  # not `import run`: the fuzzer and the model have one, too


@pytest.fixture
def one_row(monkeypatch):
    """Has the bench know one row only, with what it is to yield."""

    def know(*results):
        monkeypatch.setattr(run, "ROWS", {"only": lambda _: results})

    return know


def test_both_sides_run_in_turn_and_the_ratio_is_that_of_a_pair():
    order = []

    def side(name):
        order.append(name)
        return timed(["true"], None, os.environ)

    result = interleaved("one", lambda: side("a"), "two", lambda: side("b"), 2, Goal(1000.0))

    assert order == ["a", "b", "a", "b"]
    assert result.values == (
        result.ours[0] / result.other[0],
        result.ours[1] / result.other[1],
    )
    assert not result.missed_by


def test_a_missed_goal_ends_with_1_and_tells_by_how_much(one_row, capsys):
    one_row(
        Result("start", ours=(4.0, 6.0, 9.0), beside="x", other=(2.0, 2.0, 3.0), goal=Goal(2.0))
    )

    code = run.main(["--runs", "3", "only"])

    assert code == 1
    said = capsys.readouterr().out
    assert "start / x" in said
    assert "3.00 x (2.00 to 3.00), goal <= 2: MISSED by 50%" in said


def test_a_rate_that_must_be_at_least_so_high_is_met_by_a_higher_one():
    assert Goal(0.5, at_least=True).missed_by(0.6) == 0.0
    assert Goal(0.5, at_least=True).missed_by(0.25) == 1.0


def test_what_cannot_be_had_is_skipped_and_misses_nothing(one_row, capsys):
    one_row(Result("tasks", beside="other", goal=Goal(1.0), skipped="not installed"))

    code = run.main(["only"])

    assert code == 0
    assert "skipped: not installed" in capsys.readouterr().out


def test_the_page_shows_the_last_figures_of_each_row_between_its_marks(one_row, tmp_path):
    data, page = tmp_path / "raw.json", tmp_path / "page.md"
    page.write_text("# Speed\n\n<!-- measured -->\nold\n<!-- end of measured -->\n\nEnd.\n")
    for seconds in (9.0, 3.0):
        one_row(Result("idle", "s", (seconds,), goal=Goal(2.0)))
        run.main(["--json", str(data), "--page", str(page), "only"])

    text = page.read_text()

    assert json.loads(data.read_text())["only"]["results"][0]["ours"] == [3.0]
    assert (
        "| `only` | idle |  | 3 s |  | 3.00 s (3.00 to 3.00) |  | <= 2, **missed by 50%** |" in text
    )
    assert "old" not in text
    assert (text[:8], text[-5:]) == ("# Speed\n", "End.\n")


def test_a_program_that_cannot_be_had_leaves_the_others_beside_ours(monkeypatch):
    def had(jobs, workers):
        return timed(["true"], None, os.environ)

    def missing(jobs, workers):
        raise others.Missing("no network")

    monkeypatch.setattr(others, "FROM_FILES", {"make": had, "doit": missing})

    rounds = [others.from_files(lambda program: program((), 1).seconds) for _ in range(2)]
    make, doit = others.told("chain", "ms", (1.0, 2.0), rounds)

    assert (make.beside, len(make.other), make.skipped) == ("make", 2, "")
    assert (doit.beside, doit.other, doit.skipped) == ("doit", (), "no network")


def test_a_hand_over_is_from_the_end_of_a_step_to_the_second_start_of_the_next():
    stamps = []
    for step in range(waits._STEPS):
        stamps += [f"began {step} {step}.1", f"began {step} {step}.3", f"ended {step} {step}.5"]

    gaps = waits._gaps([*stamps, "ended 4 4.8"])

    assert [round(gap, 3) for gap in gaps] == [0.8, 0.8, 0.8, 0.5, *[0.8] * (waits._STEPS - 6)]


def test_a_tool_that_fails_now_and_then_is_asked_again_and_one_that_always_does_is_skipped(
    monkeypatch,
):
    tries = []

    def fails(*words, **more):
        tries.append(1)
        if len(tries) != 3:
            raise Unfinished("ended with 3: said much\nno worktree\n")
        return timed(["true"], None, os.environ)

    monkeypatch.setattr(others.Program, "path", lambda _: "tool")
    monkeypatch.setattr(others, "_published_once", fails)

    third = others.published(1, 2, files=1, writes=True)

    assert third.seconds > 0.0
    with pytest.raises(others.Missing, match="failed 4 times: no worktree"):
        others.published(1, 2, files=1, writes=True)


def test_time_is_counted_to_the_room_of_ours_that_is_deepest_and_only_of_workers():
    worker = "Worker.run (parallel_orchestra/worker/thread.py:30);"
    board = "Board.next (parallel_orchestra/board/board.py:34);"
    stacks = [
        f"Thread.run (threading.py:1);{worker}{board}Condition.wait (threading.py:295) 3",
        f"{worker}{board}TaskStore.claim (/x/parallel_orchestra/store/tasks.py:9) 4",
        f"{worker}{board}TaskStore._rename (/x/parallel_orchestra/store/tasks.py:9) 1",
        "GroupCommit._work (parallel_orchestra/store/group_commit.py:69) 50",
        "Worker.run (somebody/else.py:1) 50",
    ]

    found = spent.by_room(stacks)

    assert found == [
        spent.Spent("store", 5, ("TaskStore.claim", "TaskStore._rename")),
        spent.Spent("board", 3, ("Board.next",)),
    ]
    assert list(spent.table(found, 10))[2:] == [
        "| `store` | 5.000 | 62% | `TaskStore.claim`, `TaskStore._rename` |",
        "| `board` | 3.000 | 38% | `Board.next` |",
        "| all | 8.000 | 100% | |",
    ]
