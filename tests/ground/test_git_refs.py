import os
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from parallel_orchestra.errors import GitError
from parallel_orchestra.git import RefMoved, Repo, Update, Verify
from support.repository import commit_files, git, make_repository

REF = "refs/orchestra/run/claim/task"


@pytest.fixture
def repo(tmp_path: Path) -> Iterator[Repo]:
    found = Repo.discover(make_repository(tmp_path / "project", {"a": "one\n"}), os.environ)
    yield found
    found.close()


@pytest.fixture
def commit(repo: Repo) -> str:
    found = repo.head().commit
    assert found
    return found


def test_a_ref_is_created_read_changed_and_deleted(repo: Repo, commit: str):
    other = repo.objects.blob(b"token")

    repo.refs.transact([Update(REF, commit, None)])
    created = repo.refs.read(REF)
    repo.refs.transact([Update(REF, other, commit)])
    changed = repo.refs.read(REF)
    repo.refs.transact([Update(REF, None, other)])

    assert (created, changed, repo.refs.read(REF)) == (commit, other, None)


def test_a_wrong_old_value_names_the_ref_and_changes_nothing(repo: Repo, commit: str):
    other = repo.objects.blob(b"token")
    repo.refs.transact([Update(REF, commit, None)])

    with pytest.raises(RefMoved) as moved:
        repo.refs.transact([Update("refs/orchestra/new", commit, None), Update(REF, None, other)])

    assert (moved.value.ref, moved.value.expected, moved.value.actual) == (REF, other, commit)
    assert repo.refs.read("refs/orchestra/new") is None
    assert repo.refs.read(REF) == commit


@pytest.mark.parametrize("packed", [False, True], ids=["loose", "packed"])
def test_a_ref_that_must_not_exist_but_does_is_named(repo: Repo, commit: str, packed: bool):
    repo.refs.transact([Update(REF, commit, None)])
    if packed:
        git(repo.top, "pack-refs", "--all")

    with pytest.raises(RefMoved) as moved:
        repo.refs.transact([Update(REF, commit, None)])

    assert (moved.value.ref, moved.value.expected, moved.value.actual) == (REF, None, commit)


def test_a_ref_that_must_exist_but_does_not_is_named(repo: Repo, commit: str):
    with pytest.raises(RefMoved) as moved:
        repo.refs.transact([Update(REF, None, commit)])

    assert (moved.value.ref, moved.value.expected, moved.value.actual) == (REF, commit, None)


def test_a_verified_ref_that_moved_stops_the_whole_transaction(repo: Repo, commit: str):
    token, thief = repo.objects.blob(b"mine"), repo.objects.blob(b"somebody else's")
    repo.refs.transact([Update(REF, thief, None)])

    with pytest.raises(RefMoved) as moved:
        repo.refs.transact([Update("refs/heads/target", commit, None)], [Verify(REF, token)])

    assert (moved.value.ref, moved.value.actual) == (REF, thief)
    assert repo.refs.read("refs/heads/target") is None


def test_the_absence_of_a_ref_can_be_verified(repo: Repo, commit: str):
    repo.refs.transact([Update("refs/heads/one", commit, None)], [Verify(REF, None)])
    repo.refs.transact([Update(REF, commit, None)])

    with pytest.raises(RefMoved):
        repo.refs.transact([Update("refs/heads/two", commit, None)], [Verify(REF, None)])


def test_transactions_go_on_after_a_refused_one_and_after_a_killed_helper(repo: Repo, commit: str):
    with pytest.raises(RefMoved):
        repo.refs.transact([Update(REF, None, commit)])
    repo.refs.transact([Update(REF, commit, None)])
    repo.refs._writer._child.kill()
    repo.refs._writer._child.wait()

    repo.refs.transact([Update(REF, None, commit)])

    assert repo.refs.read(REF) is None


def test_a_missing_object_or_a_bad_name_is_no_moved_ref(repo: Repo, commit: str):
    for update in (Update(REF, "1" * 40, None), Update("refs/heads/a..b", commit, None)):
        with pytest.raises(GitError) as failure:
            repo.refs.transact([update])

        assert not isinstance(failure.value, RefMoved)
        assert failure.value.problems[0].hint


def test_what_other_processes_write_and_pack_is_seen(repo: Repo, commit: str):
    second = commit_files(repo.top, {"a": "two\n"})
    git(repo.top, "update-ref", REF, commit)
    loose = repo.refs.read(REF)
    git(repo.top, "pack-refs", "--all", "--prune")
    packed = repo.refs.read(REF)
    git(repo.top, "update-ref", REF, second)
    moved = repo.refs.read(REF)
    git(repo.top, "update-ref", "-d", REF)

    assert (loose, packed, moved, repo.refs.read(REF)) == (commit, commit, second, None)


def test_a_ref_of_a_similar_name_does_not_stand_in_for_a_missing_one(repo: Repo, commit: str):
    git(repo.top, "update-ref", f"refs/tags/{REF}", commit)

    assert repo.refs.read(REF) is None


def test_refs_below_a_prefix_are_listed_and_no_others(repo: Repo, commit: str):
    names = ("refs/orchestra/run/a", "refs/orchestra/run/b", "refs/orchestra/runner/c")
    repo.refs.transact([Update(name, commit, None) for name in names])

    assert repo.refs.list("refs/orchestra/run") == dict.fromkeys(names[:2], commit)
    assert repo.refs.list("refs/orchestra/run/") == dict.fromkeys(names[:2], commit)
    assert repo.refs.list("refs/nothing") == {}


def test_an_update_does_not_follow_a_symbolic_ref_put_in_its_place(repo: Repo, commit: str):
    second = repo.objects.commit(repo.objects.tree_of(commit), [commit], "second")
    git(repo.top, "symbolic-ref", "refs/heads/target", "refs/heads/main")

    repo.refs.transact([Update("refs/heads/target", second, commit)])

    assert repo.refs.read("refs/heads/main") == commit
    assert repo.refs.read("refs/heads/target") == second


@pytest.mark.slow
def test_of_many_threads_and_repositories_exactly_one_wins_each_step(tmp_path: Path):
    root = make_repository(tmp_path / "project", {"a": "one\n"})
    repos = [Repo.discover(root, os.environ) for _ in range(2)]
    tokens = [repos[0].objects.blob(b"%d" % step) for step in range(11)]
    repos[0].refs.transact([Update(REF, tokens[0], None)])
    wins: list[int] = []

    def work(repo: Repo) -> None:
        for step in range(10):
            try:
                repo.refs.transact([Update(REF, tokens[step + 1], tokens[step])])
            except RefMoved:
                continue
            wins.append(step)

    threads = [threading.Thread(target=work, args=(repo,)) for repo in repos for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    last = repos[0].refs.read(REF)
    for repo in repos:
        repo.close()

    # A thread may be ahead of the others, so not every step need be won by anybody.
    assert sorted(wins) == list(range(len(wins)))
    assert last == tokens[len(wins)]
