"""What commits changed, line by line, told by the real git."""

import os

from parallel_orchestra.git import Repo, tallies
from support.repository import commit_files, git, make_repository


def test_a_merge_is_told_against_its_first_parent(tmp_path):
    root = make_repository(tmp_path / "repo", {"a.txt": "1\n2\n", "gone.txt": "x\n"})
    git(root, "switch", "-q", "-c", "side")
    git(root, "rm", "-q", "gone.txt")
    commit_files(root, {"a.txt": "1\n2\n3\n", "odd\tname\n.txt": "x\n", "b.bin": "\0\1"})
    git(root, "switch", "-q", "main")
    commit_files(root, {"meanwhile.txt": "y\n"})
    git(root, "merge", "-q", "--no-ff", "-m", "merged", "side")
    repo = Repo.discover(root, dict(os.environ))
    tip = repo.resolve("HEAD")

    (tally,) = tallies(repo, [tip, "1" * 40])

    repo.close()
    assert tally.commit == tip
    assert tally.time > 0
    assert set(tally.files) == {
        ("a.txt", 1, 0),
        ("gone.txt", 0, 1),
        ("odd\tname\n.txt", 1, 0),
        ("b.bin", None, None),
    }


def test_no_commits_ask_git_nothing(tmp_path):
    repo = Repo.discover(make_repository(tmp_path / "repo", 1), dict(os.environ))

    assert tallies(repo, []) == ()
    repo.close()
