"""Figures of tests, and how much the storms do."""

import pytest

from support import effort, figures


def test_figures_of_all_tests_are_told_side_by_side(tmp_path, monkeypatch):
    path = tmp_path / "figures"
    monkeypatch.setenv(figures.FILE_VARIABLE, str(path))

    figures.tell("kill points", found=3)
    figures.tell("claims", rate="5,000/s", double=0)

    assert figures.told(path) == ["claims: rate 5,000/s, double 0", "kill points: found 3"]


def test_without_a_file_figures_are_told_to_nobody(tmp_path, monkeypatch):
    monkeypatch.delenv(figures.FILE_VARIABLE)

    figures.tell("kill points", found=3)

    assert figures.told(tmp_path / "none") == []


@pytest.mark.parametrize(("level", "count"), [("SAMPLE", 1), ("SHORT", 2), ("FULL", 5)])
def test_more_effort_means_more_seeds_from_the_first_one_on(monkeypatch, level, count):
    monkeypatch.setattr(effort, "EFFORT", effort.Effort[level])
    monkeypatch.setattr(effort, "FIRST_SEED", 40)

    assert list(effort.seeds(1, 2, 5)) == list(range(40, 40 + count))
