"""A branch is pushed as far as the other repository allows it; nothing is forced."""

import os

import pytest

from parallel_orchestra.git import Remote, Repo, push, remote_of
from support.repository import commit_files, git, make_repository


@pytest.fixture
def project(tmp_path):
    path = make_repository(tmp_path / "project", {"a.txt": "a\n"})
    git(tmp_path, "init", "--quiet", "--bare", str(tmp_path / "there.git"))
    git(path, "remote", "add", "origin", "../there.git")
    return path


@pytest.fixture
def repo(project):
    found = Repo.discover(project, os.environ)
    yield found
    found.close()


def head(project, ref="HEAD"):
    return git(project, "rev-parse", ref).strip()


def pushed(repo, project, commit=""):
    remote = remote_of(repo, "main")
    return push(repo, remote, commit or head(project), "orchestra/plan", os.environ)


def test_a_commit_arrives_and_pushing_it_again_is_no_fault(repo, project, tmp_path):
    first, second = pushed(repo, project), pushed(repo, project)

    assert (first.done, second.done) == (True, True)
    assert head(tmp_path / "there.git", "orchestra/plan") == head(project)


def test_a_branch_that_is_further_there_is_not_taken_back(repo, project, tmp_path):
    old = head(project)
    commit_files(project, {"a.txt": "b\n"})
    pushed(repo, project)
    git(project, "reset", "--quiet", "--hard", old)
    git(project, "commit", "--quiet", "--allow-empty", "-m", "other")
    theirs = head(tmp_path / "there.git", "orchestra/plan")

    found = pushed(repo, project)

    assert (found.done, found.behind) == (False, True)
    assert head(tmp_path / "there.git", "orchestra/plan") == theirs


def test_what_a_protected_branch_says_is_the_reason(repo, project, tmp_path):
    hook = tmp_path / "there.git/hooks/pre-receive"
    hook.write_text("#!/bin/sh\necho 'only the release team' >&2\nexit 1\n")
    hook.chmod(0o755)

    found = pushed(repo, project)

    assert (found.done, found.behind) == (False, False)
    assert found.reason == "[remote rejected] (pre-receive hook declined): only the release team"


def test_an_address_that_a_host_names_for_a_request_is_found(repo, project, tmp_path):
    hook = tmp_path / "there.git/hooks/post-receive"
    hook.write_text("#!/bin/sh\necho 'Open one: https://host/new?from=plan' >&2\n")
    hook.chmod(0o755)

    assert pushed(repo, project).link == "https://host/new?from=plan"


def test_a_remote_that_is_not_there_is_said_in_gits_words(repo, project, tmp_path):
    (tmp_path / "there.git").rename(tmp_path / "gone.git")

    found = pushed(repo, project)

    assert not found.done
    assert "does not appear to be a git repository" in found.reason


def test_a_pre_push_hook_in_the_repository_does_not_run(repo, project):
    hook = project / ".git/hooks/pre-push"
    hook.write_text("#!/bin/sh\ntouch hook-ran\nexit 1\n")
    hook.chmod(0o755)

    assert pushed(repo, project).done
    assert not (project / "hook-ran").exists()


@pytest.mark.parametrize(
    ("settings", "remote"),
    [
        ({}, Remote("origin", "../there.git", "main")),
        ({"remote": "."}, Remote("origin", "../there.git", "main")),
        (
            {"remote": "up", "merge": "refs/heads/trunk"},
            Remote("up", "https://host/o/r.git", "trunk"),
        ),
        ({"remote": "lost"}, None),
    ],
    ids=["no upstream", "a local upstream", "another remote", "a remote that is gone"],
)
def test_the_remote_is_that_of_the_upstream_or_origin(repo, project, settings, remote):
    git(project, "remote", "add", "up", "https://host/o/r.git")
    for name, value in settings.items():
        git(project, "config", f"branch.main.{name}", value)

    assert remote_of(repo, "main") == remote
