"""The live picture as plain values: what its lines say, and how wide they are."""

import pytest

from parallel_orchestra.cli.frame import Sight, frame
from parallel_orchestra.cli.ink import ASCII, UNICODE, length, plain_text
from parallel_orchestra.conductor import Snapshot
from parallel_orchestra.conductor.control import Running

T = 1000.0


def snapshot(*running, stopping=False, **counts):
    counts = {"done": 3, "failed": 0, "locked": len(running), "total": 12} | counts
    return Snapshot(running=running, stopping=stopping, **counts)


def shown(*arguments, **facts):
    return [plain_text(line) for line in frame(*arguments, **facts)]


def test_the_picture_has_two_lines_on_the_run_and_one_per_running_task():
    shot = snapshot(
        Running("api", 1, 2, T - 65),
        Running("documents", 2, 1, T - 3),
        failed=1,
        locked=3,
        elsewhere=1,
        skipped=1,
    )
    sight = Sight(
        doing={"api": "edit src/\x1b[31mapi.py"},
        phases={"api": "verify", "documents": "agent"},
        left=125.0,
        cost=1.5,
    )

    lines = shown(shot, 90.0, T, 80, 24, sight)

    assert lines == [
        "████████████████░░░░░░░░░░░░░░░░░░░░░░░░ 5/12  1 min 30 s, about 2 min 05 s left",
        "3 done, 1 failed, 3 running (1 elsewhere), 4 waiting, 1 skipped, $1.50",
        " 1 documents ↻2 agent          3 s  ",
        " 2 api          verify  1 min 05 s  edit src/api.py",
    ]


@pytest.mark.parametrize("signs", [UNICODE, ASCII], ids=["unicode", "ascii"])
@pytest.mark.parametrize("width", [20, 39, 40, 80, 120, 200])
def test_no_line_is_wider_than_the_terminal_whatever_stands_in_it(width, signs):
    names = ["a", "an-id-of-" + "x" * 55, "b"]
    running = [Running(name, 12, n, T - 9000 * n) for n, name in enumerate(names)]
    acts = dict.fromkeys(names, "編集 src/ファイル.py \U0001f600\u202egnp\x1b[2J" * 9)
    sight = Sight(acts, dict.fromkeys(names, "set-up"), 98765.0, 1234.5)

    lines = frame(snapshot(*running, stopping=True, locked=9), 7e4, T, width, 24, sight, signs)

    assert max(length(line) for line in lines) <= width
    assert not any(sign in plain_text(line) for line in lines for sign in "\x1b\u202e\n")
    assert signs is UNICODE or "█" not in plain_text(lines[0])


def test_the_picture_fits_a_low_terminal_and_says_how_many_it_leaves_out():
    shot = snapshot(*(Running(f"task-{n}", 1, n, T) for n in range(1, 9)), stopping=True)

    lines = shown(shot, 1.0, T, 60, 9)

    assert len(lines) == 5
    assert lines[1].startswith("stopping: Ctrl-C ends all at once, 3 done")
    assert lines[2].startswith(" 1 task-1")
    assert lines[-1] == "    and 6 more"


def test_where_it_is_narrow_times_are_short_and_ids_are_cut():
    shot = snapshot(Running("a-rather-long-name-of-a-task", 1, 1, T - 3), failed=1)

    lines = shown(shot, 90.0, T, 40, 24, Sight(phases={"a-rather-long-name-of-a-task": "agent"}))

    assert lines == [
        "██████████░░░░░░░░░░░░░░░░░░░ 4/12  1:30",
        "3 done, 1 failed, 1 running, 7 waiting",
        " 1 a-rather-lon…    agent   0:03  ",
    ]


def test_where_it_is_narrow_what_there_is_none_of_is_left_out():
    shot = snapshot(Running("slow", 1, 1, T), done=6, failed=3, skipped=2)

    line = shown(shot, 9.0, T, 40, 24)[1]

    assert line == "6 done, 3 failed, 1 running, 2 skipped"


def test_where_many_numbers_have_to_fit_their_words_are_short():
    shot = snapshot(Running("slow", 1, 1, T), done=48, failed=6, locked=6, total=120, skipped=8)

    line = shown(shot, 9.0, T, 39, 24)[1]

    assert line == "48 done, 6 fail, 6 run, 52 wait, 8 skip"


def test_of_few_failures_among_many_tasks_something_is_seen_in_the_bar():
    line = frame(snapshot(failed=1, done=0, total=300), 1.0, T, 80, 24)[0]

    assert [piece.look for piece in line[:3]] == ["bad", "quiet", "name"]
