"""A project and the pool of places in it, as fixtures of every test about isolation.

A module says in `FILES` what the project has. Loaded by `tests/conftest.py`.
"""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from parallel_orchestra.git import Repo
from parallel_orchestra.isolation import Pool
from support.repository import git, make_repository

OWNER = "host-1-00000001"
SALVAGE = "refs/orchestra/run1/salvage"


@pytest.fixture
def project(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A repository with one commit of the module's `FILES`."""
    # a space, because shells and `worktree list` have their ideas about them
    return make_repository(tmp_path / "my project", request.module.FILES)


@pytest.fixture
def repo(project: Path) -> Iterator[Repo]:
    """The project's repository, open."""
    one = Repo.discover(project, os.environ)
    yield one
    one.close()


@pytest.fixture
def base(project: Path) -> str:
    """The project's one commit."""
    return git(project, "rev-parse", "HEAD").strip()


@pytest.fixture
def pool(repo: Repo, project: Path, tmp_path: Path) -> Iterator[Pool]:
    """The pool of `OWNER`, with nothing in it; what a test leaves there stays."""
    one = make_pool(repo, project, tmp_path)
    yield one
    one.close(remove=False)


def make_pool(repo: Repo, project: Path, folder: Path, owner: str = OWNER) -> Pool:
    """Returns the pool of an owner in a folder, after its look at what the dead have left."""
    one = Pool(repo, folder / "the cache", project, owner, tasks=project / "_tasks")
    one.collect()
    return one
