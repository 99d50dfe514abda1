"""What a supervisor tells of an agent that shows no sign of life."""

import pytest

from parallel_orchestra.progress import Silence
from parallel_orchestra.store.life import LIFE, silence_of


def test_a_silent_agent_is_told_with_the_instant_since_when(tmp_path):
    (tmp_path / LIFE).write_text('{"state": "quiet", "since": 1795700000}\n')

    assert silence_of(tmp_path) == Silence("quiet", 1795700000.0)


@pytest.mark.parametrize(
    "text",
    [
        None,
        "",
        '{"state": "qui',
        "[" * 100_000,
        "[]",
        '{"state": "working", "since": 1}',
        '{"state": "quiet"}',
        '{"state": ["quiet"], "since": 1}',
        '{"state": "quiet", "since": "soon"}',
        '{"state": "quiet", "since": NaN}',
        '{"state": "quiet", "since": 1e999}',
        '{"state": "quiet", "since": -62135596801}',
        "\udcff",
    ],
)
def test_whatever_else_stands_there_says_nothing(tmp_path, text):
    if text is not None:
        (tmp_path / LIFE).write_bytes(text.encode("utf-8", "surrogateescape"))

    assert silence_of(tmp_path) is None
