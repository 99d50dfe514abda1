"""Which of several settings holds."""

from dataclasses import replace
from pathlib import Path

import pytest

from parallel_orchestra.config import Settings
from parallel_orchestra.model import Plan

PLAN = Plan("0.2", "demo", Path("/repo/plan.md"), Path("/repo"), ())


@pytest.mark.parametrize(
    ("asked", "planned", "workers"),
    [(None, None, 3), (None, 5, 5), (8, 5, 8), (8, None, 8), (1, 5, 1)],
    ids=["default", "plan", "command line over plan", "command line", "one is a number too"],
)
def test_the_command_line_beats_the_plan_and_the_plan_the_default(asked, planned, workers):
    settings = Settings(max_workers=asked)

    assert settings.workers(replace(PLAN, max_workers=planned)) == workers


def test_tasks_lie_in_the_project_unless_a_directory_is_named():
    named = Settings(tasks_dir=Path("/elsewhere"))

    assert Settings().tasks_root(PLAN) == Path("/repo/_tasks")
    assert named.tasks_root(PLAN) == Path("/elsewhere")


def test_settings_read_nothing_from_the_environment_by_themselves(monkeypatch):
    monkeypatch.setenv("PO_WORKTREE_ROOT", "/from/the/environment")

    settings = Settings()

    assert (dict(settings.environ), settings.worktree_root) == ({}, None)
