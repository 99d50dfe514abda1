"""`logs`: what an attempt printed, once or for as long as it goes on."""

import os
import sys
import time
from pathlib import Path

import click

from parallel_orchestra import files
from parallel_orchestra.cli.failures import usage
from parallel_orchestra.cli.options import layout_of, tasks_dir_option
from parallel_orchestra.conductor.byhand import no_such_task
from parallel_orchestra.conductor.picture import read_record
from parallel_orchestra.errors import EnvironmentProblem, ExitCode, Problem
from parallel_orchestra.report.text import clean
from parallel_orchestra.states import TaskState
from parallel_orchestra.store import Layout

#: In the order in which an attempt writes them.
_LOGS = ("setup.log", "agent.log", "verify.log", "merge-verify.log")
_PAUSE = 0.2
_CHUNK = 1 << 16


@click.command("logs", short_help="show what a task's agent printed")
@click.argument("task")
@tasks_dir_option
@click.option("-f", "--follow", is_flag=True, help="Go on until the attempt ends.")
@click.option(
    "--attempt", type=click.IntRange(min=1), metavar="N", help="Which attempt (default: the last)."
)
def command(task: str, tasks_dir: Path | None, follow: bool, attempt: int | None) -> int:
    """Show what TASK's agent and its `verify` printed, or a set-up that failed before."""
    layout = layout_of(tasks_dir)
    ids = [one.get("id", "") for one in read_record(layout).plan.get("tasks", ())]
    if task not in ids:
        raise no_such_task(layout, task, ids)
    folder = _attempt(layout, task, attempt, wait=follow)
    tail = Tail(folder)
    while True:
        # Asked before reading: what was written until the end is then read in any case.
        over = not follow or _is_over(layout, folder)
        tail.read()
        if over:
            return ExitCode.DONE
        time.sleep(_PAUSE)


class Tail:
    """Prints what is new in an attempt's logs, each with a heading where there are several."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._offsets: dict[str, int] = {}
        self._safe = sys.stdout.isatty()

    def read(self) -> None:
        """Prints what was added since the last time."""
        for name in _LOGS:
            path = self._folder / name
            if not path.exists() or (name == "setup.log" and self._is_past(name)):
                continue
            if name not in self._offsets:
                self._offsets[name] = 0
                if len(self._offsets) > 1:
                    self._print(f"==> {name} <==\n".encode())
            with path.open("rb") as stream:
                stream.seek(self._offsets[name])
                while data := stream.read(_CHUNK):
                    self._offsets[name] += len(data)
                    self._print(data)
        sys.stdout.buffer.flush()

    def _is_past(self, name: str) -> bool:
        """Returns whether a set-up is of no interest: it went well, and nobody watched it."""
        return name not in self._offsets and (self._folder / "agent.log").exists()

    def _print(self, data: bytes) -> None:
        # An agent's output may hold anything; a file gets it as it is, a terminal only text.
        if self._safe:
            data = clean(data.decode("utf-8", "replace")).encode("utf-8", "replace")
        sys.stdout.buffer.write(data)


def _attempt(layout: Layout, task: str, number: int | None, *, wait: bool) -> Path:
    """Returns the folder of the attempt; `wait` waits until the first one begins.

    Raises:
        EnvironmentProblem: there is none yet.
        UsageError: there is no attempt of that number.
    """
    while True:
        folders = sorted(
            (
                (_number(name), name)
                for name in files.names(layout.attempts / task)
                if not name.endswith(".md")
            ),
            key=lambda one: (one[0], os.path.getmtime(layout.attempts / task / one[1])),
        )
        if number is not None:
            chosen = [name for found, name in folders if found == number]
        else:
            chosen = [name for _, name in folders]
        if chosen:
            return layout.attempts / task / chosen[-1]
        if number is not None:
            raise usage(f"task `{task}` has no attempt {number}", f"it had {len(folders)}")
        if not wait:
            raise EnvironmentProblem(
                Problem(
                    f"task `{task}` was not begun yet",
                    str(layout.attempts / task),
                    f"`parallel-orchestra why {task}` says what it waits for",
                )
            )
        time.sleep(_PAUSE)


def _number(name: str) -> int:
    head = name.partition(".")[0]
    return int(head) if head.isdigit() else 0


def _is_over(layout: Layout, folder: Path) -> bool:
    """Returns whether the attempt has ended, or its claim is gone."""
    if (folder / "result.json").exists():
        return True
    number, _, owner = folder.name.partition(".")
    mark = f"{folder.parent.name}.a{number}f"
    locked = files.names(layout.state(TaskState.LOCKED))
    return not any(name.startswith(mark) and name.endswith(f".{owner}.md") for name in locked)
