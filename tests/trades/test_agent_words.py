import pytest

from parallel_orchestra.agents.words import REASON_LIMIT, clean, last_lines, one_line


@pytest.mark.parametrize(
    ("dirty", "shown"),
    [
        ("\x1b[1;31mred\x1b[0m", "red"),
        ("\x1b]0;title\x07text", "text"),
        ("\x1b]8;;http://x\x1b\\link\x1b]8;;\x1b\\", "link"),
        ("a\x1b", "a"),
        ("a\r\nb\rc", "a\nb\nc"),
        ("tab\tstays", "tab\tstays"),
        ("bell\x07 null\x00", "bell null"),
        ("\u202eturned\u202c", "turned"),
        ("half a pair \ud800.", "half a pair ."),
        ("Grüße 你好 👋", "Grüße 你好 👋"),
    ],
)
def test_what_could_move_a_cursor_is_taken_out(dirty, shown):
    assert clean(dirty) == shown


def test_a_long_text_keeps_its_end():
    assert clean("x" * 100 + "the end", 10) == "[...] " + "xxxthe end"


def test_the_last_lines_skip_empty_ones_and_survive_broken_characters():
    assert last_lines(b"one\n\ntwo \xff\n   \nthree\n\n", 2) == "two \ufffd\nthree"


def test_a_reason_is_one_line_of_limited_length():
    shown = one_line("a\n b\t c" + " d" * 1000)

    assert shown.startswith("a b c d d")
    assert shown.endswith(" ...")
    assert len(shown) <= REASON_LIMIT
