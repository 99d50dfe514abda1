"""Which line of an output was the last word."""

import json

import pytest

from parallel_orchestra.process.last_word import LastWord

FINALS = ((("type", "result"),), (("type", "step"), ("part.reason", "stop")))
PENDING = (("type", "system"), ("subtype", "background"))
RESULT = b'{"type": "result", "text": "done"}\n'


@pytest.fixture
def listener():
    return LastWord(FINALS, PENDING, "tasks")


def background(*tasks):
    return json.dumps({"type": "system", "subtype": "background", "tasks": tasks}).encode() + b"\n"


@pytest.mark.parametrize(
    ("output", "said"),
    [
        (RESULT, True),
        (b'{"text": "x", "type":"result"}\n', True),
        (b'{"type": "step", "part": {"reason": "stop"}}\n', True),
        (b'{"type": "step", "part": {"reason": "tool-calls"}}\n', False),
        (b'{"type": "step", "part": "stop"}\n', False),
        (b'{"type": "user", "content": {"type": "result"}}\n', False),
        (b'{"type": "user", "text": "{\\"type\\": \\"result\\"}"}\n', False),
        (b'["result"]\n', False),
        (b'{"type": "result"\n', False),
        (b"the result\n", False),
        (RESULT + b"\n \n", True),
        (RESULT + b'{"type": "init"}\n', False),
        (RESULT + b"half a li", False),
        (RESULT + b'{"type": "init"}\n' + RESULT, True),
        (b"x" * (5 << 20) + b"\n" + RESULT, True),
        (RESULT + b"x" * (5 << 20) + b"\n", False),
    ],
)
@pytest.mark.parametrize("size", [1 << 22, 1000, 7])
def test_a_last_word_is_a_line_after_which_no_other_comes(listener, output, said, size):
    size = max(size, len(output) // 10_000)

    for start in range(0, len(output), size):
        listener.hear(output[start : start + size], 5.0)

    assert (listener.said_at is not None) == said


def test_it_is_known_when_it_was_said(listener):
    listener.hear(b"{}\n" + RESULT[:10], 1.0)
    listener.hear(RESULT[10:], 2.0)

    assert listener.said_at == 2.0


def test_who_waits_for_something_says_so_until_it_has_ended(listener):
    listener.hear(background({"id": 1}) + RESULT, 1.0)
    waits = listener.waits
    listener.hear(background() + RESULT, 2.0)

    assert (waits, listener.waits) == (True, False)


def test_who_has_no_last_words_is_not_listened_to():
    listener = LastWord((), (), "")

    listener.hear(RESULT, 1.0)

    assert listener.said_at is None
