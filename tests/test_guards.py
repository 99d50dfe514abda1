"""The guards of conftest.py, tried from inside."""

import os
import pwd
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from support.guards import SESSION_MARKER, nothing_keeps_running
from support.processes import describe, inside, marked
from support.repository import git, make_repository
from support.waiting import wait_until

Failed = pytest.fail.Exception
#: Reserved for documentation (RFC 5737): nobody answers there, and nobody is asked.
NOWHERE = ("192.0.2.1", 9)


def test_home_is_not_the_developers():
    real = Path(pwd.getpwuid(os.getuid()).pw_dir)

    assert Path.home() != real
    assert Path("~").expanduser() == Path(os.environ["HOME"])
    assert all(
        Path(value).is_relative_to(Path.home())
        for name, value in os.environ.items()
        if name.startswith("XDG_")
    )


def test_git_knows_only_our_configuration(tmp_path):
    make_repository(tmp_path / "repo", {})

    origins = git(tmp_path / "repo", "config", "--list", "--show-origin", "--name-only")

    files = {line.split("\t")[0] for line in origins.splitlines()}
    assert files == {f"file:{Path.home() / '.gitconfig'}", "file:.git/config"}


def test_git_finds_our_identity_even_without_our_variables(tmp_path):
    env = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}

    found = subprocess.run(
        ["git", "config", "--global", "user.name"],
        env=env,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )

    assert found.stdout == "Test Person\n"


@pytest.mark.parametrize("prefix", ["PO_", "CLAUDE", "ANTHROPIC_"])
def test_no_variable_of_an_outer_session_is_left(prefix):
    left = {name for name in os.environ if name.startswith(prefix)}

    assert left <= {"PO_START_GAP"}  # set by conftest.py


def test_only_the_variables_of_git_that_we_set_are_left():
    left = {name for name in os.environ if name.startswith("GIT_")}

    assert left == {"GIT_CONFIG_GLOBAL", "GIT_CONFIG_SYSTEM", "GIT_TERMINAL_PROMPT"}


def test_a_connection_to_another_machine_ends_the_test():
    with socket.socket() as plug, pytest.raises(Failed, match="reached for the network"):
        plug.connect(NOWHERE)


def test_a_datagram_to_another_machine_ends_the_test():
    with (
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as plug,
        pytest.raises(Failed, match="reached for the network"),
    ):
        plug.sendto(b"", NOWHERE)


def test_looking_up_a_name_ends_the_test():
    with pytest.raises(Failed, match=r"getaddrinfo example\.com"):
        socket.getaddrinfo("example.com", 443)


def test_code_that_forgives_every_exception_does_not_forgive_the_guard():
    def careless() -> None:
        try:
            socket.create_connection(NOWHERE)
        except Exception:  # noqa: BLE001 - that it is this broad is the point
            return

    with pytest.raises(Failed):
        careless()


def test_a_server_on_this_machine_may_be_reached():
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = server.getsockname()

        with socket.create_connection(("localhost", address[1])) as plug:
            assert plug.getpeername() == address


def test_a_socket_of_a_file_may_be_reached(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with socket.socket(socket.AF_UNIX) as server, socket.socket(socket.AF_UNIX) as plug:
        server.bind("door")
        server.listen()

        plug.connect("door")

        assert plug.getpeername() == "door"


def test_a_process_that_a_test_starts_carries_the_sessions_marker(tmp_path):
    nonce = os.environ[SESSION_MARKER]
    child = subprocess.Popen(
        [sys.executable, "-S", "-c", "input()"], stdin=subprocess.PIPE, cwd=tmp_path
    )

    try:
        assert wait_until(lambda: child.pid in marked(SESSION_MARKER, nonce))
        assert wait_until(lambda: inside(tmp_path) == (child.pid,))
        assert "input()" in describe(child.pid)
    finally:
        child.communicate(b"\n")

    assert child.pid not in marked(SESSION_MARKER, nonce)


def test_a_process_that_is_left_over_fails_the_session():
    nonce = "left-over-on-purpose"
    child = subprocess.Popen(
        [sys.executable, "-S", "-c", "input()"],
        stdin=subprocess.PIPE,
        env={**os.environ, SESSION_MARKER: nonce},
    )

    try:
        with pytest.raises(Failed, match="tests left processes behind"):
            nothing_keeps_running(nonce, within=0.1)
    finally:
        child.communicate(b"\n")


@pytest.mark.slow
def test_what_tests_start_obeys_signals_although_the_session_was_told_to_ignore_them():
    shown = "import signal as s; print(s.SIG_IGN in map(s.getsignal, (s.SIGINT, s.SIGHUP)))"
    program = (
        "import signal as s, subprocess, sys; from support.guards import let_children_be_stopped\n"
        "for one in (s.SIGINT, s.SIGHUP): s.signal(one, s.SIG_IGN)\n"
        "let_children_be_stopped()\n"
        "for one in (s.SIGINT, s.SIGHUP): s.raise_signal(one)\n"
        f"subprocess.run([sys.executable, '-c', {shown!r}])"
    )

    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=Path(__file__).parent,
        capture_output=True,
        text=True,
        check=True,
    )

    assert done.stdout == "False\n"
