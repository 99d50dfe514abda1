"""A process that has all of the tool loaded, and forks itself for each command.

Tests give a thousand commands, and to start and load is more than half of what one costs. From the
fork on everything is as in a process of its own: session, folder, environment, streams, what rides
along (see `stowaway`), and how it ends. What is started for good reasons is started by
`Scene.start`, not here.
"""

import atexit
import contextlib
import functools
import gc
import importlib
import json
import os
import pkgutil
import select
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

#: What the rooms load where they need it: tests/test_house.py.
_LATE = ("frontmatter", "jinja2", "pathspec", "platformdirs", "portalocker", "pydantic", "rich")
#: What Python reads when it starts, and never again; or what wants to be there before our rooms.
_READ_AT_START = ("PYTHON", "LC_", "LANG", "TZ", "TMPDIR", "BAD_GROUND")
_READ_BY_US = ("PYTHONPATH", "PYTHONDONTWRITEBYTECODE")


@dataclass(frozen=True)
class Wish:
    """A command, where and with which environment it is given, and where its words go."""

    words: Sequence[str]
    folder: Path
    env: Mapping[str, str]
    out: Path
    err: Path


class Preloaded:
    """The loaded process as a test sees it."""

    def __init__(self) -> None:
        self._child = subprocess.Popen(
            [sys.executable, __file__], bufsize=0, stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )

    def call(self, wish: Wish, within: float) -> int:
        """Waits for the command's end and returns its exit code, that of a signal negative.

        Raises:
            AssertionError: it still ran after `within` seconds; it was killed, with its group.
        """
        facts = {"words": wish.words, "folder": str(wish.folder), "env": dict(wish.env)}
        facts.update(out=str(wish.out), err=str(wish.err))
        self._child.stdin.write(json.dumps(facts).encode("ascii") + b"\n")
        pid = int(self._child.stdout.readline())
        late = not select.select([self._child.stdout], [], [], within)[0]
        if late:
            os.killpg(pid, signal.SIGKILL)
        code = int(self._child.stdout.readline())
        assert not late, f"`{' '.join(wish.words)}` still ran after {within} s"
        return code

    def close(self) -> None:
        """Ends the process."""
        self._child.communicate(timeout=10)


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


def _next_wish() -> dict | None:
    """Returns, in a fork, what that shall do; in the loaded process None when nothing more comes."""
    for line in sys.stdin:
        pid = os.fork()
        if pid == 0:
            return json.loads(line)
        sys.stdout.write(f"{pid}\n")
        sys.stdout.flush()
        code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        sys.stdout.write(f"{code}\n")
        sys.stdout.flush()
    return None


def _become(wish: dict) -> None:
    """Makes this fork what a process started for that wish would be."""
    os.setsid()
    os.chdir(wish["folder"])
    writing = os.O_WRONLY | os.O_CREAT | os.O_TRUNC
    files = [os.open(os.devnull, os.O_RDONLY), *(os.open(wish[k], writing) for k in ("out", "err"))]
    for stream, file in enumerate(files):
        os.dup2(file, stream)
        os.close(file)
    os.environ.clear()
    os.environ.update(wish["env"])
    sys.argv = ["parallel-orchestra", *wish["words"]]
    sys.orig_argv = [sys.executable, "-m", "parallel_orchestra", *wish["words"]]
    if path := wish["env"].get("PYTHONPATH"):
        sys.path[:0] = path.split(os.pathsep)
        sys.modules.pop("sitecustomize", None)
        with contextlib.suppress(ModuleNotFoundError):
            importlib.import_module("sitecustomize")


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

    if (next_wish := _next_wish()) is not None:
        _become(next_wish)
        _end(main())
