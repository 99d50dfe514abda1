"""How much of the machine is left: memory that a new process can have, and the load.

Knows nothing of tasks. Linux is read from /proc and /sys, the limits of control groups (that is,
of containers) included; other systems are asked through psutil, which is imported only there.
What it says is old when you read it.
"""

import contextlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path

from parallel_orchestra.frozen import frozen

_LINUX = sys.platform == "linux"
#: Larger "limits" of a control group mean that there is none.
_NO_LIMIT = 1 << 60


@frozen
class Memory:
    """Bytes: how much there is for us at most, and how much of it is to be had."""

    total: int
    available: int


def memory(proc: Path = Path("/proc"), groups: Path = Path("/sys/fs/cgroup")) -> Memory | None:
    """Returns the memory of this machine, or of our control group if less is left there.

    None if the system does not tell.
    """
    if not _LINUX:
        import psutil  # noqa: PLC0415  # 34 ms that Linux does not pay

        facts = psutil.virtual_memory()
        return Memory(int(facts.total), int(facts.available))
    whole = _meminfo(_text(proc / "meminfo"))
    limits = _group_memories(_text(proc / "self" / "cgroup"), groups)
    found = [one for one in (whole, *limits) if one is not None]
    return min(found, key=lambda one: one.available, default=None)


def load() -> float | None:
    """Returns the mean number of running processes over the last minute, or None if untold."""
    try:
        return os.getloadavg()[0]
    except OSError:
        return None


def _meminfo(text: str) -> Memory | None:
    sizes = {}
    for line in text.splitlines():
        name, _, value = line.partition(":")
        number = value.split()[:1]
        if number and number[0].isdecimal():
            sizes[name] = int(number[0]) << 10
    if "MemTotal" not in sizes or "MemAvailable" not in sizes:
        return None
    return Memory(sizes["MemTotal"], sizes["MemAvailable"])


def _group_memories(membership: str, groups: Path) -> Iterator[Memory | None]:
    """Yields what our control groups of both versions allow (cgroups(7)), those above us included."""
    for line in membership.splitlines():
        number, _, rest = line.partition(":")
        controllers, _, path = rest.partition(":")
        if number == "0":
            root, names = groups, ("memory.max", "memory.current", "inactive_file")
        elif "memory" in controllers.split(","):
            root = groups / "memory"
            limit, used = "memory.limit_in_bytes", "memory.usage_in_bytes"
            names = (limit, used, "total_inactive_file")
        else:
            continue
        folder = root / path.lstrip("/")
        # Inside a container the path may be one of the world outside: then the root is ours.
        for place in (folder, *folder.parents):
            if place.is_relative_to(root):
                yield _group_memory(place, *names)


def _group_memory(folder: Path, limit: str, used: str, cache: str) -> Memory | None:
    most, now = _number(_text(folder / limit)), _number(_text(folder / used))
    if most is None or now is None or most >= _NO_LIMIT:
        return None
    for line in _text(folder / "memory.stat").splitlines():
        name, _, value = line.partition(" ")
        if name == cache:
            # Files that nobody reads at the moment: the kernel gives them up first.
            now -= _number(value) or 0
    return Memory(most, max(0, most - now))


def _number(text: str) -> int | None:
    return int(text) if text.strip().isdecimal() else None


def _text(path: Path) -> str:
    with contextlib.suppress(OSError):
        return path.read_text("utf-8", "replace")
    return ""
