"""What a run costs while 64 agents are at work: the processor time of all our processes.

Looked at from outside, between two moments at which all agents are at work: the run itself and its
children, which are the helpers that stand between it and the agents. Agents are grandchildren and
do not count.
"""

import os
import pty
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import grounds
import psutil
from measuring import Goal, Result, repeated

_AGENTS = 64
#: Seconds between the two moments, and until all agents must be at work.
_WINDOW, _LIMIT = 20.0, 300.0
_SILENT = "sleep 600"
_PRINTING = "for i in $(seq 600); do echo working on line $i; sleep 1; done"
_LIVE = ("--progress", "live")


def idling(runs: int) -> Iterator[Result]:
    """The share of one core that a run takes whose agents say nothing."""
    what = f"{_AGENTS} agents at work, of one core"
    yield repeated(what, "%", lambda: share(_SILENT, ("--quiet",)) * 100, runs, Goal(2.0))


def drawing(runs: int) -> Iterator[Result]:
    """The same with the live view, while each agent prints a line a second."""
    what = f"{_AGENTS} agents that print, live view, of one core"
    yield repeated(what, "%", lambda: share(_PRINTING, _LIVE) * 100, runs, Goal(3.0))


def share(agent: str, words: Sequence[str]) -> float:
    """Returns the share of one core that a run takes, from 0 to 1."""
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        grounds.make_repository(place / "repository", 1)
        tasks = (
            f"id: t{n}, {grounds.READING}, command: ': > {place}/begun-{n}; {agent}'"
            for n in range(_AGENTS)
        )
        (place / "plan.md").write_text(grounds.plan(tasks))
        command = [*grounds.TOOL, "run", str(place / "plan.md"), "--yes", "-j", str(_AGENTS)]
        with _on_terminal([*command, *words], place) as run:
            _await_agents(run, place)
            before, began = _spent(run), time.monotonic()
            time.sleep(_WINDOW)
            return (_spent(run) - before) / (time.monotonic() - began)


def _await_agents(run: subprocess.Popen[bytes], place: Path) -> None:
    limit = time.monotonic() + _LIMIT
    while sum(1 for _ in place.glob("begun-*")) < _AGENTS:
        if run.poll() is not None or time.monotonic() > limit:
            raise SystemExit(f"not all of {_AGENTS} agents came to work")
        time.sleep(0.1)
    # What follows a start, such as the first signs of life, is over too.
    time.sleep(1.0)


def _spent(run: subprocess.Popen[bytes]) -> float:
    ours = psutil.Process(run.pid)
    return sum(map(_spent_by, (ours, *ours.children())))


def _spent_by(process: psutil.Process) -> float:
    """Returns the seconds of the processor that a process has had.

    Where the kernel counts them in nanoseconds, as it counts them (proc(5), `schedstat`): what takes
    a moment once a second is seldom met by a clock that ticks a hundred times.
    """
    try:
        told = [one.read_text() for one in Path(f"/proc/{process.pid}/task").glob("*/schedstat")]
    except OSError:
        told = []
    if told:
        return sum(int(one.split()[0]) for one in told) / 1e9
    times = process.cpu_times()
    return times.user + times.system


@contextmanager
def _on_terminal(command: list[str], place: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Runs a command that draws on a terminal of 160 columns; stops it at once in the end."""
    ours, theirs = pty.openpty()
    reader = threading.Thread(target=_read, args=(ours,), daemon=True)
    reader.start()
    sizes = {"TERM": "xterm-256color", "COLUMNS": "160", "LINES": "80"}
    with subprocess.Popen(
        command,
        cwd=place / "repository",
        env={**grounds.environment(), **sizes},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=theirs,
    ) as run:
        os.close(theirs)
        try:
            yield run
        finally:
            run.send_signal(signal.SIGTERM)
    reader.join()
    os.close(ours)


def _read(descriptor: int) -> None:
    try:
        while os.read(descriptor, 65536):
            pass
    except OSError:
        return  # the other side was closed
