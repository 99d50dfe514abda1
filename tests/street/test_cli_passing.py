"""The line that says what a long command is at."""

import os

import pytest

from parallel_orchestra.cli.passing import Passing
from support.terminal import Terminal, stands

XTERM = {"TERM": "xterm"}


def test_a_terminal_shows_what_goes_on_and_nothing_is_left_of_it():
    with Terminal() as terminal:
        with Passing(descriptor=terminal.theirs, environ=XTERM) as passing:
            passing.say("reading a\x1b[2J.md")
            assert terminal.shows(b"reading a.md")
        terminal.shows(b"")

    assert stands(terminal.shown, 80, 5) == []


@pytest.mark.parametrize("environ", [{"TERM": "dumb"}, {}, XTERM | {"CI": "1"}])
def test_nothing_is_shown_where_a_line_would_stay(environ):
    with Terminal() as terminal:
        with Passing(descriptor=terminal.theirs, environ=environ) as passing:
            passing.say("reading a.md")
        terminal.shows(b"")

    assert terminal.shown == b""


@pytest.mark.parametrize(("verbose", "told"), [(False, b""), (True, b"reading a.md\n")])
def test_a_pipe_gets_lines_if_they_are_asked_for(verbose, told):
    read, write = os.pipe()

    with Passing(descriptor=write, environ=XTERM, verbose=verbose) as passing:
        passing.say("reading a.md")
    os.close(write)

    with open(read, "rb") as pipe:
        assert pipe.read() == told
