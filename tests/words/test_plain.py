"""Plain text: nothing that anybody printed moves a cursor, hides, or turns a line around."""

import time
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from parallel_orchestra.plain import clean, cut, one_line, some_of


@pytest.mark.parametrize(
    ("dirty", "shown"),
    [
        ("\x1b[1;31mred\x1b[0m", "red"),
        ("\x1b]0;title\x07text", "text"),
        ("\x1b]8;;http://x\x1b\\link\x1b]8;;\x1b\\", "link"),
        ("\x1b]52;c;never closed\nnext", "\nnext"),
        ("\x9b31mred", "red"),
        ("a\x1b", "a"),
        ("a\r\nb\rc\r\r\nd", "a\nb\nc\nd"),
        ("tab\tstays", "tab\tstays"),
        ("bell\x07 null\x00", "bell null"),
        ("\u202eturned\u202c \u061c\u2067", "turned "),
        ("soft\u00adhyphen zero\u200bwidth\u2060", "softhyphen zerowidth"),
        ("tagged\U000e0041\U000e007f", "tagged"),
        ("half a pair \ud800.", "half a pair ."),
        ("Grüße 你好 👩\u200d🚀 a\u200cb", "Grüße 你好 👩\u200d🚀 a\u200cb"),
    ],
)
def test_what_could_move_a_cursor_or_hide_is_taken_out(dirty, shown):
    assert clean(dirty) == shown


@given(st.text(st.characters(), max_size=40))
def test_nothing_is_left_that_controls_anything(text):
    left = {unicodedata.category(sign) for sign in clean(text) if sign not in "\t\n"}

    assert not left & {"Cc", "Cs", "Zl", "Zp"}


@pytest.mark.slow
@pytest.mark.parametrize("flood", ["\x1b]", "\x1b[", "\r", "\u202e", "\x1b[0;", "\x1bP\x07"])
def test_megabytes_of_one_line_take_linear_time(flood):
    begun = time.process_time()

    clean(flood * (2_000_000 // len(flood)))

    assert time.process_time() - begun < 20


def test_one_line_has_one_space_for_all_white_space():
    assert one_line(" a\n\tb\u2028c ") == "a b c"


def test_a_cut_shows():
    assert (cut("abcdef", 6), cut("abcdefg", 6)) == ("abcdef", "ab ...")


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ("", ""),
        ("a", "a"),
        ("a b", "a, b"),
        ("a b c", "a, b and 1 more"),
        ("a b c d", "a, b and 2 more"),
    ],
)
def test_of_many_words_the_first_few_are_named_and_the_others_counted(words, told):
    assert some_of(words.split(), 2) == told
