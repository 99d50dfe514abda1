"""What a run says at its end: by then it has heard of everything that happened."""

import os

import pytest

from parallel_orchestra.api import default_settings, run_plan
from parallel_orchestra.events import Delivered, Failed
from parallel_orchestra.store import group_commit
from support.corners import begun
from support.repository import make_repository

MEET = begun("left", "right")
CONFLICT = f"""\
---
po_plan_version: "0.2"
name: quarrel
cwd: project
defaults: {{backend: command}}
tasks:
  - {{id: left, command: '{MEET}; echo left > page.txt'}}
  - {{id: right, command: '{MEET}; echo right > page.txt'}}
  - {{id: other, command: "echo other > other.txt"}}
---
"""


@pytest.mark.slow
def test_a_conflict_as_the_last_event_is_told_before_the_delivery_and_decides_the_exit_code(
    tmp_path, monkeypatch
):
    # A disk that takes its time: events of moves come late.
    monkeypatch.setattr(group_commit, "_GATHER", 5.0)
    make_repository(tmp_path / "project", 2)
    (tmp_path / "plan.md").write_text(CONFLICT)
    heard = []

    report = run_plan(
        tmp_path / "plan.md",
        default_settings(dict(os.environ), max_workers=3, cache=tmp_path / "cache"),
        on_event=heard.append,
    )

    kinds = [type(event) for event in heard]
    assert report.exit_code == 4
    assert kinds.index(Failed) < kinds.index(Delivered)
