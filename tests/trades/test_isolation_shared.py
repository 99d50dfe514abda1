"""The shared worktree: several at once, each with files of its own, and nobody's work is lost."""

import shutil
import subprocess
import threading
from pathlib import Path

import pytest

from parallel_orchestra.isolation import Commons, Label, Pool, Tenant, Unusable, Work, Workspace
from parallel_orchestra.model import NO_SETUP, Setup
from support.pools import OWNER, SALVAGE
from support.repository import commit_files, files_at, git, names_at, write_files
from support.waiting import wait_until

FILES = {"a/one.txt": "1\n", "b/two.txt": "2\n", "c.txt": "3\n", ".gitignore": "*.log\n"}


@pytest.fixture
def commons(pool):
    return Commons(pool)


def ref_of(task: str) -> str:
    return f"{SALVAGE}/{task}/1.{OWNER}"


def begin(place: Tenant, base: str, task: str, setup: Setup = NO_SETUP) -> Workspace:
    label = Label("run1", task, 1, OWNER, ref_of(task))
    return place.set_up(place.open(base, label, carry_claude=False, setup=setup), setup)


def enter(commons: Commons, base: str, task: str, *writes: str) -> tuple[Tenant, Workspace]:
    place = Tenant(commons).owns(writes)
    return place, begin(place, base, task)


def merged(project: Path, work: Work) -> str:
    """Merges work as the queue does, and returns the new tip."""
    tip = git(project, "rev-parse", "HEAD").strip()
    tree = git(project, "merge-tree", "--write-tree", tip, commit_of(project, work)).strip()
    commit = git(project, "commit-tree", "-p", tip, "-m", "merge", tree).strip()
    git(project, "reset", "-q", "--hard", commit)
    return commit


def commit_of(project: Path, work: Work) -> str:
    return git(project, "commit-tree", "-p", work.head, "-m", "work", work.tree).strip()


def test_each_takes_its_own_files_and_only_those(commons, base, project):
    (a, there), (b, same) = enter(commons, base, "a", "a/"), enter(commons, base, "b", "b/*.txt")
    write_files(there.path, {"a/one.txt": "A\n", "a/deep/new.txt": "n\n", "b/new.txt": "B\n"})
    (there.path / "b/two.txt").unlink()

    of_a, of_b = a.take(there), b.take(same)

    assert there.path == same.path
    assert files_at(project, of_a.tree) == {**FILES, "a/one.txt": "A\n", "a/deep/new.txt": "n\n"}
    assert names_at(project, of_b.tree) == {"a/one.txt", "b/new.txt", "c.txt", ".gitignore"}
    assert (of_a.outside, of_b.outside) == ((), ())


def test_who_leaves_puts_its_files_back_and_disturbs_nobody(commons, base):
    (a, there), (b, _) = enter(commons, base, "a", "a/"), enter(commons, base, "b", "b/")
    write_files(there.path, {"a/one.txt": "A\n", "a/x/new.txt": "n\n", "b/two.txt": "B\n"})

    a.take(there)
    a.settled()

    assert (there.path / "a/one.txt").read_text() == "1\n"
    assert not (there.path / "a/x").exists()
    assert (there.path / "b/two.txt").read_text() == "B\n"
    b.settled()


def test_who_enters_sees_what_was_merged_beside_the_unfinished_work_of_others(
    commons, base, project
):
    (a, there), (b, _) = enter(commons, base, "a", "a/"), enter(commons, base, "b", "b/")
    write_files(there.path, {"a/one.txt": "A\n", "b/two.txt": "B\n"})
    tip = merged(project, a.take(there))
    a.settled()
    tip = commit_files(project, {"c.txt": "from elsewhere\n", "d.txt": "new\n"})

    (c, again) = enter(commons, tip, "c", "c.txt")
    (again.path / "c.txt").write_text("C\n")
    of_c, of_b = c.take(again), b.take(there)

    assert (again.path / "a/one.txt").read_text() == "A\n"
    assert (again.path / "d.txt").exists()
    assert files_at(project, of_c.tree)["c.txt"] == "C\n"
    assert files_at(project, of_c.tree)["b/two.txt"] == "2\n"
    assert files_at(project, of_b.tree) == {**FILES, "b/two.txt": "B\n"}
    assert git(again.path, "rev-parse", "HEAD").strip() == tip


def test_what_lies_outside_of_everybodys_files_is_left_out_kept_and_told_once(
    commons, base, project
):
    (a, there), (b, _) = enter(commons, base, "a", "a/"), enter(commons, base, "b", "b/")
    write_files(
        there.path, {"a/one.txt": "A\n", "stray.txt": "s\n", "c.txt": "C\n", "x.log": "l\n"}
    )

    first, second = a.take(there), b.take(there)

    assert first.outside == ("c.txt", "stray.txt")
    assert files_at(project, first.ref)["stray.txt"] == "s\n"
    assert names_at(project, first.tree) == set(FILES)
    assert not second.changed
    assert second.outside == ()


def test_commits_in_the_shared_worktree_are_kept_and_only_their_files_count(commons, base, project):
    (a, there), (b, _) = enter(commons, base, "a", "a/"), enter(commons, base, "b", "b/")
    write_files(there.path, {"a/one.txt": "A\n", "b/two.txt": "B\n"})
    subprocess.run(
        ["sh", "-ec", "git add -A; git commit -qm both; echo more >> a/one.txt"],
        cwd=there.path,
        check=True,
    )

    of_a, of_b = a.take(there), b.take(there)

    assert of_a.head == of_b.head == base
    assert files_at(project, of_a.tree) == {**FILES, "a/one.txt": "A\nmore\n"}
    assert files_at(project, of_b.tree) == {**FILES, "b/two.txt": "B\n"}
    assert git(project, "log", "-1", "--format=%s", f"{ref_of('a')}-commits") == "both\n"


def test_the_last_one_out_leaves_a_worktree_that_the_next_one_finds_clean(commons, base, project):
    (a, there), (b, _) = enter(commons, base, "a", "a/"), enter(commons, base, "b", "b/")
    write_files(there.path, {"a/one.txt": "A\n", "stray.txt": "s\n"})
    a.take(there)
    a.settled()
    b.settled()

    (_, again) = enter(commons, base, "c", "c.txt")

    assert (again.path / "a/one.txt").read_text() == "1\n"
    assert not (again.path / "stray.txt").exists()


def test_an_attempt_that_never_settled_is_saved_when_its_worker_goes_on(commons, base, project):
    (a, there), (b, _) = enter(commons, base, "a", "a/"), enter(commons, base, "b", "b/")
    write_files(there.path, {"a/one.txt": "A\n", "b/two.txt": "B\n"})

    begin(a.owns(["c.txt"]), base, "c")

    assert files_at(project, ref_of("a")) == {**FILES, "a/one.txt": "A\n"}
    assert (there.path / "a/one.txt").read_text() == "1\n"
    assert b.take(there).changed


def test_the_unsaved_work_of_a_dead_process_is_saved_whole(pool, commons, base, repo, project):
    (a, there), _ = enter(commons, base, "a", "a/"), enter(commons, base, "b", "b/")
    write_files(there.path, {"a/one.txt": "A\n", "b/two.txt": "B\n"})
    a.take(there)
    a.settled()
    pool.close(remove=False)
    other = Pool(repo, pool.root, project, "host-2-00000002")
    other.collect()

    enter(Commons(other), base, "c", "c.txt")

    assert files_at(project, ref_of("b"))["b/two.txt"] == "B\n"
    other.close(remove=True)


def test_a_worktree_that_an_agent_removed_is_told_to_all_and_made_again(commons, base):
    (a, there), (b, _) = enter(commons, base, "a", "a/"), enter(commons, base, "b", "b/")
    shutil.rmtree(there.path)

    for place in (a, b):
        with pytest.raises(Unusable, match="shared worktree was removed"):
            place.take(there)
        place.settled()

    _, again = enter(commons, base, "c", "c.txt")
    assert (again.path / "c.txt").exists()


def test_others_wait_while_the_first_one_sets_up_and_do_not_do_it_again(commons, base):
    setup = Setup(run=("x",))
    first, second = Tenant(commons).owns(["a/"]), Tenant(commons).owns(["b/"])
    label = Label("run1", "a", 1, OWNER, ref_of("a"))
    workspace = first.open(base, label, carry_claude=False, setup=setup)
    due = first.setup_due(workspace, setup)
    entered = []
    other = threading.Thread(target=lambda: entered.append(begin(second, base, "b", setup)))
    other.start()

    wait_until(lambda: commons.turn._waiters, 10, "the second one to wait")
    write_files(workspace.path, {"made.txt": "m\n"})
    first.set_up(workspace, setup)
    wait_until(lambda: entered, 10, "the second one to be let in")
    other.join()

    assert due
    assert not second.setup_due(entered[0], setup)
    assert (entered[0].path / "made.txt").exists()
    assert not second.take(entered[0]).changed
    assert second.take(entered[0]).outside == ()


def test_a_project_in_a_folder_counts_patterns_from_there(repo, project, tmp_path, base):
    pool = Pool(repo, tmp_path / "pool", project / "a", OWNER)
    pool.collect()
    place, there = enter(Commons(pool), base, "x", "one.txt")
    write_files(there.path, {"one.txt": "A\n"})
    (there.path.parent / "c.txt").write_text("C\n")

    work = place.take(there)

    assert files_at(project, work.tree) == {**FILES, "a/one.txt": "A\n"}
    assert work.outside == ("c.txt",)
    pool.close(remove=False)
