"""Bad input changes nothing: no directory, no branch, no file."""

import pytest

from parallel_orchestra.cli import main
from parallel_orchestra.errors import ExitCode
from support.repository import git, make_repository

WRONG_PLAN = """\
---
po_plan_version: "0.2"
name: wrong
tasks: [{id: one, backend: command, command: "true", depend_on: [two]}]
---
"""


def everything(project):
    files = {path: path.read_bytes() for path in project.rglob("*") if path.is_file()}
    return files, git(project, "for-each-ref"), git(project, "status", "--porcelain")


@pytest.mark.parametrize(
    "words",
    [
        ["run", "plan.md"],
        ["run", "plan.md", "--fresh"],
        ["run", "plan.md", "--resume"],
        ["run", "plan.md", "--fresh", "--resume"],
        ["run", "plan.md", "--report", "report.pdf"],
        ["run", "missing.md"],
        ["validate", "plan.md"],
    ],
    ids=" ".join,
)
def test_a_wrong_plan_or_command_line_changes_nothing(tmp_path, monkeypatch, words):
    project = make_repository(tmp_path / "project", 3)
    (project / "plan.md").write_text(WRONG_PLAN)
    monkeypatch.chdir(project)
    before = everything(project)

    code = main(words)

    assert code == ExitCode.USAGE
    assert everything(project) == before
