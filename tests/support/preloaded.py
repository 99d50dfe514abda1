"""A process that has all of the tool loaded, and forks itself for each command.

Tests give two thousand commands, and to start and load is more than half of what one costs. From
the fork on everything is as in a process of its own: session, folder, environment, streams, what
rides along (see `stowaway`), and how it ends. Only its command line is the loaded process' one.

Who wants a command connects to a socket, hands over its three streams and says folder, environment
and words. The answer is the process id at once, and the exit code at the end.
"""

import atexit
import contextlib
import ctypes
import functools
import gc
import importlib
import os
import pkgutil
import select
import selectors
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

#: What the rooms load where they need it: tests/test_house.py.
_LATE = ("frontmatter", "jinja2", "pathspec", "platformdirs", "portalocker", "pydantic", "rich")
#: What Python reads when it starts, and never again; or what wants to be there before our rooms.
_READ_AT_START = ("PYTHON", "LC_", "LANG", "TZ", "TMPDIR", "BAD_GROUND")
_READ_BY_US = ("PYTHONPATH", "PYTHONDONTWRITEBYTECODE")


#: A program that has the loaded process carry out what it was called for. Not for the background:
#: a signal to it is none to the command.
_STUB = """#!{python} -IS
import os, sys
import _socket as s
door = s.socket(s.AF_UNIX, s.SOCK_STREAM)
door.connect({door!r})
streams = b"".join(one.to_bytes(4, sys.byteorder) for one in (0, 1, 2))
door.sendmsg([b"!"], [(s.SOL_SOCKET, s.SCM_RIGHTS, streams)])
env = [name + b"=" + value for name, value in os.environb.items()]
words = [os.fsencode(one) for one in sys.argv[1:]]
told = memoryview(b"\\0".join([os.getcwdb(), b"%d" % len(env), *env, *words]))
while told:
    told = told[door.send(told):]
door.shutdown(s.SHUT_WR)
answer = b""
while more := door.recv(99):
    answer += more
os._exit(int(answer.split()[1]) % 256)
"""


#: The room in which a fork's environment is shown to those who look for it in /proc.
_ROOM = "PRELOADED_ROOM"
_ROOM_BYTES = 32_000


@dataclass(frozen=True)
class Wish:
    """A command, and where and with which environment it is given."""

    words: Sequence[str]
    folder: Path
    env: Mapping[str, str]

    def told(self) -> bytes:
        """Returns it as it goes through the socket: folder, environment and words."""
        env = [f"{name}={value}" for name, value in self.env.items()]
        return b"\0".join(map(os.fsencode, (self.folder, str(len(env)), *env, *self.words)))

    @classmethod
    def heard(cls, told: bytes) -> "Wish":
        """Returns what was told."""
        folder, count, *rest = map(os.fsdecode, told.split(b"\0"))
        env = dict(one.split("=", 1) for one in rest[: int(count)])
        return cls(rest[int(count) :], Path(folder), env)


class Forked:
    """A command that was forked; it has the doors of a `subprocess.Popen` that tests use."""

    def __init__(self, answer: socket.socket) -> None:
        self._answer = answer
        self._told = answer.makefile("rb")
        self.pid = int(self._told.readline())
        self.returncode: int | None = None

    def poll(self) -> int | None:
        """Returns the exit code, that of a signal negative, or None while it runs."""
        if self.returncode is None and select.select([self._answer], [], [], 0)[0]:
            self._end()
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """Waits for the end and returns the exit code.

        Raises:
            subprocess.TimeoutExpired: it still runs after so many seconds.
        """
        if self.returncode is None:
            if not select.select([self._answer], [], [], timeout)[0]:
                raise subprocess.TimeoutExpired(f"process {self.pid}", timeout or 0.0)
            self._end()
        assert self.returncode is not None
        return self.returncode

    def send_signal(self, number: signal.Signals) -> None:
        """Sends it that signal, unless it has ended."""
        if self.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def kill(self) -> None:
        """Sends SIGKILL."""
        self.send_signal(signal.SIGKILL)

    def _end(self) -> None:
        self.returncode = int(self._told.readline())
        self._told.close()
        self._answer.close()


class Preloaded:
    """The loaded process as a test sees it."""

    def __init__(self) -> None:
        self._place = tempfile.mkdtemp(prefix="preloaded-")
        self._door = os.path.join(self._place, "door")
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(self._door)
            listener.listen(64)
            # It ends when nobody holds the other end of its standard input any more.
            self._child = subprocess.Popen(
                [sys.executable, __file__, str(listener.fileno())],
                env={**os.environ, _ROOM: "-" * _ROOM_BYTES},
                pass_fds=[listener.fileno()],
                stdin=subprocess.PIPE,
            )

    def begin(self, wish: Wish, out: IO[bytes], err: IO[bytes]) -> Forked:
        """Begins a command that writes to these streams and has nothing to read."""
        answer = socket.socket(socket.AF_UNIX)
        answer.connect(self._door)
        with open(os.devnull, "rb") as nothing:
            socket.send_fds(answer, [b"!"], [one.fileno() for one in (nothing, out, err)])
        answer.sendall(wish.told())
        answer.shutdown(socket.SHUT_WR)
        return Forked(answer)

    def program(self, path: Path) -> None:
        """Writes a program that is the tool, for scripts; one that has to be killed is none of it."""
        path.write_text(_STUB.format(python=sys.executable, door=self._door), encoding="utf-8")
        path.chmod(0o755)

    def close(self) -> None:
        """Ends the process."""
        self._child.communicate(timeout=10)
        shutil.rmtree(self._place)


@functools.cache
def preloaded() -> Preloaded:
    """Returns the loaded process of this session, which begins with the first call."""
    return Preloaded()


def close() -> None:
    """Ends the session's process, if there is one."""
    if preloaded.cache_info().currsize:
        preloaded().close()
        preloaded.cache_clear()


def can_do_without_a_start(env: Mapping[str, str] | None) -> bool:
    """Returns whether no variable among these is one that counts when Python starts, only."""
    return not any(
        name.startswith(_READ_AT_START) and name not in _READ_BY_US for name in env or ()
    )


# in the loaded process, and in its forks ----------------------------------------------------------


def _load() -> None:
    import parallel_orchestra  # noqa: PLC0415 - not in the process of the tests

    for name in _LATE:
        importlib.import_module(name)
    for room in pkgutil.walk_packages(parallel_orchestra.__path__, "parallel_orchestra."):
        if not room.name.endswith("__main__"):
            importlib.import_module(room.name)
    # A fork that looks through all this for garbage has to copy all of it first.
    gc.freeze()


class _Porter:
    """Forks for everybody who comes to the door, and tells each how that ended."""

    def __init__(self, listener: socket.socket) -> None:
        self._listener = listener
        self._waiting: dict[int, socket.socket] = {}
        self._ends, self._bell = os.pipe()
        os.set_blocking(self._bell, False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(self._bell, warn_on_full_buffer=False)
        self._ears = selectors.DefaultSelector()
        for one in (sys.stdin, listener, self._ends):
            self._ears.register(one, selectors.EVENT_READ)

    def next_wish(self) -> tuple[Wish, list[int], int] | None:
        """Returns, in a fork, what it shall do, its streams, and what it closes once it is ready for that.

        None in the end, not in a fork.
        """
        while True:
            for key, _ in self._ears.select():
                if key.fileobj is sys.stdin:
                    return None
                if key.fileobj == self._ends:
                    os.read(self._ends, 4096)
                    self._tell()
                elif found := self._fork():
                    return found

    def _fork(self) -> tuple[Wish, list[int], int] | None:
        guest, _ = self._listener.accept()
        streams = socket.recv_fds(guest, 1, 3)[1]
        with guest.makefile("rb") as told:
            wish = Wish.heard(told.read())
        ready, getting_ready = os.pipe()
        pid = os.fork()
        if pid == 0:
            os.close(ready)
            self._go(guest)
            return wish, streams, getting_ready
        for one in (*streams, getting_ready):
            os.close(one)
        # Who is told of it may send its group a signal at once, and looks for its mark.
        os.read(ready, 1)
        os.close(ready)
        self._waiting[pid] = guest
        # Who was killed meanwhile does not hear it.
        with contextlib.suppress(OSError):
            guest.sendall(b"%d\n" % pid)
        return None

    def _tell(self) -> None:
        while self._waiting:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if not pid:
                return
            with self._waiting.pop(pid) as guest, contextlib.suppress(OSError):
                guest.sendall(b"%d\n" % os.waitstatus_to_exitcode(status))

    def _go(self, guest: socket.socket) -> None:
        """Leaves the door to the loaded process: a fork keeps nothing of it."""
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        self._ears.close()
        for one in (self._listener, guest, *self._waiting.values()):
            one.close()
        os.close(self._ends)
        os.close(self._bell)


def _become(wish: Wish, streams: Sequence[int], getting_ready: int) -> None:
    """Makes this fork what a process started for that wish would be."""
    os.setsid()
    os.chdir(wish.folder)
    for stream, file in enumerate(streams):
        os.dup2(file, stream)
        os.close(file)
    os.environ.clear()
    os.environ.update(wish.env)
    _show(os.environb)
    os.close(getting_ready)
    sys.argv = ["parallel-orchestra", *wish.words]
    sys.orig_argv = [sys.executable, "-m", "parallel_orchestra", *wish.words]
    if path := wish.env.get("PYTHONPATH"):
        sys.path[:0] = path.split(os.pathsep)
        sys.modules.pop("sitecustomize", None)
        with contextlib.suppress(ModuleNotFoundError):
            importlib.import_module("sitecustomize")


def _show(env: Mapping[bytes, bytes]) -> None:
    """Lets /proc tell this environment, by which tests find processes, in place of the loaded one's.

    It tells what lies where the kernel put it at the start (proc(5): `env_start`, `env_end`). What
    is used lies elsewhere.
    """
    with contextlib.suppress(FileNotFoundError):
        facts = Path("/proc/self/stat").read_text(encoding="ascii").rpartition(")")[2].split()
        start, end = int(facts[47]), int(facts[48])
        told = b"".join(b"%b=%b\0" % one for one in env.items())
        assert len(told) <= end - start, "too many variables: see _ROOM_BYTES"
        ctypes.memmove(start, told.ljust(end - start, b"\0"), end - start)


def _end(code: int) -> None:
    """Does what Python does at its end, but leaves it to the kernel to take the memory apart.

    That alone would cost more than a small command.
    """
    threading._shutdown()
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


if __name__ == "__main__":
    sys.path.pop(0)  # this folder: the names in it are not for the tool
    _load()
    from parallel_orchestra.cli import main

    if (found := _Porter(socket.socket(fileno=int(sys.argv[1]))).next_wish()) is not None:
        _become(*found)
        _end(main())
