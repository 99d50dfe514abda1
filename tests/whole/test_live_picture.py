"""A run on a real terminal: what its picture shows while agents are at work."""

import json
import os
import signal
import subprocess
import sys

import pytest

from support.processes import state
from support.scene import Scene
from support.terminal import Terminal
from support.waiting import wait_until

pytestmark = pytest.mark.slow

PLAN = """---
po_plan_version: "0.2"
name: seen
tasks:
  - id: dig
    backend: command
    read_only: true
    command: 'echo "laying the first stone"; until test -e "$GO"; do sleep 0.05; done'
---
"""


def test_a_terminal_shows_what_an_agent_does_and_is_left_as_it_was(tmp_path):
    scene, go = Scene(tmp_path).repository(1).plan(PLAN), tmp_path / "go"
    env = scene.environment({"TERM": "xterm", "GO": str(go)})
    env.pop("CI", None)
    command = [sys.executable, "-m", "parallel_orchestra", "run", str(scene.plan_path()), "--yes"]

    with (
        Terminal() as terminal,
        subprocess.Popen(
            command,
            cwd=scene.project,
            env=env,
            stdin=subprocess.DEVNULL,
            stderr=terminal.theirs,
            preexec_fn=os.setpgrp,  # noqa: PLW1509  # a job of its own, for Ctrl-Z; no threads here
        ) as run,
    ):
        try:
            wait_until(lambda: terminal.shows(b"laying the first stone"), 30, "the act is shown")
            run.send_signal(signal.SIGTSTP)
            wait_until(lambda: state(run.pid) == "T", 30, "it stands still")
            terminal.shows(b"")
            suspended, terminal.shown = terminal.shown, b""
            run.send_signal(signal.SIGCONT)
            wait_until(lambda: terminal.shows(b"laying the first stone"), 30, "it is shown again")
        finally:
            go.touch()
        wait_until(lambda: terminal.shows(b"done") and run.poll() is not None, 30, "it is over")
        terminal.shows(b"")

    assert run.returncode == 0
    # the picture is taken away, nothing above it, and the shell has its cursor
    assert suspended.endswith(b"\x1b[J\x1b[?25h")
    # the cursor that the picture hid is back (xterm's DECTCEM)
    assert terminal.shown.rfind(b"\x1b[?25h") > terminal.shown.rfind(b"\x1b[?25l") >= 0


def test_programs_get_each_event_on_stdout_and_the_summary_is_talk(tmp_path):
    plan = PLAN.replace('until test -e "$GO"; do sleep 0.05; done', "true")

    result = Scene(tmp_path).repository(1).plan(plan).run("--yes", "--progress", "json")

    kinds = [json.loads(line)["kind"] for line in result.out.splitlines()]
    assert kinds[0] == "RunStarted"
    assert kinds[-1] == "RunEnded"
    assert "Completed" in kinds
    assert "1 completed / 1 total" in result.err


def test_who_wants_quiet_hears_of_failures_alone(tmp_path):
    plan = PLAN.replace("    read_only: true\n", "    read_only: true\n    max_retries: 0\n")
    plan = plan.replace('until test -e "$GO"; do sleep 0.05; done', "exit 3")

    result = Scene(tmp_path).repository(1).plan(plan).run("--yes", "--quiet", check=1)

    assert result.err == "dig  failed  attempt 1  transient: exit code 3: laying the first stone\n"
    assert result.out.startswith("0 completed / 1 total")
