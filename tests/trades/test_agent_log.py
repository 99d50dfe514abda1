"""Logs that grow: each line once, whatever happens to the file meanwhile."""

import pytest

from parallel_orchestra.agents.log import GrowingLog


@pytest.fixture
def path(tmp_path):
    return tmp_path / "agent.log"


def add(path, data):
    with path.open("ab") as stream:
        stream.write(data)


def test_a_line_comes_once_and_when_it_has_ended(path):
    log = GrowingLog(path)
    seen = [list(log.lines())]

    for piece in (b"one\ntw", b"o\nth", b"", b"ree"):
        add(path, piece)
        seen.append(list(log.lines()))

    assert seen == [[], [b"one\n"], [b"two\n"], [], []]
    assert list(log.lines(last=True)) == [b"three"]
    assert list(log.lines(last=True)) == []


@pytest.mark.parametrize("again", ["shorter", "another"])
def test_a_file_that_begins_anew_is_read_anew(path, again):
    log = GrowingLog(path)
    add(path, b"one\ntwo\n")
    list(log.lines())

    if again == "shorter":
        path.write_bytes(b"three\n")
    else:
        path.rename(path.with_suffix(".1"))
        path.write_bytes(b"one\ntwo\nthree\n")

    assert list(log.lines())[-1] == b"three\n"


def test_a_file_that_is_gone_has_no_more_lines(path):
    log = GrowingLog(path)
    add(path, b"one\ntw")
    first = list(log.lines())
    path.unlink()

    assert (first, list(log.lines()), list(log.lines(last=True))) == ([b"one\n"], [], [b"tw"])


def test_of_a_long_log_one_may_look_at_the_end_only(path):
    add(path, b"x" * 1000 + b"\nlast but one\nlast\n")
    log = GrowingLog(path, 15)

    assert list(log.lines()) == [b"last\n"]
    add(path, b"more\n")
    assert list(log.lines()) == [b"more\n"]


def test_a_line_without_end_does_not_fill_the_memory(path):
    with path.open("wb") as stream:
        stream.truncate(40 << 20)
    log = GrowingLog(path)

    pieces = [len(line) for line in log.lines()]

    assert max(pieces) < 17 << 20
    assert sum(pieces) > 30 << 20
