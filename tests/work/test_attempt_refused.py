"""An agent that leaves what can't become a commit has failed; all that it wrote is kept."""

import json

import pytest

from support.repository import git, names_at, worktrees_of
from support.scene import Scene

PLAN = """\
---
po_plan_version: "0.2"
name: refused
tasks:
  - id: odd
    backend: command
    command: {command}
    max_retries: 0
  - id: next
    backend: command
    command: "echo n > n.txt"
    max_retries: 0
max_workers: 1
---
"""


@pytest.fixture
def scene(tmp_path):
    return Scene(tmp_path).repository({"a.txt": "a\n"})


@pytest.mark.slow
@pytest.mark.parametrize(
    ("command", "words", "kept"),
    [
        (
            "git init -q sub && cd sub && echo s > s.txt && git add . && git commit -qm s",
            "made a git repository inside its worktree: sub",
            "sub/s.txt",
        ),
        ('echo w > w.txt; rm -rf "$(git rev-parse --git-dir)"', "removed its worktree", "w.txt"),
    ],
    ids=["embedded repository", "removed worktree"],
)
def test_work_that_cant_be_taken_fails_the_task_and_not_the_run(scene, command, words, kept):
    scene.plan(PLAN.format(command=json.dumps(command)))

    result = scene.run("--yes", check=1)

    assert result.states() == {"odd": "failed", "next": "done"}
    (record,) = (scene.tasks_dir / "attempts/odd").glob("*/result.json")
    ended = json.loads(record.read_text())
    assert words in ended["reason"]
    assert ended["failure"] == "unusable"
    assert kept in names_at(scene.project, ended["ref"])
    assert names_at(scene.project, "main") == {"a.txt", "n.txt"}
    assert worktrees_of(scene.project) == []


@pytest.mark.slow
def test_a_read_only_task_may_clone_what_it_wants_to_read(scene):
    clone = 'git clone -q "$(git rev-parse --git-common-dir)" copy'
    plan = PLAN.format(command=json.dumps(clone)).replace("max_retries: 0", "read_only: true", 1)
    scene.plan(plan)

    result = scene.run("--yes", check=0)

    assert result.states() == {"odd": "done", "next": "done"}
    assert names_at(scene.project, "main") == {"a.txt", "n.txt"}


@pytest.mark.slow
def test_a_run_in_which_all_went_well_leaves_no_salvage_behind(scene):
    scene.plan(PLAN.format(command=json.dumps("echo w > w.txt")))

    scene.run("--yes", check=0)

    refs = git(scene.project, "for-each-ref", "--format=%(refname)", "refs/orchestra")
    assert "salvage" not in refs
    assert "lost" not in refs
