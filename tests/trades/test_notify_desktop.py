"""The desktop, by a program in its place that writes down what it was told."""

import sys

import pytest

from parallel_orchestra.notify import Note, desktop

WRITER = f'#!{sys.executable}\nimport sys\nopen({{!r}}, "a").write("\\n".join(sys.argv[1:]))\n'


@pytest.fixture
def with_program(tmp_path):
    """Makes a desktop's program, and returns the environment in which it is found."""

    def make(name, text):
        program = tmp_path / "bin" / name
        program.parent.mkdir(exist_ok=True)
        program.write_text(text)
        program.chmod(0o755)
        return {"PATH": str(program.parent)}

    return make


def test_a_note_is_shown_as_text_and_not_as_markup(with_program, tmp_path):
    told = tmp_path / "told"
    environ = with_program("notify-send", WRITER.format(str(told)))

    trouble = desktop(environ)(Note("-x: 1 of 2 tasks done", "api: <b>no</b>\x1b[2J & \u202eno\n"))

    assert trouble is None
    assert told.read_text().split("\n")[1:] == [
        "--",
        "-x: 1 of 2 tasks done",
        "api: &lt;b&gt;no&lt;/b&gt; &amp; no",
    ]


def test_a_mac_is_given_the_words_apart_from_the_script(with_program, tmp_path):
    told = tmp_path / "told"
    environ = with_program("osascript", WRITER.format(str(told)))

    trouble = desktop(environ)(Note('the "end"', "all <done>"))

    assert trouble is None
    assert told.read_text().split("\n")[-2:] == ['the "end"', "all <done>"]


def test_a_long_note_is_cut(with_program, tmp_path):
    told = tmp_path / "told"
    environ = with_program("notify-send", WRITER.format(str(told)))

    desktop(environ)(Note("t" * 5000, "b" * 500_000))

    assert len(told.read_text()) < 600


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("notify-send", "`notify-send` could not show that shop: done"),
        ("another", "there is neither `notify-send` nor `osascript`"),
    ],
)
def test_what_went_wrong_is_a_sentence(with_program, name, words):
    environ = with_program(name, "#!/bin/sh\nexit 1\n")

    assert desktop(environ)(Note("shop: done", "")) == words
