import os
import signal
import subprocess
import threading
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest

from parallel_orchestra.errors import GitError
from parallel_orchestra.git import (
    EmbeddedRepository,
    Repo,
    WorkTree,
    collect_debris,
    worktrees,
)
from parallel_orchestra.git.refs import remove_untouched
from support.repository import (
    commit_files,
    files_at,
    fsck_clean,
    git,
    make_repository,
    names_at,
    worktrees_of,
)
from support.waiting import wait_until

BASE = {"a.txt": "one\n", "dir/b.txt": "two\n", ".gitignore": "*.log\n"}


@pytest.fixture
def repo(tmp_path: Path) -> Iterator[Repo]:
    found = Repo.discover(make_repository(tmp_path / "project", BASE), os.environ)
    yield found
    found.close()


@pytest.fixture
def tree(repo: Repo, tmp_path: Path) -> WorkTree:
    return worktrees.add(repo, tmp_path / "pool" / "wt-1", repo.head().commit)


def test_a_tree_is_added_detached_listed_and_removed(repo: Repo, tmp_path: Path):
    commit = repo.head().commit
    path = tmp_path / "po ol" / "wt é-1"

    tree = worktrees.add(repo, path, commit)
    listed, head = list(worktrees.known(repo)), tree.head()
    worktrees.remove(repo, path)

    assert tree.path == path
    assert tree.git_dir.parent == repo.common_dir / "worktrees"
    assert listed == [(tree.git_dir, path)]
    assert head == commit
    assert not path.exists()
    assert worktrees_of(repo.top) == []


def test_two_trees_of_the_same_folder_name_are_told_apart(repo: Repo, tmp_path: Path):
    one, two = (worktrees.add(repo, tmp_path / x / "wt-1", repo.head().commit) for x in "ab")

    assert one.git_dir != two.git_dir
    assert worktrees.find(repo, two.path).git_dir == two.git_dir


def test_a_path_that_is_taken_is_an_error(repo: Repo, tmp_path: Path):
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "file").write_text("mine")

    with pytest.raises(GitError, match="worktree"):
        worktrees.add(repo, tmp_path / "full", repo.head().commit)

    assert (tmp_path / "full" / "file").read_text() == "mine"


def test_checkout_and_clean_leave_exactly_the_commit(repo: Repo, tree: WorkTree):
    other = commit_files(repo.top, {"a.txt": "second\n", "new.txt": "n\n"})
    (tree.path / "a.txt").write_text("dirt")
    (tree.path / "dir" / "b.txt").unlink()
    (tree.path / "x.log").write_text("ignored")
    (tree.path / "new.txt").mkdir()
    git(tree.path, "init", "-q", "embedded")
    git(tree.path, "checkout", "-qb", "agents-branch")

    tree.checkout(other)
    tree.clean()

    found = {p.relative_to(tree.path).as_posix() for p in tree.path.rglob("*") if p.is_file()}
    assert found == {".git", *names_at(repo.top)}
    assert (tree.path / "a.txt").read_text() == "second\n"
    assert tree.head() == other
    assert not tree.dirty()


def test_clean_removes_directories_that_were_made_read_only(tree: WorkTree):
    cache = tree.path / "cache" / "deep"
    cache.mkdir(parents=True)
    (cache / "file").write_text("x")
    cache.chmod(0o500)
    cache.parent.chmod(0o500)

    tree.clean()

    assert not (tree.path / "cache").exists()


@pytest.mark.parametrize("flag", ["--assume-unchanged", "--skip-worktree"])
def test_a_file_hidden_from_git_does_not_reach_the_next_task(tree: WorkTree, flag: str):
    commit = tree.head()
    tree.checkout(commit)
    git(tree.path, "update-index", flag, "a.txt")
    (tree.path / "a.txt").write_text("left by another task")

    tree.checkout(commit)
    tree.clean()

    assert (tree.path / "a.txt").read_text() == "one\n"


@pytest.mark.parametrize("damage", [b"", b"no index at all"], ids=["empty", "garbage"])
def test_checkout_mends_a_damaged_index_and_a_left_lock(tree: WorkTree, damage: bytes):
    (tree.git_dir / "index").write_bytes(damage)
    (tree.git_dir / "index.lock").write_bytes(b"")

    tree.checkout(tree.head())

    assert not tree.dirty()
    assert not (tree.git_dir / "index.lock").exists()


def test_what_is_staged_is_synced_and_the_head_of_a_pooled_tree_is_not(
    repo: Repo, tree: WorkTree, tmp_path: Path
):
    log = tmp_path / "trace"
    tree._git = replace(tree._git, environ={**tree._git.environ, "GIT_TRACE2_EVENT": str(log)})
    other = commit_files(repo.top, {"a.txt": "two\n"})

    tree.checkout(other)
    at_checkout = log.read_text()
    log.unlink()
    (tree.path / "new.txt").write_text("new\n")
    tree.stage_all()

    assert tree.head() == other
    assert '"event":"exit"' in at_checkout
    assert "fsync/hardware-flush" not in at_checkout
    assert "fsync/hardware-flush" in log.read_text()


def test_staging_takes_new_changed_deleted_and_committed_files(repo: Repo, tree: WorkTree):
    commit_files(tree.path, {"committed.txt": "c\n"})
    (tree.path / "a.txt").write_text("changed\n")
    (tree.path / "dir" / "b.txt").unlink()
    (tree.path / "line\nbreak é").write_text("n\n")
    (tree.path / "x.log").write_text("ignored")

    staged = tree.stage_all()

    assert files_at(repo.top, staged) == {
        ".gitignore": "*.log\n",
        "a.txt": "changed\n",
        "committed.txt": "c\n",
        "line\nbreak é": "n\n",
    }


def test_excluded_paths_stay_as_they_are_in_head(repo: Repo, tree: WorkTree):
    (tree.path / "a.txt").write_text("changed\n")
    (tree.path / "dir" / "b.txt").write_text("changed\n")
    (tree.path / ".claude").mkdir()
    (tree.path / ".claude" / "settings").write_text("s")
    (tree.path / "[x]").write_text("not a pattern")

    staged = tree.stage_all([".claude", "dir", "[x]"])

    assert files_at(repo.top, staged) == {**BASE, "a.txt": "changed\n"}


def test_staging_an_unchanged_or_an_emptied_tree_works(repo: Repo, tree: WorkTree):
    unchanged = tree.stage_all()
    for name in BASE:
        (tree.path / name).unlink()
    (tree.path / "dir").rmdir()

    assert unchanged == repo.objects.tree_of("HEAD")
    assert names_at(repo.top, tree.stage_all()) == set()


def test_the_lock_of_a_killed_git_is_removed_only_when_said_to_be_abandoned(tree: WorkTree):
    (tree.git_dir / "index.lock").write_bytes(b"")
    (tree.path / "new").write_text("x")

    with pytest.raises(GitError, match="git add"):
        tree.stage_all()

    assert tree.stage_all(abandoned=True)


def test_an_embedded_repository_without_commits_is_named(tree: WorkTree):
    git(tree.path, "init", "-q", "sub dir")

    with pytest.raises(EmbeddedRepository) as refusal:
        tree.stage_all()

    assert refusal.value.path == "sub dir"


def test_an_embedded_repository_with_commits_shows_as_mode_160000(repo: Repo, tree: WorkTree):
    make_repository(tree.path / "sub", {"x": "x"})

    staged = tree.stage_all()

    changes = repo.objects.changed(tree.head(), staged)
    assert [(c.path, c.mode) for c in changes] == [("sub", "160000")]


def test_a_project_with_a_submodule_is_staged_and_removed(tmp_path: Path):
    make_repository(tmp_path / "library", {"l": "l"})
    root = make_repository(tmp_path / "project", BASE)
    git(root, "submodule", "--quiet", "add", f"file://{tmp_path}/library", "lib")
    git(root, "commit", "-qm", "submodule")
    repo = Repo.discover(root, os.environ)
    tree = worktrees.add(repo, tmp_path / "wt", repo.head().commit)

    git(tree.path, "submodule", "--quiet", "update", "--init")
    (tree.path / "new").write_text("n")
    staged = tree.stage_all()
    tree.checkout(repo.head().commit)
    tree.clean()
    worktrees.remove(repo, tree.path)
    repo.close()

    assert [c.path for c in repo.objects.changed("HEAD", staged)] == ["new"]
    repo.close()
    assert worktrees_of(root) == []


def test_an_unborn_branch_has_no_head(tree: WorkTree):
    git(tree.path, "checkout", "-q", "--orphan", "nothing-yet")

    assert tree.head() is None


@pytest.mark.parametrize("what", ["removed", "file", "directory", "link"])
def test_a_removed_or_replaced_git_file_is_put_right(tree: WorkTree, tmp_path: Path, what: str):
    link = tree.path / ".git"
    link.unlink()
    if what == "file":
        link.write_text(f"gitdir: {tmp_path}/elsewhere\n")
    elif what == "directory":
        git(tree.path, "init", "-q")
    elif what == "link":
        link.symlink_to(tmp_path)

    restored = tree.restore()

    assert restored
    assert not tree.restore()
    assert git(tree.path, "rev-parse", "HEAD").strip() == tree.head()


def test_trees_that_are_locked_damaged_or_gone_can_be_removed(repo: Repo, tmp_path: Path):
    trees = [worktrees.add(repo, tmp_path / f"wt-{n}", repo.head().commit) for n in range(4)]
    (trees[1].path / ".git").write_text("gitdir: /nowhere\n")
    subprocess.run(["rm", "-rf", str(trees[2].path)], check=True)
    (trees[3].git_dir / "HEAD").write_text("")

    for tree in trees:
        worktrees.remove(repo, tree.path)

    assert worktrees_of(repo.top) == []
    assert not any(tree.path.exists() or tree.git_dir.exists() for tree in trees)


def test_debris_is_cleared_and_work_is_kept(repo: Repo, tmp_path: Path):
    pool = tmp_path / "pool"
    commit = repo.head().commit
    half, gone, locked, broken, good = (
        worktrees.add(repo, pool / f"wt-{n}", commit) for n in range(5)
    )
    outside = worktrees.add(repo, tmp_path / "users" / "tree", commit)
    (half.git_dir / "locked").write_text("initializing")
    (half.git_dir / "HEAD").write_text("0" * 40 + "\n")
    subprocess.run(["rm", "-rf", str(gone.path), str(locked.path), str(outside.path)], check=True)
    (broken.git_dir / "HEAD").write_text("")
    (broken.path / "work").write_text("of an agent")
    empty = repo.common_dir / "worktrees" / "wt-9"
    empty.mkdir()
    os.utime(empty, (0, 0))

    debris = collect_debris(repo, pool)

    assert set(debris.removed) == {half.path, gone.path, locked.path, empty}
    assert debris.repaired == (broken.path,)
    assert (broken.path / "work").read_text() == "of an agent"
    assert names_at(repo.top, broken.stage_all()) == {*BASE, "work"}
    assert outside.git_dir.exists()
    assert set(worktrees_of(repo.top)) == {broken.path, good.path, outside.path}
    assert fsck_clean(repo.top)
    assert collect_debris(repo, pool).removed == ()


def test_an_entry_that_can_not_be_read_is_neither_forgotten_nor_taken_for_gone(
    repo: Repo, tree: WorkTree, tmp_path: Path
):
    other = worktrees.add(repo, tmp_path / "pool" / "wt-2", repo.head().commit)
    # Root may read every file, but no directory as a file.
    (tree.git_dir / "gitdir").unlink()
    (tree.git_dir / "gitdir").mkdir()
    os.utime(tree.git_dir, (0, 0))

    debris = collect_debris(repo, tmp_path / "pool")

    assert debris.removed == ()
    assert tree.git_dir.is_dir()
    assert [path for _, path in worktrees.known(repo)] == [other.path]
    assert worktrees.find(repo, other.path).git_dir == other.git_dir
    with pytest.raises(IsADirectoryError):
        worktrees.find(repo, tree.path)


def test_the_work_tree_that_has_a_branch_is_found(repo: Repo, tmp_path: Path):
    git(repo.top, "worktree", "add", "-q", "-b", "side", str(tmp_path / "side tree"))
    git(repo.top, "branch", "free")

    assert worktrees.branch_checked_out(repo, "main") == repo.top
    assert worktrees.branch_checked_out(repo, "side") == tmp_path / "side tree"
    assert worktrees.branch_checked_out(repo, "free") is None


def test_the_main_work_tree_is_found_from_a_linked_one(repo: Repo, tmp_path: Path):
    git(repo.top, "worktree", "add", "-q", "-b", "side", str(tmp_path / "side tree"))
    git(repo.top, "worktree", "add", "-q", "--force", str(tmp_path / "again"), "side")
    linked = Repo.discover(tmp_path / "side tree", os.environ)

    assert worktrees.branch_checked_out(linked, "main") == repo.top
    assert worktrees.checkouts(linked, "side") == (tmp_path / "side tree", tmp_path / "again")
    git(repo.top, "config", "core.bare", "true")
    assert worktrees.branch_checked_out(linked, "main") is None
    linked.close()


def test_neither_a_symbolic_link_as_head_nor_a_lost_work_tree_misleads(repo: Repo, tmp_path: Path):
    git(repo.top, "worktree", "add", "-q", "-b", "side", str(tmp_path / "side"))
    (tmp_path / "side").rename(tmp_path / "moved away")
    head = repo.git_dir / "HEAD"
    head.unlink()
    head.symlink_to("refs/heads/main")

    assert worktrees.branch_checked_out(repo, "main") == repo.top
    assert worktrees.branch_checked_out(repo, "side") is None


@pytest.mark.parametrize("content", [None, ""], ids=["no commondir", "an empty one"])
def test_a_worktree_add_killed_at_its_commondir_stops_nobody(repo: Repo, tmp_path: Path, content):
    # At an empty one git fails to list, to add and to prune work trees.
    half = worktrees.add(repo, tmp_path / "pool" / "wt-1", repo.head().commit)
    (half.git_dir / "locked").write_text("initializing")
    (half.git_dir / "commondir").unlink()
    if content is not None:
        (half.git_dir / "commondir").write_text(content)

    assert worktrees.branch_checked_out(repo, "main") == repo.top
    other = worktrees.add(repo, tmp_path / "pool" / "wt-2", repo.head().commit)
    worktrees.remove(repo, other.path)
    collect_debris(repo, tmp_path / "pool")
    assert worktrees_of(repo.top) == []
    assert fsck_clean(repo.top)


@pytest.mark.slow
def test_a_worktree_add_killed_halfway_leaves_nothing_for_good(repo: Repo, tmp_path: Path):
    # git itself refuses to list or add work trees while one has no `commondir` file yet.
    commit = repo.head().commit
    pool = tmp_path / "pool"
    for number, awaited in enumerate(("gitdir", "HEAD", "commondir", "index.lock") * 2):
        path = pool / f"wt-{number}"
        child = repo.git.start("worktree", "add", "--detach", str(path), commit)
        entry = repo.common_dir / "worktrees" / path.name / awaited
        wait_until(lambda child=child, entry=entry: entry.exists() or child.poll() is not None)
        with suppress(ProcessLookupError):
            os.killpg(child.pid, signal.SIGKILL)
        child.communicate()

        collect_debris(repo, pool)

        for left in worktrees_of(repo.top):
            worktrees.remove(repo, left)
        assert fsck_clean(repo.top)
        assert worktrees.add(repo, pool / "next", commit).head() == commit
        worktrees.remove(repo, pool / "next")


@pytest.mark.slow
def test_a_lock_that_lies_still_is_cleared_and_one_in_use_is_not(repo: Repo):
    lock = repo.common_dir / "refs" / "heads" / "main.lock"
    lock.write_bytes(b"")
    writing = repo.common_dir / "refs" / "heads" / "busy.lock"
    writing.write_bytes(b"")
    stop = threading.Event()

    def write() -> None:
        while not stop.wait(0.02):
            writing.write_bytes(writing.read_bytes() + b"x")

    thread = threading.Thread(target=write)
    thread.start()
    cleared = (remove_untouched(lock), remove_untouched(writing))
    stop.set()
    thread.join()

    assert cleared == (True, False)
    assert (lock.exists(), writing.exists()) == (False, True)
    assert remove_untouched(lock)


@pytest.mark.slow
def test_eight_threads_add_and_remove_trees_without_a_failure(tmp_path: Path):
    root = make_repository(tmp_path / "project", BASE)
    repos = [Repo.discover(root, os.environ) for _ in range(2)]
    commit = repos[0].head().commit
    failures: list[Exception] = []

    def work(number: int) -> None:
        repo = repos[number % 2]
        try:
            for step in range(3):
                tree = worktrees.add(repo, tmp_path / "pool" / f"{number}-{step}", commit)
                tree.stage_all()
                worktrees.remove(repo, tree.path)
        except Exception as error:  # noqa: BLE001  (a thread's failure is the test's result)
            failures.append(error)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    for repo in repos:
        repo.close()

    assert failures == []
    assert worktrees_of(root) == []
    assert fsck_clean(root)


def test_a_tree_whose_git_file_is_gone_is_not_forgotten_by_somebodys_prune(repo, tmp_path):
    tree = worktrees.add(repo, tmp_path / "wt-1", repo.head().commit)
    (tree.path / ".git").unlink()

    git(repo.top, "worktree", "prune", "--expire=now")

    assert worktrees.find(repo, tree.path).git_dir == tree.git_dir
