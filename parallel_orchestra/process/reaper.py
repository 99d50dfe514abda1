"""The helper program: runs one child at a time and leaves none of its processes behind.

It stands between us and the agents, one per worker slot, and lives as long as the slot.
Knows nothing of tasks. `supervisor` starts it with a bare interpreter, so it imports only
what starts in a few milliseconds.

Why a process of its own: on Linux it is a sub-reaper (prctl(2)), so whatever an agent leaves
behind, daemons in sessions of their own included, becomes its child and can be found and
ended. And it outlives us: the control socket is its life-line, whose end-of-file means that
we died, and then the whole tree goes. (PR_SET_PDEATHSIG does not do: it fires when the
*thread* that forked ends, and double forks lose it.)

The order of things in one run: spawn; copy output until the child ends, with SIGINT, SIGTERM
and SIGKILL to its group when it has to be stopped (`watch` says when it hangs); sweep what outlived it; drain the pipes;
answer. Frames on the socket are a length (4 bytes) and a marshalled value: marshal costs no
import, and both ends are the same interpreter.
"""

import ctypes
import marshal
import os
import select
import sys
import time

if __package__:
    import signal

    from parallel_orchestra.process.copier import CappedLog, Stream
    from parallel_orchestra.process.family import descendants, own_children
    from parallel_orchestra.process.finding import found
    from parallel_orchestra.process.request import Request
    from parallel_orchestra.process.watch import Watch
else:  # the bare interpreter knows this folder only
    # what `signal` is made of: its enumerations are a quarter of the time to start
    import _signal as signal  # type: ignore[import-not-found,no-redef]

    from copier import CappedLog, Stream  # type: ignore[import-not-found,no-redef]
    from family import descendants, own_children  # type: ignore[import-not-found,no-redef]
    from finding import found  # type: ignore[import-not-found,no-redef]
    from request import Request  # type: ignore[import-not-found,no-redef]
    from watch import Watch  # type: ignore[import-not-found,no-redef]

_LINUX = sys.platform == "linux"
_PR_SET_CHILD_SUBREAPER = 36
_READ_BYTES = 1 << 16
#: Seconds: for leftovers to obey SIGTERM; for SIGKILL to work; between two looks at that; for
#: a pipe that a stranger holds.
_SWEEP_GRACE = 0.2
_KILL_LIMIT = 10.0
_PASS_PAUSE = 0.01
_DRAIN_LIMIT = 1.0
_NEVER = float("inf")
#: The kinds of value that an answer is made of.
Answer = str | bytes | int | float | None
#: Python ignores SIGPIPE, a shell's background job SIGINT, and children inherit that.
_RESET_SIGNALS = tuple(signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP})


class Host:
    """What lasts from run to run: the life-line, the wake-up pipe, the poller of both."""

    def __init__(self, control: int) -> None:
        self.control = control
        self.orphaned = False
        self.wakeup, wake = os.pipe()
        os.set_blocking(self.wakeup, False)
        os.set_blocking(wake, False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(wake, warn_on_full_buffer=False)
        self.poller = select.poll()
        self.poller.register(control, select.POLLIN)
        self.poller.register(self.wakeup, select.POLLIN)

    def receive(self) -> tuple[str, object] | None:
        """Returns the next frame, or None (and is orphaned) when the other side is gone."""
        size = self._read(4)
        body = self._read(int.from_bytes(size, "big"))
        if not body:
            if not self.orphaned:
                self.orphaned = True
                self.poller.unregister(self.control)
            return None
        frame: tuple[str, object] = marshal.loads(body)  # noqa: S302 - our own other half wrote it
        return frame

    def send(self, value: tuple[Answer, ...]) -> None:
        """Sends a frame; to nobody, if nobody is there any more."""
        body = marshal.dumps(value)
        rest = memoryview(len(body).to_bytes(4, "big") + body)
        try:
            while rest:
                rest = rest[os.write(self.control, rest) :]
        except OSError:
            return  # the next `receive` says that we are orphaned

    def _read(self, size: int) -> bytes:
        pieces = b""
        while len(pieces) < size:
            try:
                piece = os.read(self.control, size - len(pieces))
            except OSError:
                piece = b""
            if not piece:
                return b""
            pieces += piece
        return pieces


class Run:
    """One child, from its spawn to the end of its last descendant."""

    def __init__(self, host: Host, request: Request) -> None:
        self._host = host
        self._request = request
        self._log = CappedLog(request.log, request.log_cap_bytes, request.secrets)
        self._logs = [self._log]
        self._out = self._stream(0, request.stdout_log, request.keep)
        self._err = self._stream(1, request.stderr_log)
        self._open: dict[int, Stream] = {}
        self._pid = 0
        self._status: int | None = None
        self._ending = "exited"
        self._reason = ""
        self._left_over: set[int] = set()
        self._started = self._ended = time.monotonic()
        self._watch = Watch(request, self._started)
        self._said: tuple[bytes, bytes] | None = None
        timeout = request.timeout
        self._deadline = _NEVER if timeout is None else self._started + timeout
        interrupt, terminate = request.graces
        self._steps = [
            (signal.SIGINT, interrupt),
            (signal.SIGTERM, terminate),
            (signal.SIGKILL, _KILL_LIMIT),
        ]

    def carry_out(self) -> tuple[Answer, ...]:
        """Runs the child; returns the run number and the fields of `supervisor.Exit`."""
        try:
            if self._spawn():
                while self._status is None and self._escalate():
                    self._wait()
        except Exception as error:  # noqa: BLE001 - whatever it is, the tree must not survive it
            self._ending = "lost"
            self._reason = f"the helper failed: {error!r}"
        self._sweep()
        self._drain()
        self._watch.close()
        return self._answer()

    def _wait(self) -> None:
        """Waits for the next thing to happen; a child that hangs is to be stopped."""
        if self._ending != "exited":
            self._turn(self._deadline)
            return
        self._turn(min(self._deadline, self._watch.due, self._log.due))
        self._log.glimpse(time.monotonic())
        hangs = self._watch.look(time.monotonic())
        if hangs and self._ending == "exited" and self._status is None:
            self._ending, self._deadline = hangs, 0.0
            if hangs == "stalled":
                self._reason = f"showed no sign of life for {self._request.idle_timeout:g} s"
            elif hangs == "answered":
                # No interrupt: it would be answered by words that contradict the last ones.
                self._steps = self._steps[1:]
                self._said = self._out.tail(), self._out.kept()

    def _stream(self, source: int, copy: str, keep: tuple[bytes, ...] = ()) -> Stream:
        request = self._request
        logs = self._logs[:1]
        if copy:
            logs.append(CappedLog(copy, request.log_cap_bytes, request.secrets))
            self._logs.append(logs[-1])
        return Stream(request.secrets, request.tail_bytes, tuple(logs), keep, source)

    def _spawn(self) -> bool:
        """Starts the child, or notes why that can't be."""
        request = self._request
        program = found(request.argv[0], request.env.get("PATH", os.defpath), request.cwd)
        if program is None:
            self._ending = "not started"
            self._reason = f"`{request.argv[0]}` is not a program that can be run here"
            return False
        opened: list[int] = []
        doing = f"cannot read {request.stdin}"
        try:
            opened.append(os.open(request.stdin, os.O_RDONLY))
            doing = f"cannot run `{request.argv[0]}`"
            for stream in (self._out, self._err):
                read, write = os.pipe()
                self._open[read] = stream
                opened.append(write)
            doing = f"cannot enter {request.cwd}"
            os.chdir(request.cwd)
            doing = f"cannot run `{request.argv[0]}`"
            self._pid = _spawn(program, request, opened)
        except (OSError, ValueError) as error:
            self._ending = "not started"
            self._reason = f"{doing}: {getattr(error, 'strerror', None) or error}"
        finally:
            os.chdir("/")  # we must not hold a worktree that is to be removed
            for fd in opened:
                os.close(fd)
        for fd in self._open:
            self._host.poller.register(fd, select.POLLIN)
        return self._pid > 0

    def _turn(self, until: float) -> bool:
        """Waits for the next thing to happen and sees to it; returns whether there was output."""
        # an hour at most: poll(2) takes its milliseconds as an int
        left = min(max(0.0, until - time.monotonic()), 3600.0)
        events = self._host.poller.poll(left * 1000)
        output = False
        for fd, _ in events:
            if fd == self._host.wakeup:
                os.read(fd, _READ_BYTES)
                self._reap()
            elif fd == self._host.control:
                self._listen()
            else:
                self._copy(fd)
                output = True
        return output

    def _copy(self, fd: int) -> None:
        data = os.read(fd, _READ_BYTES)
        if data:
            stream = self._open[fd]
            stream.take(data)
            self._watch.hear(data, stdout=stream is self._out)
        else:
            self._close(fd)

    def _close(self, fd: int) -> None:
        self._host.poller.unregister(fd)
        os.close(fd)
        self._open.pop(fd).end()

    def _reap(self) -> bool:
        """Collects what has ended, adopted orphans too; returns whether a process is left."""
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return False
            if pid == 0:
                return True
            if pid == self._pid:
                self._status, self._ended = status, time.monotonic()

    def _listen(self) -> None:
        """Reads the life-line: a cancel of this run, or the death of the other side."""
        frame = self._host.receive()
        if self._status is not None:
            return
        if frame is None:
            # nobody waits for a last word of the agent any more
            self._steps = [(signal.SIGTERM, _SWEEP_GRACE), (signal.SIGKILL, _KILL_LIMIT)]
            self._deadline = 0.0
        elif frame == ("cancel", self._request.number) and self._ending == "exited":
            self._deadline = 0.0
        if self._ending == "exited" and self._deadline == 0.0:
            self._ending = "cancelled"

    def _escalate(self) -> bool:
        """Takes the next step against the child if it is due; False when none is left."""
        now = time.monotonic()
        if now < self._deadline:
            return True
        if self._ending == "exited":
            self._ending = "timeout"
        if not self._steps:
            return False
        number, grace = self._steps.pop(0)
        self._deadline = now + grace
        _kill(-self._pid, number)
        _kill(-self._pid, signal.SIGCONT)  # a stopped process obeys nothing but SIGKILL
        return True

    def _sweep(self) -> None:
        """Ends every process that outlived the child. Costs one system call if there is none."""
        if not _LINUX and self._pid:
            _kill(-self._pid, signal.SIGKILL)
        if not self._reap():
            return
        self._signal(descendants(), signal.SIGTERM, signal.SIGCONT)
        self._wait_for_all(time.monotonic() + _SWEEP_GRACE)
        limit = time.monotonic() + _KILL_LIMIT
        while self._reap() and time.monotonic() < limit:
            # Killed processes hand their children over to us, so each pass needs to look at
            # our own only: fast enough to catch what forks and exits without end.
            self._signal(own_children(), signal.SIGKILL)
            self._turn(time.monotonic() + _PASS_PAUSE)
        if self._reap():
            self._reason = f"{len(descendants())} processes can't be ended"

    def _wait_for_all(self, until: float) -> None:
        while self._reap() and time.monotonic() < until and not self._host.orphaned:
            self._turn(until)

    def _signal(self, pids: list[int], *numbers: int) -> None:
        self._left_over.update(pids)
        for pid in pids:
            for number in numbers:
                _kill(pid, number)

    def _drain(self) -> None:
        """Copies what is still in the pipes; does not wait for a stranger who holds one open."""
        limit = time.monotonic() + _DRAIN_LIMIT
        while self._open and self._turn(0.0) and time.monotonic() < limit:
            pass
        for fd in tuple(self._open):
            self._close(fd)
        for log in self._logs:
            log.close()

    def _answer(self) -> tuple[Answer, ...]:
        troubles = (self._reason, *(log.trouble for log in self._logs))
        code = None if self._status is None else os.waitstatus_to_exitcode(self._status)
        said, kept = self._said or (self._out.tail(), self._out.kept())
        return (
            self._request.number,
            self._ending,
            0 if self._ending == "answered" else code,
            said,
            self._err.tail(),
            self._out.size_bytes + self._err.size_bytes,
            self._ended - self._started,
            len(self._left_over - {self._pid}),
            "; ".join(filter(None, troubles)),
            kept,
        )


def _spawn(program: str, request: Request, streams: list[int]) -> int:
    """Starts the program in a session of its own; the three descriptors become its 0, 1 and 2."""
    actions = [(os.POSIX_SPAWN_DUP2, fd, number) for number, fd in enumerate(streams)]
    return os.posix_spawn(
        program,
        request.argv,
        request.env,
        file_actions=actions,
        setsigmask=(),
        setsigdef=_RESET_SIGNALS,
        setsid=True,
    )


def _kill(pid: int, number: int) -> None:
    try:
        os.kill(pid, number)
    except OSError:
        return  # already gone, or not ours to end (setuid); the sweep's limit sees to that


def main(control: int) -> None:
    """Carries out what comes over the control socket until that is closed; then exits."""
    os.set_inheritable(control, False)
    os.chdir("/")
    # Agents try to end their harness by name; the life-line alone decides.
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT):
        signal.signal(number, signal.SIG_IGN)
    if _LINUX:
        ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    host = Host(control)
    while (frame := host.receive()) is not None:
        kind, value = frame
        if kind == "run" and isinstance(value, dict):
            host.send(Run(host, Request(**value)).carry_out())
    os._exit(0)  # nothing is buffered; tearing the interpreter down would only cost time
