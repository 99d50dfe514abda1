"""What every isolation promises. A new one needs a name in `PLACES` and a line in `open_place`."""

import os
from dataclasses import replace

import pytest

from parallel_orchestra.isolation import Commons, InPlace, Isolation, Label, Tenant, Work
from parallel_orchestra.model import NO_SETUP, Setup
from support.corners import shell
from support.pools import OWNER, SALVAGE, make_pool
from support.repository import git, names_at, write_files

FILES = {"app/a.txt": "one\n", "b.txt": "two\n"}
LABEL = Label("run1", "build", 1, OWNER, f"{SALVAGE}/build/1.{OWNER}")
#: Where agents may write, and all places.
ISOLATED = ("worktree", "clone", "shared")
PLACES = (*ISOLATED, "in place")


@pytest.fixture
def open_place(repo, project, tmp_path):
    """Returns a place of the kind that is asked for."""
    pool = make_pool(repo, project, tmp_path)
    kinds = {
        "worktree": pool.slot,
        "clone": lambda: pool.slot("clone"),
        "shared": lambda: Tenant(Commons(pool)).owns(["*"]),
        "in place": lambda: InPlace(project),
    }
    yield lambda kind: kinds[kind]()
    pool.close(remove=True)


@pytest.fixture(params=PLACES)
def place(request, open_place):
    return open_place(request.param)


@pytest.fixture(params=ISOLATED)
def isolated(request, open_place):
    return open_place(request.param)


def test_a_workspace_has_the_files_of_its_base(place: Isolation, base: str):
    workspace = place.open(base, LABEL, carry_claude=True)

    assert workspace.base == base
    assert (workspace.path / "app/a.txt").read_text() == "one\n"


def test_an_agent_that_changed_nothing_leaves_no_work(place: Isolation, base: str):
    workspace = place.open(base, LABEL, carry_claude=False)

    work = place.take(workspace)

    assert not work.changed
    assert work.head == base


def test_what_an_earlier_attempt_left_is_put_there_and_is_work_of_this_one(
    isolated: Isolation, base: str
):
    workspace = isolated.open(base, LABEL, carry_claude=False)
    (workspace.path / "b.txt").write_text("changed\n")
    (workspace.path / "app/a.txt").unlink()
    (workspace.path / "app").rmdir()
    (workspace.path / "app").write_text("a file where a folder was\n")
    (workspace.path / "new").mkdir()
    (workspace.path / "new/c.sh").write_text("echo\n")
    (workspace.path / "new/c.sh").chmod(0o755)
    left = isolated.take(workspace)
    isolated.keep(left, LABEL.ref, "work\n")
    isolated.settled()
    again = isolated.open(base, LABEL, carry_claude=False)

    assert isolated.bring(again, left.tree)

    assert (again.path / "b.txt").read_text() == "changed\n"
    assert os.access(again.path / "new/c.sh", os.X_OK)
    work = isolated.take(again)
    assert (work.tree, work.head, work.changed) == (left.tree, base, True)


def test_nothing_is_put_into_the_users_own_directory(open_place, base: str, project):
    place = open_place("in place")
    workspace = place.open(base, LABEL, carry_claude=False)

    assert not place.bring(workspace, git(project, "rev-parse", "HEAD^{tree}").strip())


def test_a_place_serves_one_attempt_after_the_other(place: Isolation, base: str):
    for _ in range(3):
        workspace = place.open(base, LABEL, carry_claude=False)
        work = place.take(workspace)
        place.settled()

        assert (workspace.path / "b.txt").read_text() == "two\n"
        assert isinstance(work, Work)


def test_what_is_kept_is_reachable_or_was_never_taken(
    place: Isolation, base: str, project, tmp_path
):
    workspace = place.open(base, LABEL, carry_claude=False)
    write_files(workspace.path, {"app/new.txt": "new\n"})

    work = place.take(workspace)
    ref = place.keep(work, LABEL.ref, "kept\n")

    left = git(project, "show", f"{ref}:app/new.txt") if ref else ""
    assert left == ("new\n" if work.changed else "")
    assert (workspace.path / "app/new.txt").exists()


def test_the_users_checkout_and_branch_are_not_moved(place: Isolation, base: str, project):
    place.take(place.open(base, LABEL, carry_claude=True))
    place.settled()

    assert git(project, "rev-parse", "main").strip() == base
    assert git(project, "status", "--porcelain") == ""


def commit_in(path):
    shell(path, "git add -A; git commit -qm mine")


def test_a_commit_of_the_agents_is_in_our_repository_when_it_is_taken(
    isolated: Isolation, base: str, project
):
    workspace = isolated.open(base, LABEL, carry_claude=False)
    write_files(workspace.path, {"new.txt": "new\n"})
    commit_in(workspace.path)

    work = isolated.take(workspace)

    assert git(project, "show", f"{work.tree}:new.txt") == "new\n"
    assert git(project, "log", "--all", "--format=%s", "--grep=mine", work.head) == "mine\n"


def test_unsaved_work_is_saved_before_the_next_attempt(isolated: Isolation, base: str, project):
    workspace = isolated.open(base, LABEL, carry_claude=False)
    write_files(workspace.path, {"committed.txt": "c\n"})
    commit_in(workspace.path)
    write_files(workspace.path, {"b.txt": "changed\n"})

    again = isolated.open(base, replace(LABEL, attempt=2, ref=f"{LABEL.ref}-2"), carry_claude=False)

    assert (again.path / "b.txt").read_text() == "two\n"
    assert not (again.path / "committed.txt").exists()
    assert git(project, "show", f"{LABEL.ref}:b.txt") == "changed\n"
    assert git(project, "show", f"{LABEL.ref}:committed.txt") == "c\n"


def test_what_is_given_to_a_workspace_is_no_work_and_a_set_up_ends_there(
    isolated: Isolation, base: str, project
):
    write_files(project, {"given.txt": "from the checkout\n"})
    setup = Setup(copy=("given.txt",), run=("x",))
    workspace = isolated.open(base, LABEL, carry_claude=False, setup=setup)
    due = isolated.setup_due(workspace, setup)
    write_files(workspace.path, {"made.txt": "by the set-up\n"})
    workspace = isolated.set_up(workspace, setup)

    nothing = isolated.take(workspace)
    write_files(workspace.path, {"mine.txt": "m\n"})
    work = isolated.take(workspace)

    assert due
    assert (workspace.path / "given.txt").exists()
    assert not nothing.changed
    assert names_at(project, work.tree) == {"app/a.txt", "b.txt", "mine.txt"}
    assert isolated.set_up_as() in (setup, NO_SETUP)


def test_a_place_without_isolation_is_set_up_by_its_user(open_place, base):
    place, setup = open_place("in place"), Setup(run=("x",))
    workspace = place.open(base, LABEL, carry_claude=False, setup=setup)

    assert not place.setup_due(workspace, setup)
    assert place.set_up(workspace, setup) == workspace
