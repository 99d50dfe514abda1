"""Which programs git is configured to run, and that a change of them is seen at little cost."""

import time

import pytest

from parallel_orchestra.git import ProgramsOf, Setting, worktrees
from support.figures import tell
from support.repository import git

FILES = {"a": "one\n"}


@pytest.fixture
def tree(repo, tmp_path):
    return worktrees.add(repo, tmp_path / "pool" / "wt-1", repo.head().commit)


@pytest.mark.parametrize(
    "key",
    [
        "filter.x.clean",
        "filter.X.smudge",
        "filter.a.b.process",
        "FILTER.x.Required",
        "merge.x.driver",
        "merge.x.recursive",
        "merge.default",
        "diff.external",
        "diff.x.command",
        "diff.x.textconv",
        "core.attributesFile",
        "core.worktree",
        "core.sshCommand",
        "extensions.partialClone",
        "remote.origin.uploadpack",
        "remote.origin.promisor",
    ],
)
def test_a_setting_that_makes_our_calls_run_a_program_is_a_driver(repo, tree, key):
    programs = ProgramsOf(repo)
    before = programs.look().drivers

    git(tree.path, "config", key, "true")

    (fresh,) = programs.look().drivers - before
    assert (fresh.key.lower(), fresh.value) == (key.lower(), "true")


@pytest.mark.parametrize(
    "key",
    ["core.hooksPath", "core.fsmonitor", "alias.co", "core.pager", "pager.log", "gpg.program"],
)
def test_a_setting_that_only_the_users_git_heeds_is_none(repo, tree, key):
    programs = ProgramsOf(repo)
    before = programs.look()

    git(tree.path, "config", key, "true")

    after = programs.look()
    assert after.drivers == before.drivers
    assert {one.key for one in after.others - before.others} == {key.lower()}


@pytest.mark.parametrize(
    "key", ["user.name", "remote.new.url", "branch.main.remote", "lfs.url", "rerere.enabled"]
)
def test_what_agents_and_users_set_every_day_is_not_noticed(repo, tree, key):
    programs = ProgramsOf(repo)
    before = programs.look()

    git(tree.path, "config", key, "x")

    assert programs.look() == before


def test_what_an_included_file_says_counts_also_when_it_changes_later(repo, tmp_path):
    more = tmp_path / "more"
    more.write_text("")
    git(repo.top, "config", "include.path", str(more))
    programs = ProgramsOf(repo)
    before = programs.look().drivers

    more.write_text('[filter "x"]\n\tclean = evil\n')
    git(repo.top, "config", "--local", "x.y", "z")

    assert programs.look().drivers - before == {Setting("filter.x.clean", "evil")}


def test_attributes_for_the_whole_repository_count_if_they_name_a_driver(repo):
    programs = ProgramsOf(repo)
    before = programs.look().drivers
    info = repo.common_dir / "info"
    info.mkdir(exist_ok=True)

    (info / "attributes").write_text("# filter=no\n*.txt text\n*.bin merge=ours\n")

    assert programs.look().drivers - before == {Setting("info/attributes", "*.bin merge=ours")}


def test_a_configuration_that_git_cannot_read_is_a_change(repo):
    programs = ProgramsOf(repo)
    before = programs.look().drivers

    with (repo.common_dir / "config").open("a") as file:
        file.write("[[[\n")

    assert programs.look().drivers != before


def test_hooks_are_told_apart_by_their_versions(repo):
    hook = repo.common_dir / "hooks" / "pre-commit"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text("#!/bin/sh\n")
    programs = ProgramsOf(repo)
    before = programs.look().others

    hook.write_text("#!/bin/sh\nevil\n")

    assert {one.key for one in programs.look().others - before} == {"hook pre-commit"}


def test_a_look_at_what_has_not_changed_asks_git_nothing(repo, monkeypatch):
    programs = ProgramsOf(repo)
    found = programs.look()
    monkeypatch.setattr(type(repo.git), "run", None)

    begun, looks = time.perf_counter(), 200
    same = all(programs.look() == found for _ in range(looks))

    assert same
    spent = (time.perf_counter() - begun) / looks
    tell("a look at git's programs", milliseconds=round(1000 * spent, 3))
