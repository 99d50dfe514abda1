"""The window of `watch`, as plain lines."""

from dataclasses import replace

import pytest

from parallel_orchestra.cli.ink import ASCII, UNICODE, Piece, length, plain_text
from parallel_orchestra.cli.watch.layout import Seen, listed, window
from parallel_orchestra.cli.watch.state import Pane, View
from parallel_orchestra.progress import Outcome, Stretch
from support import runs

NOW = runs.START + 60.0


def a_run(count=3):
    at_work = runs.attempt(started=runs.START + 50, seconds=None)
    return runs.run(
        runs.task("done"),
        *(
            runs.task(f"task-{n}", attempts=(at_work,), outcome=Outcome.RUNNING)
            for n in range(count)
        ),
        runs.task("bad", outcome=Outcome.FAILED, failure="verify", reason="3 failed"),
        ended=None,
    )


def shown(seen, view, width=80, height=20, signs=UNICODE):
    view, lines = window(seen, view, NOW, width, height, signs)
    return view, [plain_text(line).rstrip() for line in lines]


def test_who_runs_is_listed_first_and_then_who_needs_a_person():
    assert [task.id for task in listed(a_run(2))] == ["task-0", "task-1", "bad", "done"]


@pytest.mark.parametrize("signs", [UNICODE, ASCII], ids=["unicode", "ascii"])
@pytest.mark.parametrize(("width", "height"), [(40, 10), (80, 24), (140, 12), (200, 60)])
def test_the_window_fits_the_terminal_whatever_it_shows(width, height, signs):
    long = (Piece("編集 " * 99, "bad"),)
    seen = Seen(a_run(40), {"task-0": "x" * 300}, [long] * 50)

    _, lines = window(seen, View(task="task-30"), NOW, width, height, signs)

    assert len(lines) == height
    assert max(length(line) for line in lines) <= width


def test_the_chosen_task_is_in_sight_in_a_long_list():
    _, lines = shown(Seen(a_run(60)), View(task="task-45"))

    assert any("task-45" in line and line.startswith("→") for line in lines)


def test_an_agent_that_prints_nothing_is_shown_as_at_work():
    silent = replace(
        runs.attempt(started=NOW - 9, seconds=None), phases=(Stretch("agent", NOW - 8),)
    )
    tasks = (
        runs.task("silent", attempts=(silent,), outcome=Outcome.RUNNING),
        runs.task(
            "new", attempts=(runs.attempt(started=NOW, seconds=None),), outcome=Outcome.RUNNING
        ),
    )

    _, lines = shown(Seen(runs.run(*tasks, ended=None)), View())

    assert [line.split()[1:3] for line in lines[3:5]] == [["silent", "agent"], ["new", "set-up"]]


def test_a_run_that_was_killed_has_nobody_at_work():
    seen = Seen(replace(a_run(1), killed="process 1 is gone"), {"task-0": "edit x"})

    _, lines = shown(seen, View(task="task-0"))

    told = "killed: process 1 is gone; `parallel-orchestra status` says how to go on"
    assert lines[0].endswith(told)
    assert lines[3] == "→✗ task-0 deserted          0 s  whoever goes on with the run has it"


def test_long_words_are_wrapped_and_a_diff_is_cut():
    seen = Seen(a_run(1), lines=[(Piece("word " * 20),)])

    _, log = shown(seen, View(task="bad", whole=True), 40)
    _, diff = shown(seen, View(task="bad", whole=True, pane=Pane.DIFF), 40)

    assert [line.count("word") for line in log[4:7]] == [8, 8, 4]
    assert diff[4].endswith("word…")
    assert [line.count("word") for line in diff[5:7]] == [0, 0]
