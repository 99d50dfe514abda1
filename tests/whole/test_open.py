"""`open`: what a task left, for a person, and the session of its agent."""

import json
import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

from support.repository import git
from support.scene import Scene
from support.waiting import wait_until

pytestmark = pytest.mark.slow

STAND_IN = str(Path(__file__).parents[1] / "support" / "stand_in_claude.py")
PLAN = """---
po_plan_version: "0.2"
name: garden
defaults: {max_retries: 0}
tasks:
  - id: path
    prompt: WRITE path.txt laid
  - id: gate
    verify: grep -q open gate.txt
    prompt: WRITE gate.txt closed
  - {id: lock, depends_on: [gate], prompt: WRITE lock.txt locked}
---
"""
#: In the place of Claude Code: says where it is and what it is told, and changes something.
CLAUDE = """#!/bin/sh
pwd
echo "$@"
ls
echo ajar > gate.txt
"""


@pytest.fixture
def scene(tmp_path):
    (tmp_path / "home").mkdir()
    programs = tmp_path / "programs"
    programs.mkdir()
    (programs / "claude").write_text(CLAUDE)
    (programs / "claude").chmod(0o755)
    path = f"{programs}{os.pathsep}{os.environ['PATH']}"
    made = Scene(tmp_path, env={"HOME": str(tmp_path / "home"), "PATH": path})
    made.repository({"README.md": "A garden\n"}).plan(PLAN)
    made.run("--yes", "--claude-exe", STAND_IN, check=1)
    return made


def test_of_a_merged_task_it_is_the_merge_and_stays_as_its_person_left_it(scene):
    opened = scene.call("open", "path", check=0)
    place = Path(opened.out.strip())
    (place / "note.txt").write_text("mine\n")
    again = scene.call("open", "path", "--print", check=0)
    listed = scene.call("clean", "--dry-run").out

    assert (place / "path.txt").read_text() == "laid"
    assert "its merge" in opened.err
    assert (again.out, "as you left it" in again.err) == (opened.out, True)
    assert (place / "note.txt").read_text() == "mine\n"
    assert "by-hand/path-open" in listed


def test_of_a_failed_task_it_is_what_its_last_attempt_had_written(scene):
    opened = scene.call("open", "gate", check=0)
    told = json.loads(scene.call("open", "gate", "--json", check=0).out)
    session = json.loads(scene.call("open", "gate", "--session", "--json", check=0).out)

    place = Path(opened.out.strip())
    assert (place / "gate.txt").read_text() == "closed"
    assert (told["task"], told["path"]) == ("gate", str(place))
    assert session["command"][:2] == ["claude", "--resume"]
    assert "what attempt 1 had written, as kept under `refs/orchestra/" in opened.err


def test_of_a_task_that_left_nothing_there_is_nothing_to_open(scene):
    refused = scene.call("open", "lock", check=2)
    unknown = scene.call("open", "gat", check=2)
    silent = scene.call("open", "lock", "--session", check=2)

    assert "task `lock` has left nothing that could be opened" in refused.err
    assert "did you mean `gate`?" in unknown.err
    assert "told of a session" in silent.err


def test_a_session_is_opened_where_it_was_and_what_is_changed_there_is_kept(scene):
    tasks = json.loads(scene.call("status", "--json").out)["tasks"]
    last = next(one["attempts"][-1] for one in tasks if one["id"] == "gate")
    directory = last["directory"]

    opened = scene.call("open", "gate", "--session", check=0)

    where, told, *names = opened.out.splitlines()
    assert where == directory
    assert told == f"--resume {last['session']}"
    assert last["open"] == f"cd {directory} && claude --resume {last['session']}"
    assert "gate.txt" in names
    ref = opened.err.rpartition("under `")[2].partition("`")[0]
    assert git(scene.project, "show", f"{ref}:gate.txt") == "ajar\n"
    assert "`parallel-orchestra open gate --session" in scene.call("status").out
    assert "session: cd " in scene.call("why", "gate").out


def test_on_a_terminal_it_is_a_shell_there(scene, tmp_path):
    shell = tmp_path / "shell"
    shell.write_text("#!/bin/sh\npwd > shell-was-here.txt\n")
    shell.chmod(0o755)
    outside, inside = pty.openpty()

    with os.fdopen(outside), os.fdopen(inside, "wb") as terminal:
        code = subprocess.call(
            [sys.executable, "-m", "parallel_orchestra", "open", "path"],
            cwd=scene.project,
            env={**scene.environment(), "SHELL": str(shell)},
            stdin=terminal,
            stdout=terminal,
        )

    place = Path(scene.call("open", "path", "--print", check=0).out.strip())
    assert code == 0
    assert (place / "shell-was-here.txt").read_text().strip() == str(place)


def test_of_a_running_task_it_is_the_worktree_of_its_agent(tmp_path):
    plan = """---
po_plan_version: "0.2"
name: garden
defaults: {backend: command}
tasks:
  - {id: dig, command: "echo dug > dug.txt; while ! test -e $GO; do sleep 0.1; done"}
---
"""
    go = tmp_path / "go"
    scene = Scene(tmp_path, env={"GO": str(go)}).repository({"README.md": "A garden\n"}).plan(plan)

    with scene.start("--yes") as running:
        wait_until(lambda: running.states() == {"dig": "locked"}, within=20)
        wait_until(lambda: "works here" in scene.call("open", "dig").err, within=20)
        place = Path(scene.call("open", "dig").out.strip())
        wait_until((place / "dug.txt").exists, within=20)
        session = scene.call("open", "dig", "--session")
        go.touch()
        ended = running.wait()

    assert ended.exit_code == 0
    assert (session.exit_code, "its session is in use" in session.err) == (4, True)
