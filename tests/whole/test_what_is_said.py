"""What a run says, read by somebody who has to go on from there."""

import os
import signal

import pytest

from support.scene import Scene
from support.waiting import wait_until

pytestmark = pytest.mark.slow

HEAD = """---
po_plan_version: "0.2"
name: said
defaults: {backend: command}
tasks:
"""


@pytest.fixture
def scene(tmp_path):
    return Scene(tmp_path).repository(3)


def test_where_nobody_looks_at_a_window_a_ref_is_never_cut(scene):
    scene.plan(HEAD + "  - {id: look, command: 'echo > new.txt', read_only: true}\n---\n")

    result = scene.run("--yes", check=0)

    refs = [ref for ref in scene.refs() if "/salvage/" in ref]
    assert len(refs) == 1
    assert refs[0] in result.out


def test_a_task_that_was_stopped_says_so_once(scene):
    scene.plan(HEAD + "  - {id: long, command: 'echo begun; exec sleep 60'}\n---\n")

    with scene.start("--yes") as run:
        wait_until(lambda: list(scene.tasks_dir.glob("attempts/long/*/agent.log")), within=10)
        run.send(signal.SIGTERM)
        result = run.wait(20)

    assert result.exit_code == 143
    assert "waiting long: cancelled: the run was stopped\n" in result.out


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_place_without_permission_for_worktrees_is_found_before_anything_is_touched(scene):
    scene.plan(HEAD + "  - {id: a, command: 'echo > a.txt'}\n---\n")
    scene.cache.chmod(0o500)

    result = scene.run("--yes", check=3)

    scene.cache.chmod(0o700)
    assert "error: worktrees can't be made there: not writable" in result.err
    assert not scene.tasks_dir.exists()


def test_a_file_where_worktrees_should_be_is_found_before_anything_is_touched(scene):
    scene.plan(HEAD + "  - {id: a, command: 'echo > a.txt'}\n---\n")
    place = scene.cache / "taken"
    place.write_text("")

    result = scene.run("--yes", "--worktree-root", str(place / "below"), check=3)

    assert f"error: worktrees can't be made there: not a directory\n --> {place}\n" in result.err
    assert "hint: " in result.err
    assert not scene.tasks_dir.exists()


def test_a_status_says_that_the_owner_of_a_running_task_is_dead(scene):
    other = "  - {id: other, command: 'true', priority: -1}\n"
    long = "  - {id: long, command: 'echo begun; exec sleep 60'}\n"
    scene.plan(f"{HEAD}{long}{other}---\n")
    with scene.start("--yes", "-j", "1") as run:
        wait_until(lambda: list(scene.tasks_dir.glob("attempts/long/*/agent.log")), within=10)
        during = scene.call("status").out
        run.kill_tree(whole_group=False)

    after = scene.call("status", check=6).out

    gone = f"not at work long: process {run.pid} is gone; "
    assert "not at work" not in during
    assert "killed" not in during
    assert any(line.startswith(gone) for line in after.splitlines())
    resume = f"`parallel-orchestra run {scene.plan_path()} --resume` goes on"
    assert after.splitlines()[1] == f"killed: process {run.pid} is gone; {resume}"
    assert "? unseen" in scene.call("timeline", check=0).out
    assert "  killed  " in scene.call("runs", check=0).out
    assert "running long" not in after
    assert "waiting other: ready, but no run is at work" in after
    why = scene.call("why", "long", check=0).out.splitlines()
    assert why[0] == f"long running: nobody is at work on it: process {run.pid} is gone"
    assert why[-1].endswith("--resume`")
    scene.wait_for_silence()


def test_a_failed_verify_names_the_command_that_shows_what_it_said(scene):
    task = "{id: a, command: 'echo > a.txt', verify: 'echo RED; exit 1', max_retries: 0}"
    scene.plan(HEAD + f"  - {task}\n---\n")

    result = scene.run("--yes", check=1)

    assert "see what `verify` said with `parallel-orchestra logs a` and" in result.out
    assert "RED" in scene.call("logs", "a", check=0).out


def test_a_backend_that_is_not_logged_in_is_not_asked_again(scene, tmp_path):
    calls = tmp_path / "calls"
    claude = tmp_path / "claude"
    answer = '{"type":"result","is_error":true,"num_turns":1,"api_error_status":401,"result":"no"}'
    claude.write_text(f"#!/bin/sh\necho call >> '{calls}'\necho '{answer}'\nexit 1\n")
    claude.chmod(0o755)
    scene.plan(
        HEAD.replace("command", "claude").replace("tasks:", "concurrency_limits: {g: 1}\ntasks:")
        + "  - {id: a, prompt: x}\n  - {id: b, prompt: x, concurrency_group: g}\n"
        + "  - {id: c, prompt: x, writes: [d.txt]}\n"
        + "  - {id: d, backend: command, command: 'echo > d.txt', writes: [d.txt]}\n"
        + "  - {id: e, backend: command, command: 'echo > e.txt', concurrency_group: g}\n---\n"
    )

    result = scene.run("--yes", "-j", "1", "--claude-exe", str(claude), check=1)

    assert calls.read_text() == "call\n"
    assert scene.tasks_in("failed") == {"a"}
    assert scene.tasks_in("available") == {"b", "c"}
    # What will not run keeps nobody from running: neither by its group nor by its files.
    assert scene.tasks_in("done") == {"d", "e"}
    assert "auth" in result.out
    said = "2 tasks were not started: `claude` has no access to its account, see `a`"
    assert f"warning: {said}; `--resume` tries again" in result.out
