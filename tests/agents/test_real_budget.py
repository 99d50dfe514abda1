"""Real agents keep to a budget: they are told their limit, and who would exceed it is not started."""

import os
from pathlib import Path

import pytest

from support.model_server import ModelServer, Script
from support.real_agents import VARIABLE, Price, programs, surroundings
from support.scene import Scene

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not os.environ.get(VARIABLE), reason=f"no real agents: ${VARIABLE} not set"),
]
PLAN = """---
po_plan_version: "0.2"
name: garden
max_workers: 1
budget: {{max_cost_usd: {limit}}}
tasks:
  - {{id: lay, prompt: Lay the path., max_cost_usd: {limit}}}
  - {{id: dig, prompt: Dig the bed.}}
---
"""
#: What one answer of the played model costs.
ANSWER = Price(4, 20).of((1000, 100))


def test_claude_ends_at_its_limit_and_the_next_task_is_not_started(tmp_path, monkeypatch):
    if programs("claude") is None:
        pytest.skip("claude is not installed")
    scene = Scene(tmp_path / "scene").repository({"README.md": "A garden\n"})
    scene.plan(PLAN.format(limit=ANSWER * 0.9))
    script = Script.read(Path(__file__).parent / "budget.yaml")

    with ModelServer(script, tmp_path / "asked.jsonl") as server:
        env = surroundings("claude", tmp_path / "agent", server.url)
        for name in set(os.environ) - env.keys() - {"PYTEST_CURRENT_TEST"}:
            monkeypatch.delenv(name)
        first = scene.run("--yes", env=env, within=600)
        states, asked = first.states(), len(server.work)
        again = scene.run("--yes", "--resume", "--max-cost", "5", env=env, within=600)

    assert first.exit_code == 4, first
    assert states == {"lay": "failed", "dig": "available"}
    assert asked == 1
    assert "failed lay: budget: " in first.out
    assert f"the run's budget is used up: ${ANSWER:.4f} of ${ANSWER * 0.9:.4f}" in first.out
    assert again.states() == {"lay": "available", "dig": "done"}
    assert again.files()["bed.txt"] == "dug\n"
