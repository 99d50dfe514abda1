"""`watch` and `status --watch` beside a real run, on a real terminal."""

import os
import re
import signal
import subprocess
import sys
from contextlib import ExitStack

import pytest

from support.processes import state
from support.scene import Scene
from support.terminal import Terminal, stands
from support.waiting import wait_until

pytestmark = pytest.mark.slow

PLAN = """---
po_plan_version: "0.2"
name: seen
defaults: {backend: command}
tasks:
  - {id: dig, command: 'echo "laying the first stone"; echo a > a; until test -e "$GO"; do sleep 0.05; done'}
  - {id: sow, depends_on: [dig], command: echo b > b}
---
"""


def test_a_run_is_watched_from_another_terminal_and_left_alone(tmp_path):
    go = tmp_path / "go"
    scene = Scene(tmp_path, env={"GO": str(go)}).repository(1).plan(PLAN)
    env = scene.environment({"TERM": "xterm", "PYTHONUTF8": "1"})
    command = [sys.executable, "-m", "parallel_orchestra", "watch"]

    with Terminal() as terminal, scene.start("--yes") as run:
        terminal.resize(100, 24)
        wait_until(lambda: scene.states().get("dig") == "locked", 30)
        streams = dict.fromkeys(("stdin", "stdout", "stderr"), terminal.theirs)
        with subprocess.Popen(command, cwd=scene.project, env=env, **streams) as watcher:

            def sees(*words):
                terminal.shows(b"")
                shown = "\n".join(stands(terminal.shown.partition(b"\x1b[?1049l")[0], 100, 24))
                return all(word in shown for word in words)

            wait_until(lambda: sees("dig log", "laying the first stone", "waits for `dig`"), 30)
            terminal.enter(b"j")
            wait_until(lambda: sees("sow log", "it has printed nothing yet"), 30)
            terminal.enter(b"kd")
            wait_until(lambda: sees("dig diff", "nothing of it was merged"), 30)
            go.touch()
            result = run.wait()
            wait_until(lambda: sees("all done", "+a"), 30)
            terminal.enter(b"u")
            wait_until(lambda: sees("dig usage", "attempt 1", "the run"), 30)
            terminal.enter(b"r")
            wait_until(lambda: sees("dig result", "merged as"), 30)
            terminal.enter(b"q")
            wait_until(lambda: watcher.poll() is not None, 30)
            terminal.shows(b"")

    assert (result.exit_code, watcher.returncode) == (0, 0)
    # the other screen is left, the cursor is back
    assert terminal.shown.endswith(b"\x1b[?25h\x1b[?1049l")


def test_what_is_typed_after_the_key_that_leaves_is_for_the_shell(tmp_path):
    go = tmp_path / "go"
    go.touch()
    scene = Scene(tmp_path, env={"GO": str(go)}).repository(1).plan(PLAN)
    scene.run("--yes", check=0)
    env = scene.environment({"TERM": "xterm", "PYTHONUTF8": "1"})
    command = [sys.executable, "-m", "parallel_orchestra", "watch"]

    with Terminal() as terminal:
        streams = dict.fromkeys(("stdin", "stdout", "stderr"), terminal.theirs)
        with subprocess.Popen(command, cwd=scene.project, env=env, **streams) as watcher:
            wait_until(lambda: terminal.shows(b"dig log"), 30)
            terminal.enter(b"jqgit log\n")
            wait_until(lambda: watcher.poll() is not None, 30)
        typed_ahead = os.read(terminal.theirs, 100)

    assert typed_ahead == b"git log\n"


def test_a_status_that_is_watched_gives_the_terminal_back_while_it_is_suspended(tmp_path):
    go = tmp_path / "go"
    scene = Scene(tmp_path, env={"GO": str(go)}).repository(1).plan(PLAN)
    env = scene.environment({"TERM": "xterm", "PYTHONUTF8": "1", "NO_COLOR": "1"})
    command = [sys.executable, "-m", "parallel_orchestra", "status", "--watch"]

    with Terminal() as terminal, scene.start("--yes") as run:
        terminal.resize(100, 24)
        wait_until(lambda: scene.states().get("dig") == "locked", 30)
        streams = dict.fromkeys(("stdin", "stdout", "stderr"), terminal.theirs)
        with ExitStack() as stack:
            watcher = subprocess.Popen(
                command,
                cwd=scene.project,
                env=env,
                **streams,
                preexec_fn=os.setpgrp,  # noqa: PLW1509  # a job of its own, for Ctrl-Z; no threads
            )
            stack.callback(watcher.wait)
            stack.callback(watcher.kill)
            wait_until(lambda: terminal.shows(b"running dig"), 30)
            watcher.send_signal(signal.SIGTSTP)
            wait_until(lambda: state(watcher.pid) == "T", 30)
            terminal.shows(b"")
            suspended, terminal.shown = terminal.shown, b""
            watcher.send_signal(signal.SIGCONT)
            wait_until(lambda: terminal.shows(b"running dig"), 30)
            go.touch()
            run.wait()
            wait_until(lambda: watcher.poll() is not None, 30)
            terminal.shows(b"")

    # what was drawn is gone
    assert stands(suspended, 100, 24) == []
    assert suspended.endswith(b"\x1b[?25h")
    # the shell's lines above stay: the first new picture goes up no line
    assert re.search(rb"\x1b\[\d*A", terminal.shown.partition(b"running dig")[0]) is None
    assert stands(terminal.shown, 100, 24)[0].startswith("2 completed / 2 total")


def test_in_a_pipe_a_run_is_watched_in_blocks_of_lines(tmp_path):
    go = tmp_path / "go"
    scene = Scene(tmp_path, env={"GO": str(go)}).repository(1).plan(PLAN)

    with scene.start("--yes") as run:
        wait_until(lambda: scene.states().get("dig") == "locked", 30)
        go.touch()
        shown = scene.call("status", "--watch")
        run.wait()

    blocks = shown.out.strip().split("\n\n")
    assert shown.exit_code == 0
    assert blocks[-1].startswith("2 completed / 2 total")
    assert "watch" in scene.call("watch", check=2).err
