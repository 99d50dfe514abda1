import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from parallel_orchestra.errors import EnvironmentProblem, GitError
from parallel_orchestra.git import FALLBACK_IDENTITY, Head, Identity, Repo, fast_forward
from parallel_orchestra.git.call import Git, clean_environment
from parallel_orchestra.git.mutex import Mutex
from support.repository import commit_files, files_at, git, make_repository
from support.waiting import given_time, wait_until

FILES = {"a.txt": "one\n", "b.txt": "two\n"}


@pytest.fixture
def repo(tmp_path: Path) -> Iterator[Repo]:
    found = Repo.discover(make_repository(tmp_path / "project", FILES), os.environ)
    yield found
    found.close()


def commit_ahead(repo: Repo, files: dict[str, str]) -> str:
    """Makes a commit on top of HEAD that no branch has; returns its id."""
    git(repo.top, "checkout", "-q", "--detach")
    ahead = commit_files(repo.top, files)
    git(repo.top, "checkout", "-q", "main")
    return ahead


@pytest.mark.parametrize(
    "name",
    ["with space", "qu'o\"te", "ünïcode", "line\nbreak"],
    ids=["space", "quote", "utf8", "newline"],
)
def test_a_repository_is_found_from_a_folder_inside_whatever_its_name(tmp_path: Path, name: str):
    root = make_repository(tmp_path / name, {"sub/file": "x"})

    found = Repo.discover(root / "sub", os.environ)

    assert (found.top, found.git_dir, found.common_dir) == (root, root / ".git", root / ".git")
    assert found.object_format == "sha1"


def test_a_linked_work_tree_shares_the_common_directory(tmp_path: Path):
    root = make_repository(tmp_path / "main", FILES)
    git(root, "worktree", "add", "-q", "--detach", str(tmp_path / "linked"))

    found = Repo.discover(tmp_path / "linked", os.environ)

    assert found.top == tmp_path / "linked"
    assert found.common_dir == root / ".git"
    assert found.git_dir == root / ".git" / "worktrees" / "linked"


def test_a_folder_outside_a_repository_is_refused_with_the_remedy(tmp_path: Path):
    with pytest.raises(EnvironmentProblem) as refusal:
        Repo.discover(tmp_path, os.environ)

    problem = refusal.value.problems[0]
    assert problem.what == "not a git repository"
    assert problem.where == str(tmp_path)
    assert "git init" in problem.hint


def test_a_bare_repository_is_refused(tmp_path: Path):
    git(tmp_path, "init", "-q", "--bare", "bare.git")

    with pytest.raises(EnvironmentProblem, match="bare"):
        Repo.discover(tmp_path / "bare.git", os.environ)


def test_a_missing_git_is_named(tmp_path: Path):
    with pytest.raises(EnvironmentProblem, match="git is not installed"):
        Repo.discover(tmp_path, {**os.environ, "PATH": str(tmp_path)})


def test_a_git_that_is_too_old_is_refused(tmp_path: Path):
    program = tmp_path / "git"
    program.write_text("#!/bin/sh\necho git version 2.38.1\n")
    program.chmod(0o755)

    with pytest.raises(EnvironmentProblem, match=r"2\.38\.1` is too old"):
        Repo.discover(tmp_path, {**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}"})


def test_variables_of_an_outer_git_are_dropped(tmp_path: Path):
    root = make_repository(tmp_path / "project", FILES)
    outer = {"GIT_DIR": "/nowhere", "GIT_INDEX_FILE": "/nowhere/index", "GIT_WORK_TREE": "/"}

    found = Repo.discover(root, {**os.environ, **outer})

    assert found.top == root
    assert found.dirty() == ()


def test_head_names_the_branch_and_its_commit(repo: Repo):
    assert repo.head() == Head("main", git(repo.top, "rev-parse", "HEAD").strip())


def test_a_detached_head_has_no_branch(repo: Repo):
    git(repo.top, "checkout", "-q", "--detach")

    head = repo.head()

    assert head.branch is None
    assert head.commit is not None


def test_a_branch_or_tag_that_is_called_head_hides_nothing(repo: Repo):
    commit = git(repo.top, "rev-parse", "HEAD").strip()
    other = commit_ahead(repo, {"c.txt": "three\n"})

    for kind in ("heads", "tags"):
        git(repo.top, "update-ref", f"refs/{kind}/HEAD", other)
        assert repo.head() == Head("main", commit)
        git(repo.top, "update-ref", "-d", f"refs/{kind}/HEAD")


def test_an_unborn_head_has_no_commit(tmp_path: Path):
    git(tmp_path, "init", "-q", "-b", "start")

    assert Repo.discover(tmp_path, os.environ).head() == Head("start", None)


@pytest.mark.parametrize(
    ("arguments", "act"),
    [
        (("merge", "other"), "merge"),
        (("rebase", "other"), "rebase"),
        (("cherry-pick", "other"), "cherry-pick"),
    ],
    ids=["merge", "rebase", "cherry-pick"],
)
def test_what_the_user_is_in_the_middle_of_is_named(
    repo: Repo, arguments: tuple[str, ...], act: str
):
    git(repo.top, "checkout", "-qb", "other")
    commit_files(repo.top, {"a.txt": "theirs\n"})
    git(repo.top, "checkout", "-q", "main")
    commit_files(repo.top, {"a.txt": "ours\n"})
    git(repo.top, *arguments, code=1)

    assert repo.under_way() == act


def test_a_bisection_is_named_and_a_quiet_repository_is_not(repo: Repo):
    before = repo.under_way()
    git(repo.top, "bisect", "start")

    assert (before, repo.under_way()) == (None, "bisect")


def test_the_identity_is_the_configured_one(repo: Repo):
    assert repo.identity() == Identity("Test Person", "test@example.invalid")


def test_an_identity_is_never_guessed(repo: Repo):
    git(repo.top, "config", "user.name", "")

    assert repo.identity() is None
    assert repo.committer() == FALLBACK_IDENTITY


def test_changed_staged_deleted_and_untracked_paths_are_dirty_ignored_ones_are_not(repo: Repo):
    (repo.top / "a.txt").write_text("changed")
    (repo.top / "b.txt").unlink()
    (repo.top / ".gitignore").write_text("*.log\n")
    (repo.top / "x.log").write_text("ignored")
    (repo.top / "new dir").mkdir()
    (repo.top / "new dir" / "line\nbreak é").write_text("untracked")

    assert set(repo.dirty()) == {"a.txt", "b.txt", ".gitignore", "new dir/line\nbreak é"}


def test_a_name_is_resolved_to_a_commit_or_none(repo: Repo):
    commit = repo.head().commit

    assert repo.resolve("main") == commit
    assert repo.resolve("--all") is None
    assert repo.resolve("no-such-branch") is None


def test_ancestors_are_known(repo: Repo):
    old = repo.head().commit
    new = commit_files(repo.top, {"c": "c"})

    assert repo.is_ancestor(old, new)
    assert not repo.is_ancestor(new, old)
    with pytest.raises(GitError):
        repo.is_ancestor("0" * 40, new)


def test_a_checked_out_branch_is_fast_forwarded_with_its_files(repo: Repo):
    ahead = commit_ahead(repo, {"c.txt": "three\n"})
    (repo.top / "b.txt").write_text("my local change\n")

    moved = fast_forward(repo, "main", ahead, repo.top)

    assert moved.done
    assert repo.head() == Head("main", ahead)
    assert (repo.top / "c.txt").read_text() == "three\n"
    assert (repo.top / "b.txt").read_text() == "my local change\n"


def test_local_changes_in_the_way_are_named_and_left_alone(repo: Repo):
    before = repo.head()
    ahead = commit_ahead(repo, {"a.txt": "theirs\n", "new é.txt": "theirs\n"})
    (repo.top / "a.txt").write_text("mine\n")
    (repo.top / "new é.txt").write_text("mine too\n")
    git(repo.top, "config", "merge.autoStash", "true")

    refused = fast_forward(repo, "main", ahead, repo.top)

    assert not refused.done
    assert "a.txt" in refused.files
    assert repo.head() == before
    assert (repo.top / "a.txt").read_text() == "mine\n"
    assert (repo.top / "new é.txt").read_text() == "mine too\n"


def test_an_untracked_file_in_the_way_is_named(repo: Repo):
    ahead = commit_ahead(repo, {"new.txt": "theirs\n"})
    (repo.top / "new.txt").write_text("mine\n")

    refused = fast_forward(repo, "main", ahead, repo.top)

    assert (refused.done, refused.files) == (False, ("new.txt",))


def test_a_branch_with_commits_of_its_own_is_not_moved(repo: Repo):
    ahead = commit_ahead(repo, {"c.txt": "c"})
    own = commit_files(repo.top, {"d.txt": "d"})

    assert not fast_forward(repo, "main", ahead, repo.top).done
    git(repo.top, "checkout", "-q", "--detach")
    assert not fast_forward(repo, "main", ahead, None).done
    assert repo.resolve("main") == own


def test_a_branch_that_nobody_has_is_moved_by_its_ref(repo: Repo):
    git(repo.top, "branch", "release")
    ahead = commit_ahead(repo, {"c.txt": "c"})

    assert fast_forward(repo, "release", ahead, None).done
    assert repo.resolve("release") == ahead


def test_the_ref_of_a_checked_out_branch_is_never_moved_alone(repo: Repo):
    ahead = commit_ahead(repo, {"c.txt": "c"})

    refused = fast_forward(repo, "main", ahead, None)

    assert not refused.done
    assert str(repo.top) in refused.reason
    assert repo.resolve("main") != ahead


def test_a_checkout_that_has_another_branch_by_now_is_left_alone(repo: Repo):
    ahead = commit_ahead(repo, {"c.txt": "c"})
    git(repo.top, "checkout", "-qb", "elsewhere")

    refused = fast_forward(repo, "main", ahead, repo.top)

    assert not refused.done
    assert "`elsewhere` is checked out" in refused.reason
    assert "c.txt" not in files_at(repo.top)


def test_a_failure_shows_command_directory_exit_code_and_gits_words(repo: Repo):
    with pytest.raises(GitError) as failure:
        repo.git.run("cat-file", "-p", "no-such-object")

    problem = failure.value.problems[0]
    assert problem.what == "`git cat-file` failed with exit code 128"
    assert problem.where == str(repo.common_dir)
    assert "Not a valid object name no-such-object" in problem.hint


def test_a_git_that_does_not_end_is_ended_with_its_children(tmp_path: Path):
    root = make_repository(tmp_path / "project", FILES)
    mark = tmp_path / "pid"
    alias = f"alias.slow=!echo $$ > {mark}; exec sleep 60"

    def run(seconds: float) -> None:
        slow = Git(clean_environment(os.environ), root, limit=seconds)
        with pytest.raises(GitError, match=rf"did not end within {seconds:g} seconds"):
            slow.run("-c", alias, "slow")

    given_time(run, lambda _: mark.exists() and mark.read_text(), seconds=0.3)

    pid = int(mark.read_text())
    assert wait_until(lambda: not Path(f"/proc/{pid}").exists() or "Z" in _state(pid), within=5)


def _state(pid: int) -> str:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]


def test_the_mutex_keeps_threads_apart_and_lets_one_thread_in_again(tmp_path: Path):
    mutex, inside, most = Mutex(tmp_path / "lock"), [], []

    def work() -> None:
        for _ in range(20):
            with mutex.held(), mutex.held():
                inside.append(1)
                most.append(len(inside))
                inside.pop()

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    mutex.close()

    assert len(most) == 80
    assert max(most) == 1


def test_a_mutex_that_stays_taken_is_given_up_and_the_file_named(tmp_path: Path):
    holder, other = Mutex(tmp_path / "lock"), Mutex(tmp_path / "lock")

    with holder.held(), pytest.raises(EnvironmentProblem) as refusal, other.held(wait=0.05):
        pass
    with other.held(wait=0.05):
        taken_afterwards = True
    holder.close()
    other.close()

    assert refusal.value.problems[0].where == str(tmp_path / "lock")
    assert taken_afterwards


@pytest.mark.slow
def test_the_mutex_outlives_a_killed_parent_while_its_git_child_runs(tmp_path: Path):
    root = make_repository(tmp_path / "project", FILES)
    script = f"""
import os, sys
sys.path.insert(0, {str(Path(__file__).parents[2])!r})
from pathlib import Path
from parallel_orchestra.git import Repo
repo = Repo.discover(Path({str(root)!r}), os.environ)
with repo.lock():
    repo.git.run("-c", "alias.slow=!echo $$ > {tmp_path}/pid; exec sleep 60", "slow")
"""
    parent = subprocess.Popen([sys.executable, "-c", script])
    mark = tmp_path / "pid"
    wait_until(lambda: mark.exists() and mark.read_text().strip())
    mutex = Mutex(root / ".git" / "orchestra.lock")

    parent.kill()
    parent.wait(60)
    try:
        with pytest.raises(EnvironmentProblem), mutex.held(wait=0.1):
            pass
    finally:
        os.killpg(os.getpgid(int(mark.read_text())), signal.SIGKILL)
    with mutex.held(wait=5):
        free_again = True
    mutex.close()

    assert free_again
