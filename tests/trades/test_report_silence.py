"""The silence of an agent, in words."""

import pytest

from parallel_orchestra.progress import Silence
from parallel_orchestra.report.silence import doing


@pytest.mark.parametrize(
    ("act", "silence", "said"),
    [
        ("run make", None, "run make"),
        ("", None, ""),
        ("run make", Silence("quiet", 880.0), "quiet for 2 min 00 s: run make"),
        ("", Silence("stuck", 1010.0), "stuck for 0.0 s"),
    ],
)
def test_who_is_silent_is_told_of_by_its_silence_first(act, silence, said):
    assert doing(act, silence, 1000.0) == said
