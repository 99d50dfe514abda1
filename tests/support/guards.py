"""The guards that conftest.py puts up: what no test may touch, and what none may leave behind."""

import ipaddress
import signal
from collections.abc import Iterable

import pytest

from support.processes import describe, marked
from support.waiting import wait_until

#: Every process that a test starts inherits it, so that what is left over can be found.
SESSION_MARKER = "ORCHESTRA_TEST_SESSION"

GIT_CONFIG = """\
[user]
\tname = Test Person
\temail = test@example.invalid
[init]
\tdefaultBranch = main
[commit]
\tgpgSign = false
[gc]
\tauto = 0
[maintenance]
\tauto = false
[advice]
\tdetachedHead = false
[protocol "file"]
\tallow = always
"""

#: Variables that would let the developer's machine or an outer session into a test.
FOREIGN_PREFIXES = ("GIT_", "PO_", "XDG_", "CLAUDE", "ANTHROPIC_", "OPENAI_", "CODEX_", "GEMINI_")
FOREIGN_NAMES = (
    "CI",
    "CLICOLOR_FORCE",
    "COLUMNS",
    "EDITOR",
    "EMAIL",
    "FORCE_COLOR",
    "GITHUB_ACTIONS",
    "GITHUB_STEP_SUMMARY",
    "LINES",
    "NO_COLOR",
    "PAGER",
    "PYTHONPATH",
    "TTY_COMPATIBLE",
    "VISUAL",
)


def foreign(names: Iterable[str]) -> list[str]:
    """Returns those names of variables that no test may see."""
    return [name for name in names if name.startswith(FOREIGN_PREFIXES) or name in FOREIGN_NAMES]


def nothing_keeps_running(nonce: str, within: float = 5.0) -> None:
    """Fails if a process of this session is alive: whoever starts one has to end it."""
    try:
        wait_until(lambda: not marked(SESSION_MARKER, nonce), within=within)
    except AssertionError:
        left = [describe(pid) for pid in marked(SESSION_MARKER, nonce)]
        pytest.fail("tests left processes behind:\n" + "\n".join(left), pytrace=False)


def let_children_be_stopped() -> None:
    """Sees to it that what tests start obeys the signals that they send.

    `make test &` begins with Ctrl-C ignored, `nohup make test` with SIGHUP: programs inherit that,
    but not a handler that does nothing.
    """
    for number in (signal.SIGINT, signal.SIGHUP, signal.SIGTERM):
        if signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, lambda *_: None)


def _is_loopback(host: str) -> bool:
    if host in {"", "localhost"}:
        return True
    try:
        return ipaddress.ip_address(host.partition("%")[0]).is_loopback
    except ValueError:
        return False


def forbid_network(event: str, args: tuple[object, ...]) -> None:
    """An audit hook: ends a test that looks up or connects to anything but this machine.

    It ends it by pytest's own failure, which no `except Exception` on the way can swallow.
    """
    if event in {"socket.connect", "socket.sendto"}:
        address = args[1]
        # Sockets of files have text or bytes for an address, those of the internet a tuple.
        host = address[0] if isinstance(address, tuple) else ""
    elif event in {"socket.getaddrinfo", "socket.gethostbyname"}:
        host = args[0] or ""
    else:
        return
    name = host.decode("ascii", "replace") if isinstance(host, bytes) else str(host)
    if not _is_loopback(name):
        pytest.fail(f"a test reached for the network: {event} {name}", pytrace=True)
