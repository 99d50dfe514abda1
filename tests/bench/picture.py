"""What the live picture of a run costs while 64 agents are at work: CPU of its thread.

A real run on a pseudo-terminal; only the time in which the picture is made and drawn counts.
"""

import os
import pty
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

import grounds
from measuring import Goal, Result, repeated

_AGENTS = 64
_SECONDS = 15
#: Runs the tool, and writes the CPU seconds of the picture and how long it was shown.
_PROBE = """
import sys, time
from pathlib import Path
from parallel_orchestra.cli import dashboard, main
spent, began, draw = [0.0], time.monotonic(), dashboard.Dashboard.tell
def tell(self, snapshot):
    before = time.thread_time()
    draw(self, snapshot)
    spent[0] += time.thread_time() - before
dashboard.Dashboard.tell = tell
code = main(sys.argv[2:])
Path(sys.argv[1]).write_text(f"{spent[0]} {time.monotonic() - began}")
sys.exit(code)
"""


def drawing(runs: int) -> Iterator[Result]:
    """The live picture of 64 agents at work: its share of one core."""
    what = f"live picture of {_AGENTS} agents, of one core"
    yield repeated(what, "%", lambda: share() * 100, runs, Goal(3.0))


def share() -> float:
    """Returns the share of one core that the picture takes, from 0 to 1."""
    with tempfile.TemporaryDirectory() as place:
        grounds.make_repository(Path(place) / "repository", 1)
        loop = f"for i in $(seq {_SECONDS}); do echo working on line $i; sleep 1; done"
        tasks = (
            f"  - {{id: task-{n:02d}, backend: command, command: '{loop}', "
            "read_only: true, isolation: none}"
            for n in range(_AGENTS)
        )
        head = ["---", 'po_plan_version: "0.2"', "name: wide", "cwd: repository", "tasks:"]
        (Path(place) / "plan.md").write_text("\n".join([*head, *tasks, "---", ""]))
        told = Path(place) / "told"
        words = ["run", str(Path(place) / "plan.md"), "--yes", "--progress", "live"]
        _on_terminal(
            [sys.executable, "-c", _PROBE, str(told), *words, "-j", str(_AGENTS)],
            grounds.environment(),
            place,
        )
        spent, shown = map(float, told.read_text().split())
        return spent / shown


def _on_terminal(command: list[str], environ: dict[str, str], place: str) -> None:
    ours, theirs = pty.openpty()
    reader = threading.Thread(target=_read, args=(ours,), daemon=True)
    reader.start()
    env = {**environ, "TERM": "xterm-256color", "COLUMNS": "160", "LINES": "80"}
    subprocess.run(
        command,
        cwd=place,
        env=env,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=theirs,
        check=True,
    )
    os.close(theirs)
    reader.join()
    os.close(ours)


def _read(descriptor: int) -> None:
    try:
        while os.read(descriptor, 65536):
            pass
    except OSError:
        return  # the other side was closed
