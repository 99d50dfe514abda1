"""The processes below this one, straight from /proc: who they are and what they use.

Knows nothing of tasks. The helper program (`reaper`) loads this file by itself, outside the
package, so it imports only what costs nothing to start. Without a /proc there is nobody.
"""

import os

_HERTZ = os.sysconf("SC_CLK_TCK")
#: Places in /proc/<pid>/stat after the name (proc(5): 3, 4, 14 to 17, 20, 22).
_STATE, _PARENT, _TIMES, _THREADS, _START = 0, 1, slice(11, 15), 17, 19
_ZOMBIE = (b"Z", b"X", b"x")
#: Running or ready to run, and waiting for a disk: both wait for the machine, not for somebody.
_EAGER = (b"R", b"D")

#: A process by pid and start time: pids come again.
Member = tuple[int, bytes]


class Family:
    """All processes below this one at a moment.

    `cpu_seconds` counts also what those used that have ended; `eager` says whether one of them
    waits for nothing but the machine.
    """

    __slots__ = ("cpu_seconds", "eager", "members")

    def __init__(self) -> None:
        ticks = 0
        self.eager = False
        members: set[Member] = set()
        below = own_children()
        seen = set(below)
        while below:
            pid = below.pop()
            stat = _stat(pid)
            if not stat:
                continue
            ticks += sum(map(int, stat[_TIMES]))
            if stat[_STATE] in _ZOMBIE:
                continue
            members.add((pid, stat[_START]))
            self.eager |= stat[_STATE] in _EAGER
            for child in _children(pid, threads=int(stat[_THREADS])):
                if child not in seen:
                    seen.add(child)
                    below.append(child)
        self.members = frozenset(members)
        self.cpu_seconds = ticks / _HERTZ


def own_children() -> list[int]:
    """Returns our children, adopted ones too; straight from the kernel where it keeps a list."""
    me = os.getpid()
    found = _listed(me, me)
    return descendants() if found is None else found


def descendants() -> list[int]:
    """Returns all processes below us, from a walk of /proc; nothing where there is no /proc."""
    children: dict[int, list[int]] = {}
    try:
        names = [name for name in os.listdir("/proc") if name.isdigit()]
    except OSError:
        return []
    for name in names:
        if stat := _stat(int(name)):
            children.setdefault(int(stat[_PARENT]), []).append(int(name))
    found: list[int] = []
    below = children.get(os.getpid(), [])
    while below:
        found += below
        below = [child for pid in below for child in children.get(pid, ())]
    return found


def _children(pid: int, threads: int) -> list[int]:
    """Returns the children of a process, whichever of its threads started them."""
    if threads == 1:
        return _listed(pid, pid) or []
    try:
        names = os.listdir(f"/proc/{pid}/task")
    except OSError:
        return []
    return [child for name in names for child in _listed(pid, int(name)) or ()]


def _listed(pid: int, thread: int) -> list[int] | None:
    """Returns the children of a thread, or None if it is gone or the kernel keeps no such list."""
    try:
        with open(f"/proc/{pid}/task/{thread}/children", "rb", buffering=0) as listed:
            return [int(pid) for pid in listed.readall().split()]
    except OSError:
        return None


def _stat(pid: int) -> list[bytes]:
    """Returns the fields after the name, which may hold spaces and parentheses; none if it ended."""
    try:
        with open(f"/proc/{pid}/stat", "rb", buffering=0) as stat:
            return stat.readall().rpartition(b")")[2].split()
    except OSError:
        return []
