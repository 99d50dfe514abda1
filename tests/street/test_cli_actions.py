"""A run as a step of GitHub Actions: what its page and its log get."""

import pytest

from support.scene import Scene

pytestmark = pytest.mark.slow

PLAN = """---
po_plan_version: "0.2"
name: night
defaults: {backend: command, max_retries: 0}
tasks:
  - {id: bad, command: "echo '::error::of an agent'; exit 3", read_only: true}
---
"""


def test_a_step_gets_a_summary_after_what_it_has_and_an_annotation_per_failure(tmp_path):
    scene = Scene(tmp_path).repository(1).plan(PLAN)
    page = tmp_path / "summary.md"
    page.write_text("# before\n")
    step = {"GITHUB_ACTIONS": "true", "GITHUB_STEP_SUMMARY": str(page)}
    step["GITHUB_WORKSPACE"] = str(tmp_path)

    result = scene.run("--yes", env=step, check=1)

    commands = [line for line in result.err.splitlines() if line.startswith("::")]
    assert [line.partition("::transient")[0] for line in commands] == [
        "::error file=plan.md,title=task bad"
    ]
    assert page.read_text().startswith("# before\n# night: failed\n")


def test_a_summary_that_cannot_be_written_is_told_and_elsewhere_nothing_is(tmp_path):
    scene = Scene(tmp_path).repository(1).plan(PLAN)
    step = {"GITHUB_ACTIONS": "true", "GITHUB_STEP_SUMMARY": str(tmp_path / "no" / "where")}

    told = scene.run("--yes", env=step, check=3)
    elsewhere = scene.run("--yes", "--fresh", check=1)

    assert "error: cannot write the step's summary: No such file or directory" in told.err
    assert not [line for line in elsewhere.err.splitlines() if line.startswith("::")]
