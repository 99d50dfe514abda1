"""Children of ours that a Ctrl-C for us must not reach."""

import signal
import subprocess
from typing import Any


def start_apart(argv: list[str], **how: Any) -> "subprocess.Popen[bytes]":
    """Starts a program in a session of its own; `how` is what `subprocess.Popen` takes.

    A Ctrl-C on our terminal does not reach it, not even while it starts: until its setsid(2) it is
    still of our group. It keeps SIGINT blocked for good (execve(2)): end it with SIGTERM.

    Raises:
        OSError: it can't be started.
    """
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        return subprocess.Popen(argv, start_new_session=True, **how)
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
