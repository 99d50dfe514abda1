"""What is put into worktrees and kept there: never part of the work, never lost in the cleaning."""

import os
from pathlib import Path

import pytest

from parallel_orchestra.isolation import Label, Pool, Seats, Slot, Workspace
from parallel_orchestra.model import NO_SETUP, Setup
from support.corners import shell
from support.pools import OWNER, SALVAGE
from support.repository import commit_files, files_at, git, names_at, write_files

IGNORED = ".env*\nnode_modules\n*.db\nvenv\n"
FILES = {"a.txt": "one\n", "app/b.txt": "two\n", ".gitignore": IGNORED, "lock": "1\n"}


@pytest.fixture
def slot(pool):
    return pool.slot()


def begin(slot: Slot, base: str, setup: Setup, attempt: int = 1) -> Workspace:
    ref = f"{SALVAGE}/build/{attempt}.{OWNER}"
    return slot.open(
        base, Label("run1", "build", attempt, OWNER, ref), carry_claude=False, setup=setup
    )


def set_up(
    slot: Slot, base: str, setup: Setup, script: str, attempt: int = 1
) -> tuple[Workspace, bool]:
    """Opens a slot as a worker does; tells whether the commands were due."""
    workspace = begin(slot, base, setup, attempt)
    due = slot.setup_due(workspace, setup)
    if due:
        shell(workspace.path, script)
    return slot.set_up(workspace, setup), due


def salvaged(project: Path) -> set[str]:
    return set(git(project, "for-each-ref", "--format=%(refname)", "refs/orchestra").split())


# copies and links


def test_files_and_folders_are_copied_and_linked_and_are_no_work(slot, base, project):
    write_files(
        project, {".env": "K=1\n", ".env.local": "L\n", "venv/bin/x": "x\n", "data/d": "d\n"}
    )
    (project / "venv/bin/x").chmod(0o755)
    setup = Setup(copy=(".env*", "data"), symlink=("venv",))

    workspace = begin(slot, base, setup)
    (workspace.path / "new.txt").write_text("n\n")
    work = slot.take(workspace)

    assert (workspace.path / ".env").read_text() == "K=1\n"
    assert (workspace.path / ".env.local").exists()
    assert (workspace.path / "data/d").exists()
    assert (workspace.path / "venv").readlink() == project / "venv"
    assert names_at(project, work.tree) == {*FILES, "new.txt"}


@pytest.mark.parametrize(
    "script",
    [
        "git add -Af; git commit -qm all",
        "git add -Af; git commit -qm 1; git rm -q --cached data/d; git commit -qm 2",
    ],
)
def test_what_was_given_is_in_no_commit_of_the_agents_that_is_merged(slot, base, project, script):
    write_files(project, {"data/d": "secret\n"})
    workspace = begin(slot, base, Setup(copy=("data",)))

    shell(workspace.path, f"echo n > n.txt; {script}")
    work = slot.take(workspace)

    assert not work.pure
    assert names_at(project, work.tree) == {*FILES, "n.txt"}


def test_commits_without_anything_given_are_pure(slot, base, project):
    write_files(project, {".env": "K\n"})
    workspace = begin(slot, base, Setup(copy=(".env",)))

    shell(workspace.path, "echo n > n.txt; git add -A; git commit -qm n")

    assert slot.take(workspace).pure


def test_tracked_files_and_ways_out_of_the_worktree_are_left_alone(slot, project, tmp_path):
    outside = tmp_path / "outside"
    outside.mkdir()
    (project / "way").symlink_to(outside)
    base = commit_files(project, {"a.txt": "committed\n"})
    write_files(project, {"a.txt": "local\n", "way/x": "x\n"})
    (outside / "x").unlink()
    write_files(project, {"way2/x": "x\n"})

    workspace = begin(slot, base, Setup(copy=("a.txt", "way2")))

    assert (workspace.path / "a.txt").read_text() == "committed\n"
    assert (workspace.path / "way2/x").exists()
    assert list(outside.iterdir()) == []


def test_pipes_and_repositories_in_a_copied_folder_are_left_out(slot, base, project):
    write_files(project, {"d/a": "a\n", "d/.git/HEAD": "x\n"})
    os.mkfifo(project / "d/pipe")

    workspace = begin(slot, base, Setup(copy=("d",)))

    assert sorted(os.listdir(workspace.path / "d")) == ["a"]


def test_a_copy_that_is_gone_is_an_error_that_names_it(slot, base):
    with pytest.raises(FileNotFoundError, match=r"\.env"):
        begin(slot, base, Setup(copy=(".env",)))


def test_ignored_files_that_other_tools_include_are_copied(slot, base, project, pool):
    write_files(project, {
        ".worktreeinclude": "# secrets\n.env*\n*.db\n!b.db\na.txt\nnew.txt\n",
        ".env": "K\n", "app/x.db": "x\n", "b.db": "b\n", "new.txt": "not ignored\n",
        "_tasks/.gitignore": "*\n", "_tasks/y.db": "y\n",
    })  # fmt: skip

    with_it = begin(slot, base, Setup(include=True))
    given = {p for p in git(with_it.path, "ls-files", "-o", "-z").split("\0") if p}
    without = begin(slot, base, NO_SETUP)

    assert given == {".env", "app/x.db"}
    assert not (without.path / ".env").exists()


def test_a_project_in_a_folder_counts_paths_from_there(repo, project, tmp_path, base):
    write_files(project / "app", {".env": "K\n"})
    pool = Pool(repo, tmp_path / "pool", project / "app", OWNER)
    pool.collect()
    slot = pool.slot()
    setup = Setup(copy=(".env",), run=("x",), keep=("deps",))

    workspace, _ = set_up(slot, base, setup, "mkdir deps; echo d > deps/d")
    second, due = set_up(slot, base, setup, "false", 2)

    assert workspace.path.name == "app"
    assert (second.path / "deps/d").exists()
    assert not due
    pool.close(remove=True)


# commands: what they made, and when they are due


MADE = "mkdir -p node_modules; echo m > node_modules/m; echo gen > gen.txt; echo 2 > lock"


def test_what_the_setup_made_is_no_work_of_the_tasks(slot, base, project):
    workspace, _ = set_up(slot, base, Setup(run=("x",)), MADE)
    nothing = slot.take(workspace)
    (workspace.path / "a.txt").write_text("changed\n")
    work = slot.take(workspace)

    assert not nothing.changed
    assert files_at(project, work.tree) == {**FILES, "a.txt": "changed\n"}


def test_what_the_agent_makes_of_a_file_of_the_setup_is_its_work(slot, base, project):
    workspace, _ = set_up(slot, base, Setup(run=("x",)), MADE)

    (workspace.path / "lock").write_text("2\nmore\n")
    (workspace.path / "gen.txt").write_text("mine\n")
    work = slot.take(workspace)

    assert files_at(project, work.tree) == {**FILES, "lock": "2\nmore\n", "gen.txt": "mine\n"}


def test_the_setup_does_not_stage_what_it_made(slot, base):
    workspace, _ = set_up(slot, base, Setup(run=("x",)), MADE)

    assert git(workspace.path, "diff", "--cached", "--name-only") == ""


def test_a_setup_that_was_cut_off_or_alone_leaves_nothing_to_save(slot, base, project):
    setup = Setup(run=("x",))
    workspace = begin(slot, base, setup)
    shell(workspace.path, MADE)
    cut_off = slot.save()
    set_up(slot, base, setup, MADE, 2)
    alone = slot.save()

    assert (cut_off, alone) == ("", "")
    assert salvaged(project) == set()


def test_unsaved_work_on_top_of_a_setup_is_saved_without_copies(slot, base, project):
    write_files(project, {"secret": "s\n"})
    workspace, _ = set_up(slot, base, Setup(copy=("secret",), run=("x",)), MADE)
    (workspace.path / "new.txt").write_text("n\n")

    ref = slot.save()

    assert {"new.txt"} <= names_at(project, ref)
    assert "secret" not in names_at(project, ref)


def test_without_keep_the_setup_is_made_for_each_attempt(slot, base):
    _, one = set_up(slot, base, Setup(run=("x",)), "mkdir node_modules; touch node_modules/x")
    second, two = set_up(slot, base, Setup(run=("x",)), "mkdir node_modules", 2)

    assert (one, two) == (True, True)
    assert not (second.path / "node_modules/x").exists()


KEEPING = Setup(run=("x",), keep=("node_modules",), inputs=("lock",))


def make(slot: Slot, base: str, attempt: int, setup: Setup = KEEPING) -> bool:
    script = "mkdir -p node_modules; date +%N > node_modules/made"
    _, due = set_up(slot, base, setup, script, attempt)
    return due


def test_what_is_kept_survives_and_the_setup_is_made_once(slot, base, project):
    first = make(slot, base, 1)
    made = (slot.path / "node_modules/made").read_text()
    write_files(slot.path, {"node_modules/.cache": "agent\n", "junk.txt": "x\n"})
    slot.settled()
    other = commit_files(project, {"a.txt": "merged meanwhile\n"})
    second = make(slot, other, 2)

    assert (first, second) == (True, False)
    assert (slot.path / "node_modules/made").read_text() == made
    assert (slot.path / "node_modules/.cache").exists()
    assert not (slot.path / "junk.txt").exists()


def test_the_setup_is_due_again_when_an_input_changes_and_finds_what_was_kept(slot, base, project):
    make(slot, base, 1)
    write_files(slot.path, {"node_modules/old": "o\n"})
    other = commit_files(project, {"lock": "2\n"})

    assert make(slot, other, 2)
    assert (slot.path / "node_modules/old").exists()


def test_without_inputs_any_file_may_be_one(slot, base, project):
    whole = Setup(run=("x",), keep=("node_modules",))
    same = [make(slot, base, 1, whole), make(slot, base, 2, whole)]
    other = commit_files(project, {"a.txt": "other\n"})

    assert same == [True, False]
    assert make(slot, other, 3, whole)


def test_a_copied_file_is_an_input(slot, base, project):
    write_files(project, {".env": "1\n"})
    setup = Setup(copy=(".env",), run=("x",), keep=("node_modules",), inputs=("lock",))
    same = [make(slot, base, 1, setup), make(slot, base, 2, setup)]
    write_files(project, {".env": "22\n"})

    assert same == [True, False]
    assert make(slot, base, 3, setup)


def test_another_setup_begins_from_scratch(slot, base):
    make(slot, base, 1)
    write_files(slot.path, {"node_modules/old": "o\n"})

    assert make(slot, base, 2, Setup(run=("y",), keep=("node_modules",), inputs=("lock",)))
    assert not (slot.path / "node_modules/old").exists()


@pytest.mark.parametrize("script", ["rm -rf node_modules", "rm -rf .git ../*/a.txt node_modules"])
def test_the_setup_is_due_when_the_agent_removed_what_it_made(slot, base, script):
    make(slot, base, 1)
    shell(slot.path, script)
    slot.settled()

    assert make(slot, base, 2)


def test_a_setup_that_makes_more_than_it_keeps_is_due_each_time(slot, base):
    script = "mkdir -p node_modules; touch node_modules/x other.db"
    _, first = set_up(slot, base, KEEPING, script)
    _, second = set_up(slot, base, KEEPING, script, 2)

    assert (first, second) == (True, True)


def test_a_setup_that_did_not_end_is_due_again(slot, base, project):
    make(slot, base, 1)
    other = commit_files(project, {"lock": "2\n"})
    begun = begin(slot, other, KEEPING, 2)
    due = slot.setup_due(begun, KEEPING)

    assert due
    assert make(slot, base, 3)


def test_kept_files_that_are_not_ignored_are_no_work_but_tracked_ones_are(slot, base, project):
    setup = Setup(run=("x",), keep=("deps", "a.txt"))
    workspace, _ = set_up(slot, base, setup, "mkdir deps; echo d > deps/d")

    write_files(workspace.path, {"deps/e": "e\n", "a.txt": "changed\n", "n": "n\n"})
    work = slot.take(workspace)

    assert files_at(project, work.tree) == {**FILES, "a.txt": "changed\n", "n": "n\n"}


def test_another_process_reads_from_the_label_what_was_given(slot, base, repo, project, pool):
    write_files(project, {"secret": "s\n"})
    set_up(slot, base, Setup(copy=("secret",), run=("x",), keep=("deps",)), MADE)

    found = Slot(pool.site, slot.path).found()

    assert found is not None
    workspace, left = found
    assert left.begun
    assert workspace.given.carried == ("secret",)
    assert workspace.given.kept == ("/deps",)


# seats


def test_no_two_worktrees_of_a_machine_have_the_same_ports(tmp_path):
    one, other = Seats(tmp_path / "seats"), Seats(tmp_path / "seats")

    seats = [one.take(), other.take(), one.take()]
    one.close()
    again = other.take()
    other.close()

    assert [seat.number for seat in seats] == [1, 2, 3]
    assert [seat.port_base for seat in seats] == [20_000, 20_020, 20_040]
    assert again.number == 1


def test_without_a_folder_seats_differ_within_the_process_at_least(tmp_path):
    (tmp_path / "file").touch()
    seats = Seats(tmp_path / "file")

    assert [seats.take().number for _ in range(3)] == [1, 2, 3]
