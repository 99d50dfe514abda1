"""Pinned dependencies by the real uv, from the real package index: only where `REAL_UV` names it."""

import os
from pathlib import Path

import pytest

from support import cpo
from support.scene import Scene

UV = os.environ.get("REAL_UV", "")

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not UV, reason="needs uv and a package index: `REAL_UV=/path/to/uv`"),
]

PROJECT = """[project]
name = "shop"
version = "0"
requires-python = ">=3.10"
dependencies = ["iniconfig==2.0.0", "idna==3.6"]
"""
PINS = {
    "remove": ["iniconfig"],
    "upgrade": ["idna==3.7"],
    "add": ["six==1.16.0"],
    "add_dev": ["packaging==24.0"],
}
CHECK = (
    "import six, idna, packaging; assert (six.__version__, idna.__version__) == ('1.16.0', '3.7')"
)


def change(manifest):
    manifest["dependencies"] = {"python": PINS}
    manifest["waves"][0]["validation"] = CHECK
    manifest["waves"][1]["validation"] = "python3 -c 'import six'"


def test_what_is_pinned_is_installed_committed_and_seen_by_validations(tmp_path):
    scene = Scene(tmp_path).repository({"pyproject.toml": PROJECT})
    cpo.write(scene.project, cpo.with_manifest(change))
    scene.git("add", "--all")
    scene.git("commit", "--quiet", "--message=the folder")
    agent = tmp_path / "agent"
    agent.write_text(
        "#!/bin/sh\ncat > /dev/null\ntouch .claude-task-complete\n"
        "mkdir -p made && echo > made/$PO_TASK_ID\n"
    )
    agent.chmod(0o755)
    path = f"{Path(UV).parent}{os.pathsep}{scene.environment()['PATH']}"

    result = scene.call(
        *("run", cpo.FOLDER, "--yes", "--claude-exe", str(agent)), env={"PATH": path}, check=0
    )

    assert set(result.states().values()) == {"done"}
    project = scene.files()["pyproject.toml"]
    assert '"six==1.16.0"' in project
    assert '"idna==3.7"' in project
    assert "iniconfig" not in project
    assert "packaging==24.0" in project.partition("[dependency-groups]")[2]
    assert "uv.lock" in scene.names()
    assert not any(name.startswith(".venv") for name in scene.names())
