"""Lines that are drawn over themselves, on a real pseudo-terminal read by an emulator (pyte)."""

import os

import pyte

from parallel_orchestra.cli.canvas import Canvas


def screen_of(data, columns=20, rows=6):
    screen = pyte.HistoryScreen(columns, rows)
    pyte.ByteStream(screen).feed(data)
    return [line.rstrip() for line in screen.display], screen


def drawn(*steps, width=20):
    """Returns what the steps wrote; each is (above, lines), or what is left above at the end."""
    reading, writing = os.pipe()
    canvas = Canvas(writing)
    for step in steps:
        if isinstance(step, tuple):
            above, lines = step
            canvas.draw(above, lines, [len(line) for line in lines], width)
        else:
            canvas.close(step, width)
    os.close(writing)
    with os.fdopen(reading, "rb") as stream:
        return stream.read()


def test_lines_are_replaced_and_what_is_above_stays():
    data = drawn(([], ["one", "two"]), (["said"], ["eins", "zwei", "drei"]), (["more"], ["x"]))

    lines, screen = screen_of(data)

    assert lines == ["said", "more", "x", "", "", ""]
    assert screen.cursor.hidden


def test_at_the_end_the_lines_are_gone_and_the_cursor_is_back():
    lines, screen = screen_of(drawn(([], ["one", "two"]), ["last words"]))

    assert lines == ["last words", "", "", "", "", ""]
    assert not screen.cursor.hidden


def test_what_scrolls_up_is_in_the_history():
    data = drawn(*[([f"line {n}"], ["bar", "task"]) for n in range(9)])

    lines, screen = screen_of(data)

    assert lines == ["line 5", "line 6", "line 7", "line 8", "bar", "task"]
    assert len(screen.history.top) == 5


def test_lines_that_a_narrower_window_has_wrapped_are_taken_back_too():
    # the emulator does not wrap what stands there: what is counted is what terminals do
    reading, writing = os.pipe()
    canvas = Canvas(writing)
    canvas.draw([], ["x" * 30, "short"], [30, 5], 40)
    os.read(reading, 9999)

    canvas.draw([], ["y"], [1], 20)

    # 30 columns in a window of 20 are two rows: from the third one up to the first
    assert os.read(reading, 9999).startswith(b"\x1b[?2026h\x1b[?25l\x1b[2A\r")
    os.close(writing)
    os.close(reading)


def test_each_picture_is_one_write_that_a_terminal_shows_at_once():
    data = drawn(([], ["one", "two"]))

    assert (data.count(b"\x1b[?2026h"), data.count(b"\x1b[?2026l")) == (1, 1)
    assert data.startswith(b"\x1b[?2026h")
    assert data.endswith(b"\x1b[?2026l")


def test_a_terminal_that_is_gone_is_no_fault():
    reading, writing = os.pipe()
    os.close(reading)
    canvas = Canvas(writing)

    canvas.draw([], ["one"], [3], 20)
    canvas.close([], 20)

    # the descriptor is its owner's still
    assert os.fstat(writing)
    os.close(writing)
