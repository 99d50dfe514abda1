"""Renders templates that strangers wrote, each in a child with a limit of time and of memory.

The client of `pressing`, which says how. Knows nothing of tasks. The sandbox keeps a template
from reaching into Python; only a process of its own keeps it from computing without end.
"""

import json
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from parallel_orchestra.frozen import frozen
from parallel_orchestra.process.apart import start_apart

#: What one template may use: seconds of CPU, bytes beyond what it was given, characters it makes.
SECONDS = 5
MEMORY_BYTES = 256 << 20
OUTPUT_CHARS = 16 << 20

_FOLDER = str(Path(__file__).resolve().parent)
#: Without the package around it, the child starts in half the time.
_DOOR = f"import sys; sys.path.append({_FOLDER!r}); import pressing; pressing.main()"
#: Seconds by the clock: on a machine that is busy with agents, 5 s of CPU take their time.
_PATIENCE = 180.0


@frozen
class Fault:
    """What is wrong with a template: a line in it, 0 if nobody knows, and words."""

    line: int
    words: str


class Spoiled(Exception):  # the regular answer to a template that is wrong
    """A template could not be rendered, and it is its own fault."""

    def __init__(self, fault: Fault) -> None:
        where = f"line {fault.line}: " if fault.line else ""
        super().__init__(where + fault.words)
        self.fault = fault


def press(
    template: str,
    library: Mapping[str, str],
    facts: Mapping[str, Any],
    *,
    door: str = "",
    autoescape: bool = False,
) -> str:
    """Returns the text that a template makes of the facts, which are JSON values.

    `library` are templates that it may extend, by name. Values arrive as they are, or safe in HTML
    with `autoescape`. `door` is a program that ends in `pressing.main`, for who has filters of its own.

    Raises:
        Spoiled: the template is wrong, or takes more than it may.
        OSError: no child could be started, or it did not answer.
    """
    asked = {"template": template, "library": library, "facts": facts, "autoescape": autoescape}
    answer = _asked(asked, door or _DOOR)
    if isinstance(answer, str):
        return answer
    raise Spoiled(answer[0])


def examine(
    template: str,
    library: Mapping[str, str],
    known: Mapping[str, Sequence[str] | None],
    trials: Sequence[Mapping[str, Any]],
) -> tuple[Fault, ...]:
    """Returns what is wrong with a template, in the order of its lines; empty if nothing is.

    `known` are the variables there are, each with its parts (None: not looked at). It is read,
    and if nothing is found rendered with each of the `trials`, for a second at most.

    Raises:
        OSError: no child could be started, or it did not answer.
    """
    asked = {"template": template, "library": library, "known": known, "trials": trials}
    answer = _asked(asked, _DOOR)
    return () if isinstance(answer, str) else tuple(answer)


def _asked(request: Mapping[str, Any], door: str) -> str | list[Fault]:
    limits = {"seconds": SECONDS, "memory_bytes": MEMORY_BYTES, "output_chars": OUTPUT_CHARS}
    # `sys.path` is ours: with -I and -S the child starts in half the time, and finds Jinja
    data = json.dumps({**request, **limits, "path": sys.path}).encode()
    # A Ctrl-C for us is not for it: tasks that began may finish.
    child = start_apart(
        [sys.executable, "-I", "-S", "-c", door],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    with child:
        try:
            said, _ = child.communicate(data, timeout=_PATIENCE)
        except BaseException as error:
            child.kill()
            if isinstance(error, subprocess.TimeoutExpired):
                words = f"the process for templates did not answer in {_PATIENCE:.0f} s"
                raise TimeoutError(words) from error
            raise
    return _understood(child.returncode, said)


def _understood(code: int, said: bytes) -> str | list[Fault]:
    if code == 0:
        answer = json.loads(said)
        if isinstance(answer, str):
            return answer
        pairs = answer if not answer or isinstance(answer[0], list) else [answer]
        return [Fault(line, words) for line, words in pairs]
    if code in (-signal.SIGXCPU, -signal.SIGKILL):
        return [Fault(0, f"takes more than {SECONDS} s of computing time")]
    if code < 0:
        return [Fault(0, f"ends its process by {signal.Signals(-code).name}: nested too deeply?")]
    raise OSError(0, f"the process for templates ended with exit code {code}")
