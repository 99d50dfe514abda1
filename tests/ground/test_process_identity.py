"""Who is alive: real processes, told apart and found again."""

import os
import re
import secrets
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from parallel_orchestra.process.identity import (
    alive,
    boot_id,
    end_marked,
    host_name,
    inside,
    marked,
    pid_namespace,
    start_time,
)
from support.waiting import wait_until

linux = pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")

NAME = "MARK_OF_TEST"


@pytest.fixture
def mark():
    return secrets.token_hex(8)


@pytest.fixture
def start(mark):
    """Starts a process with the mark in its environment; ends it after the test."""
    started = []

    def start(*argv, **options):
        env = {"PATH": os.defpath, NAME: mark}
        process = subprocess.Popen(argv, env=env, **options)
        started.append(process)
        wait_until(lambda: process.pid in marked(NAME, mark), what="it has its own environment")
        return process

    yield start

    for process in started:
        process.kill()
        process.wait()
    end_marked(NAME, mark)


def test_a_process_is_known_by_pid_and_start(start):
    process = start("sleep", "300")

    began = start_time(process.pid)

    assert began == start_time(process.pid)
    assert alive(process.pid, began)
    assert not alive(process.pid, began + "0")
    assert not alive(os.getpid(), began)


def test_a_stopped_process_is_alive(start):
    process = start("sleep", "300")

    process.send_signal(signal.SIGSTOP)

    assert alive(process.pid, start_time(process.pid))


@linux
def test_a_zombie_is_not_alive(start):
    process = start("sleep", "300")
    began = start_time(process.pid)

    process.kill()
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)

    assert start_time(process.pid) == began
    assert not alive(process.pid, began)


def test_a_process_that_is_gone_has_no_start(start):
    process = start("sleep", "300")
    began = start_time(process.pid)

    process.kill()
    process.wait()

    assert start_time(process.pid) is None
    assert not alive(process.pid, began)


@linux
def test_a_name_with_spaces_and_parentheses_confuses_nobody(start, tmp_path):
    odd = tmp_path / "a) Z (b"
    shutil.copy(shutil.which("sleep"), odd)
    plain = start("sleep", "300")

    process = start(str(odd), "300")

    began = start_time(process.pid)
    assert alive(process.pid, began)
    assert int(began) - int(start_time(plain.pid)) in range(6000)


def test_this_machine_has_lasting_tokens():
    tokens = (boot_id(), pid_namespace(), host_name())

    assert tokens == (boot_id(), pid_namespace(), host_name())
    assert boot_id()
    assert re.fullmatch("[A-Za-z0-9]{1,20}", host_name())


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("build-7.example.org", "build7"),
        ("a" * 40, "a" * 20),
        ("...", "host"),
        ("hôte_1", "hte1"),
    ],
)
def test_a_host_name_is_fit_for_file_names(monkeypatch, name, shown):
    monkeypatch.setattr(os, "uname", lambda: os.uname_result(("Linux", name, "", "", "")))

    assert host_name() == shown


def test_marked_processes_are_found_with_their_children(start, mark):
    process = start("sh", "-c", "sleep 300 & sleep 300")

    wait_until(lambda: len(marked(NAME, mark)) == 3)

    assert process.pid in marked(NAME, mark)
    assert marked(NAME, mark[:-1]) == ()


def test_ending_the_marked_ends_what_has_lost_the_mark_too(start, mark):
    other = secrets.token_hex(8)
    start("sh", "-c", f"trap '' TERM; env -i {NAME}={other} sleep 300 & wait")
    wait_until(lambda: marked(NAME, other))

    ended = end_marked(NAME, mark)

    assert ended == 2
    assert marked(NAME, mark) == marked(NAME, other) == ()


def test_ending_the_marked_catches_those_that_fork_without_end(start, mark):
    start("sh", "-c", "while :; do setsid sleep 300 & sleep 0.001; done")
    wait_until(lambda: len(marked(NAME, mark)) > 5)

    ended = end_marked(NAME, mark)

    assert ended > 5
    assert marked(NAME, mark) == ()


def test_ending_the_marked_spares_the_caller(mark):
    code = (
        "import os, sys; sys.path.append(sys.argv[1])\n"
        "from parallel_orchestra.process.identity import end_marked, marked\n"
        f"print(end_marked({NAME!r}, sys.argv[2]), marked({NAME!r}, sys.argv[2]) == (os.getpid(),))"
    )
    root = str(Path(__file__).parents[2])

    said = subprocess.run(
        [sys.executable, "-c", code, root, mark],
        env={**os.environ, NAME: mark},
        capture_output=True,
        check=True,
    )

    assert said.stdout == b"0 True\n"


def test_ending_nobody_ends_nobody(mark):
    assert end_marked(NAME, mark) == 0


def test_processes_at_or_below_a_directory_are_found(start, tmp_path):
    below = tmp_path / "work" / "below"
    below.mkdir(parents=True)
    (tmp_path / "workshop").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "work")
    at_top, at_below, _ = (
        start("sleep", "300", cwd=cwd) for cwd in (below.parent, below, tmp_path / "workshop")
    )

    found = inside(tmp_path / "link")

    assert set(found) == {at_top.pid, at_below.pid}


@linux
def test_a_process_in_a_removed_directory_is_found(start, tmp_path):
    (tmp_path / "work").mkdir()
    process = start("sleep", "300", cwd=tmp_path / "work")

    (tmp_path / "work").rmdir()

    assert inside(tmp_path / "work") == (process.pid,)
