"""Lock files that a killed git left on refs: ours are removed, all others are respected."""

import os

import pytest

from parallel_orchestra.errors import GitError
from parallel_orchestra.git import Repo, Update, call, collect_debris
from support.repository import make_repository

pytestmark = pytest.mark.slow


@pytest.fixture
def repo(tmp_path, monkeypatch):
    monkeypatch.setattr(call, "_LOCKS_WAIT", 0.3)
    found = Repo.discover(make_repository(tmp_path / "project", {"a": "one\n"}), os.environ)
    yield found
    found.close()


def lock_on(repo, ref):
    lock = repo.common_dir / f"{ref}.lock"
    lock.parent.mkdir(parents=True, exist_ok=True)
    lock.touch()
    return lock


@pytest.mark.parametrize("ref", ["refs/orchestra/run/claim/a", "refs/heads/orchestra/plan"])
def test_a_lock_on_one_of_our_refs_is_removed_when_it_is_in_the_way(repo, ref):
    lock = lock_on(repo, ref)
    commit = repo.head().commit

    repo.refs.transact([Update(ref, commit, None)])

    assert repo.refs.read(ref) == commit
    assert not lock.exists()


def test_a_lock_on_a_ref_of_the_user_stays(repo):
    lock = lock_on(repo, "refs/heads/topic")

    with pytest.raises(GitError, match="update-ref"):
        repo.refs.transact([Update("refs/heads/topic", repo.head().commit, None)])

    assert lock.exists()


def test_locks_on_our_refs_are_collected_with_the_other_debris(repo, tmp_path):
    ours = [lock_on(repo, ref) for ref in ("refs/orchestra/run/merged/a", "refs/heads/orchestra/x")]
    theirs = lock_on(repo, "refs/heads/topic")

    collect_debris(repo, tmp_path)

    assert not any(lock.exists() for lock in ours)
    assert theirs.exists()
