"""Who is alive, asked of /proc only: a second opinion beside the tool's own."""

import os
import time
from collections.abc import Iterable, Mapping
from pathlib import Path

_PROC = "/proc"
#: At a process that seems to have no environment; there are such.
_LOOKS = 5


def marked(name: str, value: str) -> tuple[int, ...]:
    """Returns the processes that were started with `name=value` in their environment.

    The calling process is told apart by not having been started with it. Zombies have no
    environment left and do not count. Empty where there is no /proc.
    """
    return involved({name: value}, ())


def inside(folder: Path) -> tuple[int, ...]:
    """Returns the processes that work at or below the folder."""
    return involved({}, (folder,))


def involved(marks: Mapping[str, str], folders: Iterable[Path]) -> tuple[int, ...]:
    """Returns the processes with one of these `marked` variables, or at work in or below a folder."""
    words = [os.fsencode(f"{name}={value}") for name, value in marks.items()]
    places = [str(folder.resolve()) for folder in folders]
    return tuple(
        pid
        for pid in _pids()
        if (words and not set(_environment(pid).split(b"\0")).isdisjoint(words))
        or (places and _works_in(pid, places))
    )


def describe(pid: int) -> str:
    """Returns one line on a process: its number and command line, as far as it still exists."""
    words = _read(pid, "cmdline").replace(b"\0", b" ").decode("utf-8", "replace").strip()
    return f"{pid}: {words or 'gone'}"


# Asked thousands of times in a session, while something is waited for: no Path is made here.
def _pids() -> list[int]:
    if not os.path.isdir(_PROC):
        return []
    return [int(name) for name in os.listdir(_PROC) if name.isdigit()]


def _read(pid: int, what: str) -> bytes:
    try:
        with open(f"{_PROC}/{pid}/{what}", "rb", buffering=0) as file:
            return file.read()
    except OSError:
        return b""


def _environment(pid: int) -> bytes:
    """Returns what a process was started with.

    While it becomes another program (execve(2)) there is nothing to read for a moment; and who looked
    then would let it escape.
    """
    for _ in range(_LOOKS):
        if told := _read(pid, "environ"):
            return told
        try:
            # Zombies and threads of the kernel have none.
            os.readlink(f"{_PROC}/{pid}/exe")
        except OSError:
            return b""
        time.sleep(0.001)
    return b""


def _works_in(pid: int, folders: list[str]) -> bool:
    try:
        place = os.readlink(f"{_PROC}/{pid}/cwd")
    except OSError:
        return False
    return any(place == folder or place.startswith(f"{folder}/") for folder in folders)


def children(pid: int) -> list[int]:
    """Returns the children of a process, those of its threads too."""
    found: set[int] = set()
    for tasks in Path(f"{_PROC}/{pid}/task").glob("*/children"):
        try:
            found.update(int(word) for word in tasks.read_text(encoding="ascii").split())
        except OSError:
            continue
    return sorted(found)


def started_at(pid: int) -> str:
    """Returns when a process began, in clock ticks since the boot (proc_pid_stat(5)); '' if gone."""
    fields = _read(pid, "stat").rpartition(b")")[2].decode("ascii").split()
    return fields[19] if fields else ""


def state(pid: int) -> str:
    """Returns the state of a process as ps(1) has it: `R`, `S`, `T` (stopped) ...; '' if gone."""
    return _read(pid, "stat").rpartition(b")")[2].decode("ascii")[1:2]
