"""The demo, from an empty folder to a merged history."""

import json

import pytest

from support.repository import fsck_clean, worktrees_of
from support.scene import Scene

pytestmark = pytest.mark.slow


def test_the_demo_builds_its_project_with_one_retry_and_shows_the_history(tmp_path):
    scene = Scene(tmp_path, "demo")

    result = scene.call("demo", str(scene.project), env={"AGENT_SECONDS": "0"}, check=0)

    report = json.loads((scene.project / "report.json").read_text())
    retried = {task["id"] for task in report["tasks"] if task["retry_count"]}
    assert result.out.startswith("10 completed / 10 total (0 in progress, 0 failed)\n")
    assert "$ git log --graph --oneline\n*" in result.out
    assert retried == {"numbers"}
    assert (scene.project / "report.md").read_text().startswith("# ")
    assert len(scene.merges()) == 9
    assert set(scene.merges().values()) == {1}
    assert worktrees_of(scene.project) == []
    assert fsck_clean(scene.project)
    scene.wait_for_silence()


def test_the_demo_overwrites_nothing(tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "file").touch()

    result = Scene(tmp_path).call("demo", str(tmp_path / "mine"), check=2)

    assert "the example needs an empty folder" in result.err
