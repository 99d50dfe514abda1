"""Merged work reaches the user when and how the plan says, and by `deliver` at any time."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from support.fatal_git import FatalGit
from support.repository import commit_files, git
from support.scene import Scene
from support.stand_in_gh import Gh
from support.waiting import wait_until

pytestmark = pytest.mark.slow

PLAN = """---
po_plan_version: "0.2"
name: Deliver me
defaults: {{backend: command, max_retries: 0}}
merge: {{deliver: {way}}}
tasks:
  - {{id: one, command: "echo 1 > one.txt"}}
  - {{id: two, depends_on: [one], command: "{wait}; echo 2 > two.txt"}}
---
"""
#: Until the user's branch, which all worktrees see, has what the task before made.
ARRIVED = "until git cat-file -e main:one.txt; do sleep 0.05; done"
GOES_ON = "until test -e $PO_TASKS_DIR/go; do sleep 0.05; done"


def scene_of(folder, way, wait="true"):
    scene = Scene(folder).repository({"a.txt": "a\n"}).plan(PLAN.format(way=way, wait=wait))
    git(folder, "init", "--quiet", "--bare", str(folder / "there.git"))
    git(scene.project, "remote", "add", "origin", str(folder / "there.git"))
    git(scene.project, "push", "--quiet", "--set-upstream", "origin", "main")
    return scene


def events(scene, kind):
    lines = [
        json.loads(line)
        for path in sorted((scene.tasks_dir / "journal").glob("*.jsonl"))
        for line in path.read_text(encoding="utf-8").splitlines(keepends=True)
        # of the last one, there may be only the beginning so far
        if line.endswith("\n")
    ]
    return [one for one in lines if one["kind"] == kind]


def branch(scene, name, place=""):
    return git(place or scene.project, "rev-parse", name).strip()


def test_with_each_a_merge_reaches_the_users_branch_while_the_next_task_is_at_work(tmp_path):
    scene = scene_of(tmp_path, "each", ARRIVED)
    base = branch(scene, "main")

    result = scene.run("--yes", check=0)

    first, second, whole = events(scene, "Delivered")
    assert (first["before"], second["before"]) == (base, first["after"])
    assert (whole["before"], whole["after"]) == (base, branch(scene, "main"))
    assert scene.names() == {"a.txt", "one.txt", "two.txt"}
    assert scene.dirty() == []
    assert f"`main` moved from `{base[:12]}`" in result.out


def test_with_each_what_is_in_the_way_is_said_once_and_the_end_tries_again(tmp_path):
    scene = scene_of(tmp_path, "each", GOES_ON)
    mine = scene.project / "one.txt"
    mine.write_text("mine\n", encoding="utf-8")

    with scene.start("--yes") as running:
        wait_until(lambda: "not delivered yet" in running.err(), within=20)
        mine.unlink()
        (scene.tasks_dir / "go").touch()
        result = running.wait()

    assert result.exit_code == 0
    assert result.err.count("local changes are in the way: one.txt") == 1
    assert scene.names() == {"a.txt", "one.txt", "two.txt"}


def test_with_each_what_the_user_took_back_is_not_brought_back(tmp_path):
    scene = scene_of(tmp_path, "each", GOES_ON)

    with scene.start("--yes") as running:
        wait_until(lambda: events(scene, "Delivered"), within=20)
        git(scene.project, "reset", "--quiet", "--hard", "HEAD~1")
        (scene.tasks_dir / "go").touch()
        result = running.wait()

    assert result.exit_code == 4
    assert "`main` was rewritten meanwhile" in result.out
    assert scene.names() == {"a.txt"}


def test_with_never_nothing_moves_until_the_user_says_deliver(tmp_path):
    scene = scene_of(tmp_path, "never")

    result = scene.run("--yes", check=0)

    assert scene.names() == {"a.txt"}
    assert "next: deliver what was merged: `parallel-orchestra deliver`" in result.out
    again = scene.run("--yes", check=3)
    assert "bring its work to your branch: `parallel-orchestra deliver`" in again.err
    delivered = scene.call("deliver", check=0)
    assert delivered.out.startswith("delivered to `main`: ")
    assert scene.names() == {"a.txt", "one.txt", "two.txt"}
    assert scene.call("deliver", check=0).out == "`main` has all that was merged\n"
    assert scene.call("status").exit_code == 0


def test_deliver_brings_what_is_merged_so_far_while_the_run_goes_on(tmp_path):
    scene = scene_of(tmp_path, "end", GOES_ON)

    with scene.start("--yes") as running:
        wait_until(lambda: scene.states().get("one") == "done", within=20)
        told = scene.call("deliver", "--json", check=0)
        names = scene.names()
        (scene.tasks_dir / "go").touch()
        assert running.wait().exit_code == 0

    assert json.loads(told.out)["done"] is True
    assert names == {"a.txt", "one.txt"}
    assert scene.names() == {"a.txt", "one.txt", "two.txt"}


@pytest.mark.skipif(shutil.which("strace") is None, reason="there is no strace(1) here")
def test_deliver_finishes_a_delivery_in_which_git_and_the_run_were_killed(tmp_path):
    scene = scene_of(tmp_path, "end")
    fatal = FatalGit(tmp_path / "fatal")
    scene.run("--yes", env=fatal.aim("merge", "rename", 1, with_tool=True))
    assert fatal.mark.exists()

    told = scene.call("deliver")
    if told.exit_code == 4:
        # An index lock that is whole may be that of a person's commit: the command removes it.
        command = told.err.rpartition("hint: once that is mended: `")[2].partition(" && ")[0]
        subprocess.run(["sh", "-c", command], check=True)
        scene.call("deliver", check=0)

    assert scene.names() == {"a.txt", "one.txt", "two.txt"}
    assert scene.dirty() == []
    assert scene.call("deliver", check=0).out == "`main` has all that was merged\n"


def test_the_command_of_a_delivery_in_the_way_of_local_changes_finishes_it(tmp_path):
    scene = scene_of(tmp_path, "end")
    (scene.project / "two.txt").write_text("mine\n", encoding="utf-8")
    scene.run("--yes", check=4)

    refused = scene.call("deliver", check=4)
    (scene.project / "two.txt").unlink()
    scene.call("deliver", check=0)

    assert "local changes are in the way: two.txt" in refused.out
    assert scene.call("status").exit_code == 0


def test_with_pr_the_branch_is_pushed_and_one_request_tells_the_report(tmp_path):
    scene, gh = scene_of(tmp_path, "pr"), Gh(tmp_path / "bin")

    result = scene.run("--yes", env=gh.environment, check=0)
    scene.call("deliver", env=gh.environment, check=0)

    (request,) = gh.requests
    assert (request["title"], request["baseRefName"]) == ("Deliver me", "main")
    assert request["body"].startswith("# Deliver me: all done")
    assert request["url"] in result.out
    tip = branch(scene, "orchestra/deliver-me")
    assert branch(scene, "orchestra/deliver-me", tmp_path / "there.git") == tip
    assert scene.names() == {"a.txt"}
    assert scene.call("status").exit_code == 0
    assert "was pushed for a pull request" in scene.call("doctor").out


def test_after_a_request_the_next_run_takes_another_branch(tmp_path):
    scene, gh = scene_of(tmp_path, "pr"), Gh(tmp_path / "bin")
    scene.run("--yes", env=gh.environment, check=0)

    scene.run("--yes", env=gh.environment, check=0)

    heads = [one["headRefName"] for one in gh.requests]
    assert heads == ["orchestra/deliver-me", "orchestra/deliver-me-2"]


def test_an_undo_reaches_the_request_too(tmp_path):
    scene, gh = scene_of(tmp_path, "pr"), Gh(tmp_path / "bin")
    scene.run("--yes", env=gh.environment, check=0)

    scene.call("undo", "two", env=gh.environment, check=0)

    there = git(tmp_path / "there.git", "ls-tree", "--name-only", "orchestra/deliver-me")
    assert there.split() == ["a.txt", "one.txt"]
    (request,) = gh.requests
    assert "undone" in request["body"]


def test_without_gh_the_branch_is_pushed_and_the_command_is_said(tmp_path):
    scene = scene_of(tmp_path, "pr")

    result = scene.run("--yes", env={"PATH": _without("gh", tmp_path)}, check=4)

    assert "there is no `gh` here: the work will be pushed" in result.err
    assert "there is no `gh` here to open the pull request" in result.out
    assert "gh pr create --base main --head orchestra/deliver-me --title 'Deliver me'" in result.out
    assert branch(scene, "orchestra/deliver-me", tmp_path / "there.git")


def test_a_protected_branch_there_is_said_and_nothing_is_forced(tmp_path):
    scene, gh = scene_of(tmp_path, "pr"), Gh(tmp_path / "bin")
    hook = tmp_path / "there.git/hooks/pre-receive"
    hook.write_text("#!/bin/sh\necho 'only the release team' >&2\nexit 1\n", encoding="utf-8")
    hook.chmod(0o755)

    refused = scene.run("--yes", env=gh.environment, check=4)
    hook.unlink()
    scene.call("deliver", env=gh.environment, check=0)

    assert "only the release team" in refused.out
    assert "`git push origin orchestra/deliver-me && parallel-orchestra deliver`" in refused.out
    assert len(gh.requests) == 1


def test_a_branch_there_with_work_of_others_is_not_overwritten_and_the_command_goes_around(
    tmp_path,
):
    scene, gh = scene_of(tmp_path, "pr"), Gh(tmp_path / "bin")
    git(scene.project, "switch", "--quiet", "--create", "theirs")
    theirs = commit_files(scene.project, {"theirs.txt": "t\n"})
    git(scene.project, "push", "--quiet", str(tmp_path / "there.git"), "HEAD:orchestra/deliver-me")
    git(scene.project, "switch", "--quiet", "main")

    told = scene.run("--yes", env=gh.environment, check=4)

    there = tmp_path / "there.git"
    assert branch(scene, "orchestra/deliver-me", there) == theirs
    (command,) = [line for line in told.out.splitlines() if line.startswith("next: deliver")]
    assert "git push origin orchestra/deliver-me:refs/heads/orchestra/deliver-me-" in command
    assert "--force" not in command


def test_without_a_remote_a_request_says_what_is_missing(tmp_path):
    scene = scene_of(tmp_path, "pr")
    git(scene.project, "remote", "remove", "origin")

    result = scene.run("--yes", check=4)

    assert "there is no remote `origin`: no pull request can be made" in result.err
    assert "no remote `origin` to push to" in result.out


def _without(program, folder):
    """Returns a PATH of links to all programs but that one."""
    place = folder / "programs"
    place.mkdir()
    for directory in ("/bin", "/usr/bin", "/usr/local/bin"):
        for path in sorted(Path(directory).glob("*")):
            if path.name != program and not (place / path.name).exists():
                (place / path.name).symlink_to(path)
    return str(place)
