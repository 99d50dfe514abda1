"""A user's command that is run for each event: the event as JSON on its standard input."""

import contextlib
import os
import signal
import subprocess
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from parallel_orchestra.events import Event, to_line

#: Seconds that the command may take for one event.
TIMEOUT = 30.0


def runner(
    argv: Sequence[str],
    shown: str,
    directory: Path,
    environ: Mapping[str, str],
    timeout: float = TIMEOUT,
) -> Callable[[Event], str | None]:
    """Returns what runs the command for an event; `shown` is how a sentence calls it.

    Its environment has `PO_EVENT`, the event's kind, and `PO_TASK`, which may be empty. What it
    prints goes nowhere. After `timeout` seconds it and its group are killed.
    """

    def run(event: Event) -> str | None:
        told = {"PO_EVENT": type(event).__name__, "PO_TASK": getattr(event, "task", "")}
        try:
            child = subprocess.Popen(
                argv,
                cwd=directory,
                env={**environ, **told},
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
            )
        except (OSError, ValueError) as error:
            return f"`{shown}` can't be run: {getattr(error, 'strerror', None) or error}"
        try:
            child.communicate(to_line(event).encode(), timeout)
        except subprocess.TimeoutExpired:
            _kill(child)
            return f"`{shown}` was killed after {timeout:g} s, at {told['PO_EVENT']}"
        if child.returncode:
            return f"`{shown}` ended with exit code {child.returncode}, at {told['PO_EVENT']}"
        return None

    return run


def _kill(child: "subprocess.Popen[bytes]") -> None:
    with contextlib.suppress(OSError):
        os.killpg(child.pid, signal.SIGKILL)
    if child.stdin is not None:
        child.stdin.close()
    child.wait()
