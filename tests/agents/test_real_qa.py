"""A run in which the real Codex judges what the real Claude Code made; the model is played."""

import json
import os

import pytest

from support.model_server import ModelServer, Script
from support.real_agents import VARIABLE, programs, surroundings
from support.scene import Scene

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not os.environ.get(VARIABLE), reason=f"no real agents: ${VARIABLE} not set"),
]
PLAN = """---
po_plan_version: "0.2"
name: garden
defaults: {backend: claude, timeout: 4m, max_retries: 0}
qa: {backend: codex, timeout: 4m}
tasks:
  - {id: dig, prompt: Dig the bed.}
  - {id: lay, prompt: Lay the path.}
---
"""
#: What the judge is told and what the other agent is told again, before what each task says.
RULES = [
    {"prompt": "An earlier state of this work was rejected", "steps": [
        {"run": "cat bed.txt"},
        {"text": "bed.txt is {last}, as it should be.\n\nAPPROVED"},
    ]},
    {"prompt": "Your answer had no verdict", "steps": [{"text": "APPROVED"}]},
    {"prompt": "Judge the work on task `dig`", "steps": [
        {"run": "echo mine > judged.txt"},
        {"text": "- bed.txt: not deep enough\n\nREJECTED"},
    ]},
    {"prompt": "Judge the work on task `lay`", "steps": [{"text": "It looks fine to me."}]},
    {"prompt": "was judged by another agent, and rejected", "steps": [
        {"write": {"path": "bed.txt", "content": "deep\n"}},
        {"text": "Dug deeper."},
    ]},
    {"prompt": "Dig the bed.", "steps": [
        {"write": {"path": "bed.txt", "content": "dug\n"}},
        {"text": "Dug."},
    ]},
    {"prompt": "Lay the path.", "steps": [
        {"write": {"path": "path.txt", "content": "laid\n"}},
        {"text": "Laid."},
    ]},
]  # fmt: skip


def test_codex_judges_what_claude_made(tmp_path, monkeypatch):
    if programs("claude") is None or programs("codex") is None:
        pytest.skip("claude and codex are not both installed")
    scene = Scene(tmp_path / "scene").repository({"README.md": "A garden\n"}).plan(PLAN)
    path = tmp_path / "report.json"

    with ModelServer(Script.of({"rules": RULES})) as server:
        folder = tmp_path / "agent"
        env = {**surroundings("codex", folder, server.url)}
        theirs = surroundings("claude", folder, server.url)
        env = {**env, **theirs, "PATH": f"{programs('codex')}{os.pathsep}{theirs['PATH']}"}
        for name in set(os.environ) - env.keys() - {"PYTEST_CURRENT_TEST"}:
            monkeypatch.delenv(name)
        result = scene.run("--yes", "--report", str(path), env=env, within=600)

    tasks = {task["id"]: task for task in json.loads(path.read_text())["tasks"]}
    assert result.exit_code == 0, result
    assert result.files() == {"README.md": "A garden\n", "bed.txt": "deep\n", "path.txt": "laid\n"}
    judged = [one["qa"] for one in tasks["dig"]["attempts"]]
    assert [one["verdict"] for one in judged] == ["rejected", "approved"]
    assert all(one["backend"] == "codex" and one["input_tokens"] for one in judged)
    assert [one["way"] for one in tasks["dig"]["attempts"]] == ["", "session"]
    (lay,) = tasks["lay"]["attempts"]
    assert (lay["qa"]["verdict"], tasks["dig"]["failures"]) == ("approved", 0)
    asked = [one for one in server.work if one.prompt == "Your answer had no verdict"]
    assert "Judge the work on task `lay`" in asked[0].heard
    told = scene.call("logs", "dig", "--attempt", "1", check=0).out
    assert "==> qa.log <==" in told
    assert "REJECTED" in told
