import os

import pytest

from parallel_orchestra.states import TaskState
from parallel_orchestra.store import Entry
from parallel_orchestra.store.doubles import winner
from parallel_orchestra.store.names import parse
from support.tasks_dir import ME, OTHER, places, put, store_of, tasks_dir


def entry(path):
    state, file = path.split("/")
    return Entry.of(TaskState(state), parse(file))


LIVE = f"locked/a.a1f0.{ME}.md"
DEAD = f"locked/a.a1f0.{OTHER}.md"


@pytest.mark.parametrize(
    ("paths", "merged", "kept"),
    [
        (("available/a.md", "done/a.md"), False, "done/a.md"),
        ((LIVE, "done/a.md"), False, "done/a.md"),
        (("done/a.a1f0.md", "done/a.a2f0.md"), True, "done/a.a2f0.md"),
        (("failed/a.a9f9.md", "done/a.a1f0.md"), True, "done/a.a1f0.md"),
        ((LIVE, "available/a.a9f0.md"), False, LIVE),
        ((LIVE, "failed/a.a9f9.md"), False, LIVE),
        ((LIVE, f"locked/a.a2f0.{ME}.md"), False, f"locked/a.a2f0.{ME}.md"),
        ((DEAD, LIVE), False, LIVE),
        ((DEAD, "available/a.a2f0.md"), False, "available/a.a2f0.md"),
        (("available/a.md", DEAD), False, DEAD),
        (("available/a.a1f0.md", "available/a.md"), False, "available/a.a1f0.md"),
        (("available/a.a2f1.md", "failed/a.a2f0.md"), False, "available/a.a2f1.md"),
        (("available/a.a1f1.md", "failed/a.a1f1.md"), False, "failed/a.a1f1.md"),
        (("failed/a.a1f1.md", "available/a.a1f1.md"), False, "failed/a.a1f1.md"),
        ((LIVE, "available/a.a2f0.md"), True, "available/a.a2f0.md"),
    ],
)
def test_the_winner_of_two_files_of_one_task(paths, merged, kept):
    entries = [entry(path) for path in paths]

    won = winner(entries, merged=merged, live=lambda one: one.name.owner == ME)

    assert won == entry(kept)


@pytest.fixture
def layout(tmp_path):
    return tasks_dir(tmp_path)


def test_the_loser_of_two_copies_goes_to_the_attic(layout):
    put(layout, TaskState.DONE, "a.md", "kept")
    put(layout, TaskState.AVAILABLE, "a.md", "lost")

    store_of(layout).drop_twin(entry("done/a.md"), entry("available/a.md"))

    assert places(layout) == {"done": ["a.md"]}
    (lost,) = layout.attic.iterdir()
    assert lost.read_text(encoding="utf-8") == "lost"


def test_the_loser_of_two_links_of_one_file_is_unlinked(layout):
    kept = put(layout, TaskState.DONE, "a.md", "one file")
    os.link(kept, layout.state(TaskState.AVAILABLE) / "a.md")

    store_of(layout).drop_twin(entry("done/a.md"), entry("available/a.md"))

    assert places(layout) == {"done": ["a.md"]}
    assert os.listdir(layout.attic) == []
    assert kept.read_text(encoding="utf-8") == "one file"


@pytest.mark.parametrize("gone", ["done/a.md", "available/a.md"])
def test_two_of_which_one_is_gone_meanwhile_are_left_alone(layout, gone):
    put(layout, TaskState.DONE, "a.md")
    put(layout, TaskState.AVAILABLE, "a.md")
    (layout.root / gone).unlink()
    before = places(layout)

    store_of(layout).drop_twin(entry("done/a.md"), entry("available/a.md"))

    assert places(layout) == before
