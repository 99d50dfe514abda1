"""Which process is which: across pid reuse, reboots, containers and machines.

Knows nothing of tasks. Linux is read from /proc directly, because a claim asks for it; other
systems are asked through psutil, which is imported only there.
"""

import os
import re
import signal
import sys
import time
from collections.abc import Iterable
from pathlib import Path

_LINUX = sys.platform == "linux"
_HOST_NAME_LENGTH = 20
#: Seconds that `end_marked` spends on processes that SIGKILL does not end (another user's).
_END_LIMIT = 10.0
_PASS_PAUSE = 0.002
#: Places of state, parent and start time in /proc/<pid>/stat after the name (proc(5): 3, 4, 22).
_STATE, _PARENT, _START = 0, 1, 19
_ZOMBIE = "ZXx"
_STOPPED = "Tt"


def boot_id() -> str:
    """Returns a token that is another one after each boot of this machine."""
    if _LINUX:
        return Path("/proc/sys/kernel/random/boot_id").read_text("ascii").strip()
    import psutil  # noqa: PLC0415 - 34 ms that Linux does not pay

    return str(int(psutil.boot_time()))


def pid_namespace() -> str:
    """Returns a token of the namespace in which our pids have meaning; empty if there is but one."""
    return os.readlink("/proc/self/ns/pid") if _LINUX else ""


def machine_id() -> str:
    """Returns a token that stays the same over boots of this machine, or '' if none is known.

    The one of machine-id(5). Two machines may have one name; a container may have its image's
    token, but then a name of its own.
    """
    if _LINUX:
        return _read("/etc/machine-id").decode("ascii", "replace").strip()
    return ""


def host_name() -> str:
    """Returns this machine's name, fit for file names: 1 to 20 of `[A-Za-z0-9]`."""
    first = os.uname().nodename.partition(".")[0]
    return re.sub("[^A-Za-z0-9]", "", first)[:_HOST_NAME_LENGTH] or "host"


def start_time(pid: int) -> str | None:
    """Returns an opaque token of when the process began, or None if there is no such process.

    Together with the pid it names a process for as long as the machine is up.
    """
    if _LINUX:
        fields = _stat(pid)
        return fields[_START] if fields else None
    import psutil  # noqa: PLC0415 - 34 ms that Linux does not pay

    try:
        return repr(psutil.Process(pid).create_time())
    except psutil.Error:
        return None


def alive(pid: int, start: str) -> bool:
    """Returns whether that very process runs; a stopped one does, a zombie does not."""
    if _LINUX:
        fields = _stat(pid)
        return fields is not None and fields[_START] == start and fields[_STATE] not in _ZOMBIE
    import psutil  # noqa: PLC0415 - 34 ms that Linux does not pay

    try:
        zombie = psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False
    return not zombie and start_time(pid) == start


def stopped(pid: int) -> bool:
    """Returns whether the process stands still by a signal (SIGSTOP, Ctrl-Z) or a debugger."""
    if _LINUX:
        fields = _stat(pid)
        return fields is not None and fields[_STATE] in _STOPPED
    import psutil  # noqa: PLC0415 - 34 ms that Linux does not pay

    try:
        return psutil.Process(pid).status() == psutil.STATUS_STOPPED
    except psutil.Error:
        return False


def age(pid: int) -> float | None:
    """Returns for how many seconds the process has been there, or None if that is not known."""
    if _LINUX:
        fields, up = _stat(pid), _read("/proc/uptime").split()
        if fields is None or not up:
            return None
        return max(0.0, float(up[0]) - int(fields[_START]) / os.sysconf("SC_CLK_TCK"))
    import psutil  # noqa: PLC0415 - 34 ms that Linux does not pay

    try:
        return max(0.0, time.time() - psutil.Process(pid).create_time())
    except psutil.Error:
        return None


def marked(name: str, value: str) -> tuple[int, ...]:
    """Returns the pids of this user's processes that were started with `name=value`."""
    wanted = os.fsencode(f"{name}={value}")
    return tuple(pid for pid in _mine() if wanted in _environment(pid))


def inside(directory: Path) -> tuple[int, ...]:
    """Returns the pids of this user's processes that work at or below the directory.

    Also finds those whose directory has been removed meanwhile.
    """
    top = os.path.realpath(directory)
    found = []
    for pid in _mine():
        cwd = _cwd(pid).removesuffix(" (deleted)")
        if cwd == top or cwd.startswith(top + os.sep):
            found.append(pid)
    return tuple(found)


def end_marked(name: str, value: str) -> int:
    """Kills the marked processes and everything below them; returns how many that were.

    Never ends the calling process. All are stopped before the first is killed: so none can
    fork away while we look. Gives up after ten seconds on those that can't be ended.
    """
    ended: set[int] = set()
    limit = time.monotonic() + _END_LIMIT
    while time.monotonic() < limit:
        family = stop_marked(name, value)
        if not family:
            break
        ended |= family
        for pid in family:
            _signal(pid, signal.SIGKILL)
        time.sleep(_PASS_PAUSE)  # the dying are still seen for a moment
    return len(ended)


def stop_marked(name: str, value: str) -> set[int]:
    """Stops the marked processes and all below them, until a look finds no other; returns them.

    Never the calling process. Whoever calls it ends them, too: `end_marked`.
    """
    frozen: set[int] = set()
    while True:
        fresh = _with_descendants(marked(name, value)) - frozen - {os.getpid()}
        fresh = {pid for pid in fresh if _signal(pid, signal.SIGSTOP)}
        if not fresh:
            return frozen
        frozen |= fresh


def _with_descendants(pids: Iterable[int]) -> set[int]:
    """Returns these processes and all below them, without the zombies."""
    family = set(pids)
    if not family:
        return family
    children = _children()
    below = list(family)
    while below:
        below = [child for pid in below for child in children.get(pid, ()) if child not in family]
        family.update(below)
    return family


def _signal(pid: int, number: int) -> bool:
    """Returns whether there was such a process that we may signal."""
    try:
        os.kill(pid, number)
    except OSError:
        return False
    return True


def _mine() -> list[int]:
    """Returns the pids of this user's processes."""
    if _LINUX:
        me = os.getuid()
        with os.scandir("/proc") as entries:
            return [
                int(entry.name) for entry in entries if entry.name.isdigit() and _owner(entry) == me
            ]
    import psutil  # noqa: PLC0415 - 34 ms that Linux does not pay

    name = psutil.Process().username()
    return [
        process.pid
        for process in psutil.process_iter(["username"])
        if process.info["username"] == name
    ]


def _owner(entry: "os.DirEntry[str]") -> int:
    try:
        return entry.stat().st_uid
    except OSError:
        return -1


def _environment(pid: int) -> list[bytes]:
    """Returns what the process was started with; nothing if it is gone or not ours to read."""
    if _LINUX:
        return _read(f"/proc/{pid}/environ").split(b"\0")
    import psutil  # noqa: PLC0415 - 34 ms that Linux does not pay

    try:
        return [
            os.fsencode(f"{key}={value}") for key, value in psutil.Process(pid).environ().items()
        ]
    except psutil.Error:
        return []


def _cwd(pid: int) -> str:
    """Returns the directory that the process works in, or nothing."""
    if _LINUX:
        try:
            return os.readlink(f"/proc/{pid}/cwd")
        except OSError:
            return ""
    import psutil  # noqa: PLC0415 - 34 ms that Linux does not pay

    try:
        return psutil.Process(pid).cwd()
    except psutil.Error:
        return ""


def _children() -> dict[int, list[int]]:
    """Returns the living children of every process that has some."""
    children: dict[int, list[int]] = {}
    for pid, parent in _parents():
        children.setdefault(parent, []).append(pid)
    return children


def _parents() -> list[tuple[int, int]]:
    """Returns every living process with its parent."""
    if _LINUX:
        pids = [int(name) for name in os.listdir("/proc") if name.isdigit()]
        known = [(pid, fields) for pid in pids if (fields := _stat(pid))]
        return [
            (pid, int(fields[_PARENT])) for pid, fields in known if fields[_STATE] not in _ZOMBIE
        ]
    import psutil  # noqa: PLC0415 - 34 ms that Linux does not pay

    processes = psutil.process_iter(["ppid", "status"])
    living = (each for each in processes if each.info["status"] != psutil.STATUS_ZOMBIE)
    return [(each.pid, each.info["ppid"]) for each in living]


def _stat(pid: int) -> list[str] | None:
    """Returns the fields of /proc/<pid>/stat from the third on."""
    # the second is the name in parentheses and may hold spaces and parentheses itself
    fields = _read(f"/proc/{pid}/stat").rpartition(b")")[2].split()
    return [field.decode("ascii") for field in fields] or None


def _read(path: str) -> bytes:
    try:
        with open(path, "rb") as file:
            return file.read()
    except OSError:
        return b""
