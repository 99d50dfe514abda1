import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from parallel_orchestra.git import Repo
from parallel_orchestra.worker.clash import clash
from support.merging import commit_on
from support.repository import git, make_repository

NAMES = ("euro", "dollar")


@pytest.fixture
def repo(tmp_path: Path) -> Iterator[Repo]:
    prices = "\n".join("abcdefgh") + "\n"
    found = Repo.discover(make_repository(tmp_path / "project", {"prices": prices}), os.environ)
    yield found
    found.close()


def sides(repo: Repo, ours: dict[str, str], theirs: dict[str, str]) -> tuple[str, str]:
    base = git(repo.top, "rev-parse", "HEAD").strip()
    return commit_on(repo.top, base, ours), commit_on(repo.top, base, theirs)


def test_both_sides_of_a_conflict_are_shown_with_their_names_and_their_place(repo: Repo):
    tip, commit = sides(
        repo,
        {"prices": "a\nb\nc\nD EUR\ne\nf\ng\nh\n", "other": "fine\n"},
        {"prices": "a\nb\nc\nD USD\ne\nf\ng\nh\n"},
    )

    said = clash(repo.objects, tip, commit, NAMES)

    assert said == (
        "CONFLICT (content): Merge conflict in prices\n"
        "\n"
        "prices:4\n"
        "  b\n"
        "  c\n"
        "  <<<<<<< euro\n"
        "  D EUR\n"
        "  =======\n"
        "  D USD\n"
        "  >>>>>>> dollar\n"
        "  e\n"
        "  f\n"
    )


def test_where_no_lines_conflict_git_says_what_does(repo: Repo):
    tip, commit = sides(repo, {"logo": "\0a"}, {"logo": "\0b"})

    said = clash(repo.objects, tip, commit, NAMES)

    assert "CONFLICT" in said
    assert "logo" in said
    assert "\0" not in said


def test_a_huge_conflict_is_cut(repo: Repo):
    tip, commit = sides(repo, {"prices": "EUR\n" * 5000}, {"prices": "USD\n" * 5000})

    said = clash(repo.objects, tip, commit, NAMES)

    assert len(said.splitlines()) < 130
    assert said.endswith("  ...\n")


def test_of_what_merges_there_is_nothing_to_show(repo: Repo):
    tip, commit = sides(repo, {"one": "1\n"}, {"two": "2\n"})

    assert clash(repo.objects, tip, commit, NAMES) == ""
