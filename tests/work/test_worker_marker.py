"""The marker file: what counts as a sign of the agent, and what is left of it."""

import os

from parallel_orchestra.agents.closing import MARKER
from parallel_orchestra.worker.marker import Marker


def test_a_marker_that_the_agent_made_counts_and_is_gone(tmp_path):
    marker = Marker(tmp_path)
    (tmp_path / MARKER).touch()

    assert marker.taken()
    assert not (tmp_path / MARKER).exists()


def test_without_one_nothing_was_said(tmp_path):
    assert not Marker(tmp_path).taken()


def test_one_that_was_there_before_counts_only_if_touched_and_stays(tmp_path):
    path = tmp_path / MARKER
    path.write_text("tracked")
    os.utime(path, (1, 1))
    untouched = Marker(tmp_path).taken()
    marker = Marker(tmp_path)
    path.touch()

    assert not untouched
    assert marker.taken()
    assert path.read_text() == "tracked"


def test_something_else_under_that_name_is_left_alone(tmp_path):
    marker = Marker(tmp_path)
    (tmp_path / MARKER).mkdir()

    assert marker.taken()
    assert (tmp_path / MARKER).is_dir()
