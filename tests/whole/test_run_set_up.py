"""Runs whose worktrees are made ready first."""

import json

import pytest

from support.faults import bad_ground
from support.repository import write_files
from support.scene import Scene

pytestmark = pytest.mark.slow

HEAD = """---
po_plan_version: "0.2"
name: ready
max_workers: 1
defaults: {backend: command, max_retries: 0}
"""


@pytest.fixture
def scene(tmp_path):
    return Scene(tmp_path).repository({"a.txt": "a\n", ".gitignore": ".env\ndeps\n"})


def said(scene, name):
    return (scene.project.parent / name).read_text().split()


def test_a_worktree_is_made_ready_once_and_taken_down_at_the_end(scene):
    log = scene.project.parent / "log"
    write_files(scene.project, {".env": "KEY=1\n"})
    scene.plan(
        HEAD
        + f"""verify: test -f deps/d
setup:
  copy: .env
  run: [mkdir -p deps, "echo d > deps/d", "echo up-$PO_PORT_BASE >> {log}"]
  keep: deps
  inputs: a.txt
  teardown: echo down-$PO_PORT_BASE >> {log}
tasks:
  - {{id: one, command: "grep -q KEY .env && cp deps/d one.txt && git add -A && git commit -qm 1"}}
  - {{id: two, command: "grep -q KEY .env && cp deps/d two.txt", depends_on: [one]}}
---
"""
    )

    scene.run(check=0)

    assert scene.files()["one.txt"] == scene.files()["two.txt"] == "d\n"
    assert scene.names() == {"a.txt", ".gitignore", "one.txt", "two.txt"}
    # The worker's worktree and that of the plan's `verify`, each once, with ports of its own.
    assert sorted(said(scene, "log")) == ["down-20000", "down-20020", "up-20000", "up-20020"]
    assert scene.worktrees() == []
    assert scene.dirty() == []


def test_a_failed_setup_is_nobodys_fault_and_has_a_log_of_its_own(scene):
    marker = scene.project.parent / "second"
    script = f"if test -e {marker}; then exit 0; fi; touch {marker}; echo no network >&2; exit 7"
    scene.plan(
        HEAD
        + f"setup: {{run: '{script}'}}\n"
        + 'tasks:\n  - {id: one, command: "echo x > x.txt"}\n---\n'
    )

    scene.run(check=0)

    first, second = scene.attempts("one")
    result = json.loads((first / "result.json").read_text())
    assert (result["failure"], result["detail"]) == ("environment", "no network\n")
    assert result["reason"].endswith("exited with code 7")
    assert "no network" in (first / "setup.log").read_text()
    assert "no network" in scene.call("logs", "one", "--attempt", "1").out
    assert scene.call("logs", "one").out == ""
    (second / "setup.log").write_text("no disk\n")  # as if it had failed before its agent began
    assert f"log: {second / 'setup.log'}\n" in scene.call("why", "one").out
    assert (second / "result.json").exists()
    # No retry was left: the failure did not count.
    assert [path.name.partition(".")[0] for path in (first, second)] == ["1", "2"]
    assert scene.merges() == {"one": 1}


def test_a_set_up_that_always_fails_alike_is_given_up_after_three_attempts(scene):
    scene.plan(HEAD + "setup: {run: exit 7}\ntasks:\n  - {id: one, command: echo}\n---\n")

    result = scene.run(check=3, env=bad_ground())

    assert len(scene.attempts("one")) == 3
    assert "failed one: environment: set-up failed: `exit 7` exited with code 7" in result.out


def test_a_task_is_set_up_as_it_says_itself_on_top_of_the_plans(scene):
    scene.plan(
        HEAD
        + """setup: {run: mkdir deps}
tasks:
  - {id: one, command: "cp deps/more one.txt", setup: {run: "echo m > deps/more"}}
  - {id: two, command: "ls deps > two.txt"}
---
"""
    )

    scene.run(check=0)

    assert scene.files()["one.txt"] == "m\n"
    assert scene.files()["two.txt"] == ""


def test_what_is_to_be_copied_is_missed_before_anything_starts(scene):
    scene.plan(HEAD + "setup: {copy: .env}\ntasks:\n  - {id: one, command: 'true'}\n---\n")

    result = scene.run(check=3)

    assert "the set-up copies or links what is not there" in result.err
    assert f"{scene.project}/.env" in result.err
    assert not scene.tasks_dir.exists()


def test_a_person_gets_a_worktree_that_is_ready_too(scene):
    log = scene.project.parent / "log"
    scene.plan(
        HEAD
        + f"""setup: {{run: [mkdir deps, "echo gen > gen.txt"], teardown: echo down >> {log}}}
tasks:
  - {{id: one, command: "exit 1", verify: test -d deps}}
---
"""
    )
    scene.run(check=1)
    scene.call("retry", "one", check=0)

    taken = json.loads(scene.call("claim", "one", "--json", check=0).out)
    write_files(scene.project.parent / taken["worktree"], {"mine.txt": "m\n"})
    scene.call("complete", "one", check=0)
    scene.run("--resume", check=0)

    assert scene.names() == {"a.txt", ".gitignore", "mine.txt"}
    assert said(scene, "log") == ["down", "down"]
    assert scene.worktrees() == []
