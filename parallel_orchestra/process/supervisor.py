"""Runs one child at a time under supervision; its whole process tree is gone when it is over.

The client of the helper program in `reaper`, which tells the story. Knows nothing of tasks.
"""

import contextlib
import marshal
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from enum import Enum
from pathlib import Path
from types import TracebackType
from typing import Any

from parallel_orchestra.frozen import frozen
from parallel_orchestra.process import identity
from parallel_orchestra.process.apart import start_apart
from parallel_orchestra.process.finding import found
from parallel_orchestra.process.telling import NO_LAST_WORDS, DeadEnd, LastWords

#: Every child of a supervisor carries this variable, unique for the helper that runs it: if
#: the helper itself is killed, what it leaves behind is found by it and ended.
MARK = "PO_SUPERVISOR"

_HEADER = 4
#: Bytes that are taken from the helper at once: at first, and of an answer that has more.
_LITTLE, _MUCH = 1 << 12, 1 << 20
_FOLDER = str(Path(__file__).resolve().parent)
#: Seconds: for the helper to sweep the tree at `close`; beyond what a run may take by itself.
_CLOSE_LIMIT = 25.0
_RUN_SLACK = 45.0
#: Seconds between two looks at whether the helper was stopped.
_LOOK_EVERY = 2.0


class Ending(Enum):
    """How a child's run ended; `LOST`: the helper died, what was left of the tree is ended.

    `ANSWERED`: it had said its last word but did not end, and was ended. `STALLED`: it showed no
    sign of life any more. `DEAD_END`: it said that it can't go on, did not end, and was ended.
    """

    EXITED = "exited"
    ANSWERED = "answered"
    TIMEOUT = "timeout"
    STALLED = "stalled"
    DEAD_END = "dead end"
    CANCELLED = "cancelled"
    NOT_STARTED = "not started"
    LOST = "lost"


@frozen
class Child:
    """What to run. `env` is the whole environment (plus `MARK`), seconds are seconds.

    `stdin` None is /dev/null. Both streams go to `log` in order of arrival, separate copies to
    `stdout_log` and `stderr_log`; logs and their folders are made (0600) at the first output, or appended to;
    each keeps the first and the last half of `log_cap_bytes` of this run. `secrets` are shown
    as [masked] in logs and tails. Lines of stdout that hold one of the words of `keep` are kept
    whole, however much comes after them. `graces`: from SIGINT to SIGTERM, from SIGTERM to SIGKILL.

    With `idle_timeout` it is ended once no output, no processor time, no file below `cwd` and none
    of its processes has shown for so long that it is alive (see `pulse`; only where there is a
    /proc); `life` is a file that says so while it is quiet or stuck.
    """

    argv: tuple[str, ...]
    cwd: Path
    env: Mapping[str, str]
    log: Path
    stdin: Path | None = None
    stdout_log: Path | None = None
    stderr_log: Path | None = None
    timeout: float | None = None
    secrets: tuple[str, ...] = ()
    keep: tuple[bytes, ...] = ()
    log_cap_bytes: int = 10 << 20
    tail_bytes: int = 1 << 20
    graces: tuple[float, float] = (5.0, 5.0)
    idle_timeout: float | None = None
    life: Path | None = None
    last_words: LastWords = NO_LAST_WORDS
    dead_ends: tuple[DeadEnd, ...] = ()


@frozen
class Exit:
    """How it went. `code` is negative for a signal, None if the child never ended or began; 0 if
    it was ended after its last word.

    The tails are the last `tail_bytes` of each stream, `output_bytes` counts both. `left_over`
    processes outlived the child and were ended. `reason` says in words why it was not started,
    lost or stalled, or what of the log could not be written; else it is empty. `kept` are the lines that
    the child's `keep` asks for.
    """

    ending: Ending
    code: int | None = None
    stdout_tail: bytes = b""
    stderr_tail: bytes = b""
    output_bytes: int = 0
    seconds: float = 0.0
    left_over: int = 0
    reason: str = ""
    kept: bytes = b""

    @property
    def how(self) -> str:
        """Returns how it ended, as the rest of a sentence that names the command."""
        return self.reason or f"{self.ending.value} with code {self.code}"


def find_program(name: str, env: Mapping[str, str], cwd: Path) -> str | None:
    """Returns the path of the program that the child's own PATH names, None if there is none.

    A name with a slash is a path, relative to `cwd`, as is an empty or relative PATH entry.
    """
    return found(name, env.get("PATH", os.defpath), str(cwd))


class Supervisor:
    """Runs children one after the other, by one helper process that starts with the first.

    `run` is for one thread, `cancel` and `close` for any. If this process dies, however, the
    helper ends the child's whole tree and itself.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._helper: _Helper | None = None
        self._number = 0
        self._running = False
        self._closed = False

    def __enter__(self) -> "Supervisor":  # noqa: PYI034 - Self needs 3.11
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def run(self, child: Child) -> Exit:
        """Runs the child to its end and returns how it went; never raises for what it does.

        On return no process of the child's tree is alive (on Linux; elsewhere none of its
        process group), and its logs are complete.
        """
        started = time.monotonic()
        helper = self._begin(child)
        if helper is None:
            return Exit(Ending.CANCELLED, reason="the supervisor is closed")
        try:
            answer = helper.receive(_limit(child))
        except (OSError, EOFError) as error:
            return self._lost(helper, error, time.monotonic() - started)
        except BaseException:
            # interrupted in the middle of a frame: this helper can't be understood any more
            self._lost(helper, EOFError("interrupted"), 0.0)
            raise
        self._over(helper)
        return _exit(answer)

    def ready(self) -> None:
        """Starts the helper ahead of the first run, which then finds it up; it takes some milliseconds.

        Raises:
            OSError: it can't be started now; the first run tries again.
        """
        with self._lock:
            if self._helper is None and not self._closed:
                self._helper = _Helper()

    def cancel(self) -> bool:
        """Ends the current run as `CANCELLED`; does nothing, and returns False, if none is."""
        with self._lock:
            if self._helper is None or not self._running:
                return False
            self._helper.cancel(self._number)
            return True

    def close(self) -> None:
        """Ends what runs, at once, and the helper. A `run` under way returns `CANCELLED`."""
        with self._lock:
            self._closed = True
            helper = self._helper
        if helper is None:
            return
        helper.hang_up()
        with self._lock:
            if not self._running:
                helper.close()

    def _begin(self, child: Child) -> "_Helper | None":
        """Hands the child to a live helper; None if closed."""
        with self._lock:
            if self._closed:
                return None
            if self._helper is not None and not self._helper.alive():
                self._helper.close()
                self._helper = None
            self._helper = self._helper or _Helper()
            self._number += 1
            self._running = True
            self._helper.send_run(self._number, child)
            return self._helper

    def _over(self, helper: "_Helper") -> None:
        with self._lock:
            self._running = False
            if self._closed:
                helper.close()

    def _lost(self, helper: "_Helper", error: Exception, seconds: float) -> Exit:
        ended = helper.destroy()
        with self._lock:
            self._helper = None
        self._over(helper)
        helper.close()
        ending = Ending.CANCELLED if self._closed else Ending.LOST
        reason = f"the helper process was lost: {error}"
        return Exit(ending, seconds=seconds, left_over=ended, reason=reason)


class _Helper:
    """The helper process and our end of its control socket."""

    def __init__(self) -> None:
        self._socket, theirs = socket.socketpair()
        self._mark = os.urandom(8).hex()
        with theirs:
            fd = theirs.fileno()
            # Imported, not run as a script: so its byte code comes from the cache. -I and -S:
            # nothing of the user's Python set-up, and half the time to start.
            program = f"import sys; sys.path.append({_FOLDER!r}); import reaper; reaper.main({fd})"
            # A Ctrl-C for us is not for it: it has to clean up.
            self._process = start_apart(
                [sys.executable, "-I", "-S", "-c", program],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                pass_fds=(fd,),
            )

    @property
    def pid(self) -> int:
        """The helper's process id."""
        return self._process.pid

    def alive(self) -> bool:
        """Whether it runs."""
        return self._process.poll() is None

    def send_run(self, number: int, child: Child) -> None:
        """Sends the request; if nobody reads it, the answer's absence will tell."""
        self._socket.settimeout(_RUN_SLACK)
        self._send(("run", _request(number, child, self._mark)))

    def cancel(self, number: int) -> None:
        """Sends the wish to end that run."""
        self._send(("cancel", number))

    def receive(self, limit: float | None) -> tuple[Any, ...]:
        """Returns the answer.

        Raises:
            EOFError: the helper is gone.
            OSError: it is silent for longer than the limit (seconds), or the socket is broken.
        """
        deadline = None if limit is None else time.monotonic() + limit
        data = b""
        while len(data) < _HEADER or len(data) < _HEADER + int.from_bytes(data[:_HEADER], "big"):
            # A buffer for the largest answer would cost the small ones more than all else of this.
            piece = self._piece(deadline, _MUCH if data else _LITTLE)
            if not piece:
                raise EOFError("it ended in the middle of a run")
            data += piece
        answer: tuple[Any, ...] = marshal.loads(data[_HEADER:])  # noqa: S302 - our own other half
        return answer

    def _piece(self, deadline: float | None, size: int) -> bytes:
        """Returns what comes next, so many bytes at most; wakes a helper that an agent has stopped meanwhile."""
        while True:
            left = _LOOK_EVERY if deadline is None else deadline - time.monotonic()
            self._socket.settimeout(max(0.01, min(left, _LOOK_EVERY)))
            try:
                return self._socket.recv(size)
            except TimeoutError:
                if deadline is not None and time.monotonic() >= deadline:
                    raise
            if identity.stopped(self.pid):
                # Nobody stops it by a terminal: it has a session of its own.
                self._process.send_signal(signal.SIGCONT)

    def hang_up(self) -> None:
        """Ends it and all below it, and waits for that; the last answer can still be read."""
        try:
            self._socket.shutdown(socket.SHUT_WR)
            self._process.wait(_CLOSE_LIMIT)
        except (OSError, subprocess.TimeoutExpired):
            self.destroy()

    def destroy(self) -> int:
        """Kills it and what it leaves behind; returns how many processes those were."""
        self._process.kill()
        self._process.wait()
        return identity.end_marked(MARK, self._mark)

    def close(self) -> None:
        """Closes the socket."""
        self._socket.close()

    def _send(self, frame: tuple[str, Any]) -> None:
        body = marshal.dumps(frame)
        with contextlib.suppress(OSError):
            self._socket.sendall(len(body).to_bytes(_HEADER, "big") + body)


def _request(number: int, child: Child, mark: str) -> dict[str, Any]:
    """Returns what `reaper.Request` takes; absolute paths, for the helper lives in /."""
    return {
        "number": number,
        "argv": tuple(child.argv),
        "env": {**child.env, MARK: mark},
        "cwd": _absolute(child.cwd),
        "stdin": _absolute(child.stdin) or os.devnull,
        "log": _absolute(child.log),
        "stdout_log": _absolute(child.stdout_log),
        "stderr_log": _absolute(child.stderr_log),
        "timeout": child.timeout,
        "graces": child.graces,
        "secrets": tuple(os.fsencode(secret) for secret in child.secrets),
        "log_cap_bytes": child.log_cap_bytes,
        "tail_bytes": child.tail_bytes,
        "keep": child.keep,
        "idle_timeout": child.idle_timeout,
        "life": _absolute(child.life),
        "last_words": child.last_words.told(),
        "dead_ends": tuple(one.told() for one in child.dead_ends),
    }


def _absolute(path: str | Path | None) -> str:
    text = os.fspath(path or "")
    return text if not text or text.startswith(os.sep) else os.path.abspath(text)


def _limit(child: Child) -> float | None:
    """Returns the seconds after which a helper that has not answered must be broken."""
    return None if child.timeout is None else child.timeout + sum(child.graces) + _RUN_SLACK


def _exit(answer: tuple[Any, ...]) -> Exit:
    _, ending, *rest = answer
    return Exit(Ending(ending), *rest)
