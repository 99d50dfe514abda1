"""Pieces of text on a terminal: their columns, their colours, their signs."""

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from parallel_orchestra.cli.ink import (
    ASCII,
    UNICODE,
    Piece,
    boxed,
    clipped,
    columns,
    fitted,
    length,
    painted,
    plain_text,
    shortened,
    signs_for,
    wrapped,
)
from parallel_orchestra.cli.tints import colored

WORDS = st.text(alphabet=st.sampled_from("ab 編集é…\U0001f600"), max_size=30)


@given(WORDS, st.integers(0, 40))
def test_a_fitted_text_takes_exactly_its_columns(text, width):
    assert columns(fitted(text, width)) == width
    assert columns(shortened(text, width)) <= width


@given(st.lists(WORDS, max_size=5), st.integers(0, 40))
def test_a_clipped_line_is_a_beginning_of_the_line(texts, width):
    line = tuple(Piece(text) for text in texts)

    cut = clipped(line, width)

    assert length(cut) <= width
    assert plain_text(line).startswith(plain_text(cut).rstrip(" ").removesuffix("…").rstrip(" "))


@given(st.lists(WORDS, max_size=5), st.integers(4, 40), st.sampled_from(["", "  "]))
def test_rows_fit_their_columns_and_lose_nothing_but_spaces(texts, width, hang):
    line = tuple(Piece(text, str(place)) for place, text in enumerate(texts))

    rows = list(wrapped(line, width, hang))

    assert all(length(row) <= width for row in rows)
    told = "".join(map(plain_text, rows)).replace(" ", "")
    assert told == plain_text(line).replace(" ", "")


def test_rows_break_between_words_and_a_command_stays_whole():
    line = (
        Piece("next", "act"),
        Piece(": resolve it: `git switch a-long-name && git merge b`, then go"),
    )

    rows = [plain_text(row) for row in wrapped(line, 30, "  ", whole=True)]

    assert rows == [
        "next: resolve it:",
        "  `git switch a-long-name && git merge b`,",
        "  then go",
    ]
    assert next(wrapped(line, 30))[0] == Piece("next", "act")


def test_letters_without_a_column_can_not_hold_a_row_up():
    rows = list(wrapped((Piece("a" + "\u0301" * 1000),), 10))

    assert "".join(map(plain_text, rows)) == "a" + "\u0301" * 1000


@pytest.mark.parametrize(
    ("encoding", "signs"),
    [("utf-8", UNICODE), ("ascii", ASCII), ("latin-1", ASCII), (None, ASCII), ("no-such", ASCII)],
)
def test_signs_are_those_that_the_encoding_has(encoding, signs):
    assert signs_for(encoding) == signs


def test_without_colours_nothing_but_the_text_is_left():
    line = (Piece("bad", "bad"), Piece(" rest"))

    assert painted(line, color=False) == "bad rest"
    assert painted(line, color=True) == "\x1b[31m\x1b[1mbad\x1b[0m rest"


def test_a_box_is_as_wide_as_its_longest_line_unless_that_is_too_wide():
    lines = [(Piece("a line"),), (Piece("編集 and a line that is longer"),)]

    wide, narrow = (list(boxed("box", lines, width, ASCII)) for width in (60, 20))

    assert [plain_text(line) for line in wide] == [
        "+- box --------------------------+",
        "| a line                         |",
        "| 編集 and a line that is longer |",
        "+--------------------------------+",
    ]
    assert {length(line) for line in narrow} == {20}


class Stream(io.StringIO):
    def __init__(self, *, terminal):
        super().__init__()
        self._terminal = terminal

    def isatty(self):
        return self._terminal


@pytest.mark.parametrize(
    ("environ", "terminal", "colours"),
    [
        ({}, True, True),
        ({}, False, False),
        ({"TERM": "dumb"}, True, False),
        ({"NO_COLOR": "1"}, True, False),
        ({"NO_COLOR": "", "TERM": "xterm"}, True, True),
        ({"FORCE_COLOR": "1"}, False, True),
        ({"FORCE_COLOR": "0"}, True, False),
        ({"FORCE_COLOR": "1", "NO_COLOR": "1"}, True, False),
    ],
)
def test_colours_follow_the_conventions(environ, terminal, colours):
    assert colored(Stream(terminal=terminal), environ) is colours
