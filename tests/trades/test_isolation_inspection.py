"""What is said of each worktree of a pool, and that nothing is changed by looking."""

import pytest

from parallel_orchestra.isolation import Label, SlotState, slots_in
from parallel_orchestra.model import Setup
from support.pools import OWNER, SALVAGE, make_pool

FILES = {"a.txt": "one\n", ".gitignore": "deps\n"}


def begun(pool, base, setup):
    slot = pool.slot()
    label = Label("run1", "build", 1, OWNER, f"{SALVAGE}/build/1.{OWNER}")
    workspace = slot.open(base, label, carry_claude=False, setup=setup)
    slot.set_up(workspace, setup)
    return slot


def the_one(repo, pool):
    (slot,) = slots_in(repo, pool.root)
    return slot


def test_a_worktree_is_shown_with_its_holder_and_how_it_was_set_up(pool, repo, base):
    slot = begun(pool, base, Setup(run=("npm ci",), keep=("deps",)))

    held = the_one(repo, pool)
    pool.close(remove=False)
    left = the_one(repo, pool)
    slot.settled()
    free = the_one(repo, pool)
    slot.taken_down()

    assert (held.state, held.holder, held.left.task) == (SlotState.HELD, OWNER, "build")
    assert (left.state, left.holder, left.left.run) == (SlotState.UNSAVED, "", "run1")
    assert (free.state, free.faults) == (SlotState.FREE, ())
    assert free.size_bytes >= len("one\n")
    assert str(free.set_up) == "ran `npm ci`, keeps deps"
    assert str(the_one(repo, pool).set_up) == ""


FAULTS = {
    ".git": "its `.git` does not lead to your repository",
    "HEAD": "its HEAD stands for no commit",
    "index": "its index can't be read",
    "index.lock": "a git left `index.lock` in it",
}


@pytest.mark.parametrize("spoiled", FAULTS)
def test_what_is_wrong_with_a_worktree_is_said_and_right_again_for_the_next_task(
    pool, repo, base, project, tmp_path, spoiled
):
    slot = begun(pool, base, Setup())
    slot.settled()
    pool.close(remove=False)
    place = slot.path if spoiled == ".git" else the_one(repo, pool).left.git_dir
    (place / spoiled).write_text("nonsense\n")

    ill = the_one(repo, pool)
    other = make_pool(repo, project, tmp_path, "host-2-00000002")
    begun(other, base, Setup()).settled()
    other.close(remove=False)

    assert ill.faults == (FAULTS[spoiled],)
    assert the_one(repo, pool).faults == ()


def test_a_note_of_the_set_up_that_was_spoiled_says_nothing(pool, repo, base):
    slot = begun(pool, base, Setup(keep=("deps",)))
    (note,) = the_one(repo, pool).left.git_dir.glob("orchestra-set-up*")

    note.write_text('{"run": 1, "other": []}')

    assert str(the_one(repo, pool).set_up) == ""
    assert slot.path.is_dir()
