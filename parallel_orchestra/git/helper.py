"""A git process that is kept running and asked again and again.

Starting git costs more than most of what we ask it. A helper reads questions from its stdin
and so ends by itself when we end, however we end. Knows nothing of what is asked.
"""

import os
import select
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import IO

from parallel_orchestra.errors import GitError
from parallel_orchestra.git.call import Git, end


class HelperGone(GitError):
    """The helper ended instead of answering; `said` is what it wrote to stderr."""

    said = ""


class Helper:
    """One git process, started when it is first needed and again when it has died.

    A conversation happens inside `with helper.talk():`, one thread at a time. If it fails, the
    process is ended, for nobody knows what it would say next.
    """

    def __init__(self, git: Git, *arguments: str, inherit: tuple[int, ...] = ()) -> None:
        self._git = git
        self._arguments = arguments
        self._inherit = inherit
        self._turn = threading.RLock()
        self._child: subprocess.Popen[bytes] | None = None
        self._said: IO[bytes] | None = None
        self._heard = b""

    @contextmanager
    def talk(self) -> Iterator["Helper"]:
        """Holds a conversation: this thread alone asks, of a process that runs."""
        with self._turn:
            try:
                if self._child is None or self._child.poll() is not None:
                    self._drop()
                    self._start()
                yield self
            except BaseException:
                self._drop()
                raise

    def send(self, question: bytes) -> None:
        """Writes a question.

        Raises:
            HelperGone: the process has ended.
        """
        stdin = self._running().stdin
        assert stdin is not None  # noqa: S101  (started with a pipe)
        try:
            stdin.write(question)
            stdin.flush()
        except OSError as error:
            raise self._gone() from error

    def until(self, mark: bytes) -> bytes:
        """Returns what the process says up to `mark`, without it.

        Raises:
            HelperGone: the process ended before.
            GitError: it said nothing for the time limit of its calls.
        """
        deadline = time.monotonic() + self._git.limit
        pieces = []
        while (at := self._heard.find(mark)) < 0:
            # the beginning of a mark may have come
            whole = max(0, len(self._heard) - len(mark) + 1)
            pieces.append(self._heard[:whole])
            self._heard = self._heard[whole:] + self._hear(deadline)
        answer, self._heard = self._heard[:at], self._heard[at + len(mark) :]
        return b"".join((*pieces, answer))

    def close(self) -> None:
        """Ends the process; it is started again if it is asked again."""
        with self._turn:
            self._drop()

    def _start(self) -> None:
        # A file, not a pipe: a helper that warns a thousand times must not block.
        self._said = tempfile.TemporaryFile()  # noqa: SIM115  (closed in `_drop`)
        self._heard = b""
        self._child = self._git.start(
            *self._arguments, stderr=self._said.fileno(), inherit=self._inherit
        )

    def _running(self) -> "subprocess.Popen[bytes]":
        assert self._child is not None, "ask a helper inside `talk` only"  # noqa: S101
        return self._child

    def _hear(self, deadline: float) -> bytes:
        stdout = self._running().stdout
        assert stdout is not None  # noqa: S101  (started with a pipe)
        poll = select.poll()
        poll.register(stdout, select.POLLIN)
        if not poll.poll(max(0.0, deadline - time.monotonic()) * 1000):
            raise self._git.failure(
                self._arguments, f"did not answer within {self._git.limit:g} seconds"
            )
        heard = os.read(stdout.fileno(), 65536)
        if not heard:
            raise self._gone()
        return heard

    def _gone(self) -> HelperGone:
        child = self._running()
        _hang_up(child)
        with suppress(subprocess.TimeoutExpired):
            child.wait(self._git.limit)
        said = b""
        if self._said is not None:
            self._said.seek(0)
            said = self._said.read()
        text = os.fsdecode(said)
        how = f"failed with exit code {child.returncode}"
        gone = HelperGone(*self._git.failure(self._arguments, how, text).problems)
        gone.said = text
        return gone

    def _drop(self) -> None:
        child, self._child = self._child, None
        said, self._said = self._said, None
        if child is not None:
            _hang_up(child)
            with suppress(subprocess.TimeoutExpired):
                child.wait(0.2)
            end(child)
        if said is not None:
            said.close()


def name_reader(git: Git) -> Helper:
    """Returns a helper that answers each name with the id of its object, or with `… missing`."""
    return Helper(git, "cat-file", "--batch-check=%(objectname)")


def _hang_up(child: "subprocess.Popen[bytes]") -> None:
    if child.stdin is not None:
        # What it did not read before it ended can't be written.
        with suppress(OSError):
            child.stdin.close()
