"""What a finished run left to be said is said while its directory and its branch are as they were."""

import json
import os
import shutil

import pytest

from parallel_orchestra.states import TaskState
from parallel_orchestra.store.standing import Word, keep, kept, sight_of
from support.tasks_dir import ME, OTHER, tasks_dir

LINES = ("2 completed / 2 total (0 in progress, 0 failed)", "warning: odd")
TIP = "1" * 40


@pytest.fixture
def layout(tmp_path):
    """A finished run of two tasks, whose conductor left word of it."""
    layout = tasks_dir(tmp_path)
    for task in "ab":
        (layout.state(TaskState.DONE) / f"{task}.a1f0.{ME}.md").write_text(task)
    (layout.journal / f"{ME}.jsonl").write_text("{}\n")
    (layout.run_file).write_text("{}")
    ref = tmp_path / "ref"
    ref.write_text(f"{TIP}\n")
    keep(layout, Word(LINES, ref, TIP), sight_of(layout))
    return layout


def move(layout, old, new):
    os.rename(layout.root / old, layout.root / new)


def write(layout, name, text):
    (layout.root / name).write_text(text)


CHANGES = {
    "a task was moved": lambda layout: move(
        layout, f"done/a.a1f0.{ME}.md", f"available/a.a1f0.{ME}.md"
    ),
    "a task was moved there and back": lambda layout: [
        os.utime(layout.state(TaskState.DONE), ns=(1, 1)),
        move(layout, f"done/a.a1f0.{ME}.md", "tmp/a.md"),
        move(layout, "tmp/a.md", f"done/a.a1f0.{ME}.md"),
    ],
    "a task is gone": lambda layout: (layout.root / f"done/b.a1f0.{ME}.md").unlink(),
    "a task joins": lambda layout: (layout.root / "available/c.md").write_text("c"),
    "an event was written": lambda layout: write(layout, f"journal/{ME}.jsonl", "{}\n{}\n"),
    "another writes events": lambda layout: (layout.journal / f"{OTHER}.jsonl").write_text("{}\n"),
    "a journal is gone": lambda layout: shutil.rmtree(layout.journal),
    "the run is another": lambda layout: layout.run_file.write_text("[]"),
    "the run is gone": lambda layout: layout.run_file.unlink(),
    "somebody pauses": lambda layout: (layout.steering / "pause").touch(),
    "a limit was met": lambda layout: (layout.limits / "claude.x.json").write_text("{}"),
    "the branch has moved": lambda layout: (layout.root.parent / "ref").write_text("2" * 40),
    "the branch is packed or gone": lambda layout: (layout.root.parent / "ref").unlink(),
}


def test_it_is_said_while_nothing_changes(layout):
    assert kept(layout) == kept(layout) == LINES


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES.keys())
def test_it_is_not_believed_once_anything_has_changed(layout, change):
    change(layout)

    assert kept(layout) is None


def test_logs_and_what_is_put_away_change_nothing(layout):
    (layout.attempts / "a").mkdir()
    (layout.attic / "old").write_text("")
    (layout.tmp / "made.md").write_text("")
    (layout.root / "run.lock").write_text("")

    assert kept(layout) == LINES


@pytest.mark.parametrize(
    "alter",
    [
        lambda text: "",
        lambda text: text[:-9],
        lambda text: "[]",
        lambda text: "[" * 100_000,
        lambda text: json.dumps({**json.loads(text), "program": "0.0.1"}),
        lambda text: json.dumps({**json.loads(text), "lines": None}),
        lambda text: json.dumps({**json.loads(text), "ref": 7}),
    ],
    ids=["empty", "torn", "no object", "too deep", "another version", "no lines", "no ref"],
)
def test_what_is_torn_or_of_another_version_is_not_believed(layout, alter):
    path = layout.root / "standing.json"
    path.write_text(alter(path.read_text()))

    assert kept(layout) is None


def test_without_a_word_there_is_none(layout):
    (layout.root / "standing.json").unlink()

    assert kept(layout) is None


def test_names_of_any_bytes_are_seen(layout):
    odd = os.path.join(os.fsencode(layout.state(TaskState.DONE)), b"\xff.md")
    with open(odd, "w"):
        pass
    ref = layout.root.parent / "ref"

    keep(layout, Word(LINES, ref, TIP), sight_of(layout))

    assert kept(layout) == LINES
    os.unlink(odd)
    assert kept(layout) is None
