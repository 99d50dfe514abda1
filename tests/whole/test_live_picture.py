"""A run on a real terminal: what its picture shows while agents are at work."""

import contextlib
import os
import pty
import subprocess
import sys

import pytest

from support.scene import Scene
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
    terminal, inner = pty.openpty()
    os.set_blocking(terminal, False)
    environment = {**scene.environment({"TERM": "xterm", "GO": str(go)})}
    environment.pop("CI", None)
    shown = b""

    def seen(words: bytes) -> bool:
        nonlocal shown
        with contextlib.suppress(BlockingIOError):
            shown += os.read(terminal, 65536)
        return words in shown

    command = (sys.executable, "-m", "parallel_orchestra", "run", str(scene.plan_path()), "--yes")
    with subprocess.Popen(
        command, cwd=scene.project, env=environment, stdin=subprocess.DEVNULL, stderr=inner
    ) as run:
        try:
            wait_until(lambda: seen(b"laying the first stone"), 30, "the act is on the terminal")
        finally:
            go.touch()
        wait_until(lambda: seen(b"done") and run.poll() is not None, 30, "the run is over")
    seen(b"")

    assert run.returncode == 0
    # the cursor that the picture hid is back (xterm's DECTCEM)
    assert shown.rfind(b"\x1b[?25h") > shown.rfind(b"\x1b[?25l") >= 0
