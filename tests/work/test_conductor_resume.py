"""What a resumed run builds on: also what the user did on their branch meanwhile."""

import json

import pytest

from support.repository import commit_files, files_at, fsck_clean, git
from support.scene import Scene

NEEDS_HELP = """\
---
po_plan_version: "0.2"
name: help
defaults: {backend: command, max_retries: 0}
tasks:
  - {id: first, command: "echo first > first.txt"}
  - {id: stuck, command: "cp tool.txt stuck.txt"}
  - {id: after, depends_on: [stuck], command: "cat first.txt stuck.txt > after.txt"}
---
"""


@pytest.fixture
def scene(tmp_path):
    scene = Scene(tmp_path).repository(3).plan(NEEDS_HELP)
    scene.run(check=1)
    return scene


@pytest.mark.slow
def test_tasks_of_a_resumed_run_see_what_the_user_committed_meanwhile(scene):
    commit_files(scene.project, {"tool.txt": "tool\n"}, "the tool that was missing")

    scene.run("--resume", check=0)

    assert files_at(scene.project)["after.txt"] == "first\ntool\n"
    assert fsck_clean(scene.project)


@pytest.mark.slow
def test_what_the_user_resolved_by_hand_is_seen_by_the_tasks_that_need_it(scene):
    commit_files(scene.project, {"stuck.txt": "by hand\n"}, "done by hand")
    (failed,) = (scene.project / "_tasks" / "failed").iterdir()
    failed.rename(scene.project / "_tasks" / "done" / failed.name)

    scene.run("--resume", check=0)

    assert files_at(scene.project)["after.txt"] == "first\nby hand\n"


@pytest.mark.slow
def test_a_users_branch_that_conflicts_with_the_run_is_told_of_and_holds_up_nothing(scene):
    git(scene.project, "reset", "--quiet", "--hard", "HEAD~1")
    commit_files(scene.project, {"first.txt": "mine\n", "tool.txt": "tool\n"}, "another way")

    result = scene.run("--resume", check=4)

    assert "`main` moved meanwhile and conflicts in first.txt" in result.err
    assert "tasks do not see it" in result.err
    assert result.states() == {"first": "done", "stuck": "failed", "after": "available"}


@pytest.mark.slow
def test_a_branch_that_did_not_move_is_not_merged_in(scene):
    scene.run("--resume", check=1)

    assert "Orchestra-Base" not in git(scene.project, "log", "--format=%B", "orchestra/help")


@pytest.mark.slow
def test_a_finished_run_is_told_of_as_it_was_carried_out_whatever_the_plan_says_now(scene):
    look = '{{id: look, title: "{}", backend: command, read_only: true, command: "true"}}'
    plan = '---\npo_plan_version: "0.2"\nname: look\ntasks:\n  - {}\n---\n'
    scene.plan(plan.format(look.format("as it was"))).run("--fresh", check=0)

    same = scene.run("--resume", "--report", "../same.json", check=0)
    scene.plan(plan.format(look.format("as it is")))
    other = scene.run("--resume", "--report", "../other.json", check=0)

    titles = [
        json.loads((scene.project.parent / name).read_text())["tasks"][0]["title"]
        for name in ("same.json", "other.json")
    ]
    assert titles == ["as it was", "as it was"]
    assert "its definition has changed" not in same.err
    assert "its definition has changed" in other.err
