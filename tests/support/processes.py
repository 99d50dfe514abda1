"""Who is alive, asked of /proc only: a second opinion beside the tool's own."""

import os
from collections.abc import Iterator
from pathlib import Path

_PROC = Path("/proc")


def marked(name: str, value: str) -> tuple[int, ...]:
    """Returns the processes that were started with `name=value` in their environment.

    The calling process is told apart by not having been started with it. Zombies have no
    environment left and do not count. Empty where there is no /proc.
    """
    wanted = os.fsencode(f"{name}={value}")
    return tuple(pid for pid in _pids() if wanted in _read(pid, "environ").split(b"\0"))


def inside(folder: Path) -> tuple[int, ...]:
    """Returns the processes that work at or below the folder."""
    return tuple(pid for pid in _pids() if _works_in(pid, folder.resolve()))


def describe(pid: int) -> str:
    """Returns one line on a process: its number and command line, as far as it still exists."""
    words = _read(pid, "cmdline").replace(b"\0", b" ").decode("utf-8", "replace").strip()
    return f"{pid}: {words or 'gone'}"


def _pids() -> Iterator[int]:
    if not _PROC.is_dir():
        return
    for entry in _PROC.iterdir():
        if entry.name.isdigit():
            yield int(entry.name)


def _read(pid: int, what: str) -> bytes:
    try:
        return (_PROC / str(pid) / what).read_bytes()
    except OSError:
        return b""


def _works_in(pid: int, folder: Path) -> bool:
    try:
        place = (_PROC / str(pid) / "cwd").readlink()
    except OSError:
        return False
    return place == folder or folder in place.parents


def children(pid: int) -> list[int]:
    """Returns the children of a process, those of its threads too."""
    found: set[int] = set()
    for tasks in (_PROC / str(pid) / "task").glob("*/children"):
        try:
            found.update(int(word) for word in tasks.read_text(encoding="ascii").split())
        except OSError:
            continue
    return sorted(found)


def state(pid: int) -> str:
    """Returns the state of a process as ps(1) has it: `R`, `S`, `T` (stopped) ...; '' if gone."""
    return _read(pid, "stat").rpartition(b")")[2].decode("ascii")[1:2]
