"""Agents that misbehave, all in one run: each costs at most its own task."""

import json
import os

import pytest

from support.misbehaviour import PROGRAMS, TOGETHER
from support.repository import git
from support.scene import Scene
from support.storm import check_tidy

pytestmark = pytest.mark.slow

HEAD = """---
po_plan_version: "0.2"
name: agents
defaults: {backend: command, max_retries: 0}
tasks:
"""
LAST = "echo > last.txt; git status --porcelain=v2 --branch > $OUTSIDE/seen; test -f a.txt"


def plan_of(agents):
    lines = []
    for name, agent in agents.items():
        command = agent.command.replace("'", "''")
        limits = f"timeout: {agent.timeout}, idle_timeout: {agent.idle_timeout}"
        lines.append(f"  - {{id: {name}, {limits}, command: '{command}'}}\n")
        if name == "never-reads-its-prompt":
            lines[-1] = lines[-1].replace("}\n", f", prompt: {'p' * 300_000}}}\n")
    # After all the others, in a worktree that they used.
    needs = [name for name, agent in agents.items() if agent.outcome == "done"]
    lines.append(f"  - {{id: last, command: '{LAST}', depends_on: [{', '.join(needs)}]}}\n")
    return HEAD + "".join(lines) + "---\n"


def failures(scene):
    """Returns of each task that failed its class and reason, as a sentence has them."""
    report = json.loads(scene.call("status", "--json").out)
    failed = [task for task in report["tasks"] if task["status"] == "failed"]
    return {task["id"]: f"{task['failure_category']}: {task['reason']}" for task in failed}


def test_each_of_these_agents_costs_at_most_its_own_task(tmp_path):
    scene = Scene(tmp_path).repository({"a.txt": "a\n", "keep/k.txt": "k\n"})
    scene.plan(plan_of(TOGETHER))
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "precious.txt").write_text("precious")
    git(tmp_path, "init", "--quiet", "--bare", "remote.git")
    scene.git("remote", "add", "origin", str(tmp_path / "remote.git"))
    env = {"OUTSIDE": str(outside), "PROJECT": str(scene.project), "AGENTS": str(PROGRAMS)}

    scene.run("-j", "3", env=env, check=1)

    failed, merged = failures(scene), scene.merges()
    told = {name: failed.get(name, "done" if merged.get(name) == 1 else "") for name in TOGETHER}
    assert {
        name: told[name] if told[name].startswith(agent.outcome) else agent.outcome
        for name, agent in TOGETHER.items()
    } == told
    assert merged["last"] == 1
    assert (outside / "precious.txt").read_text() == "precious"
    assert not os.path.exists(f"/proc/{(outside / 'daemon').read_text()}")
    assert (outside / "seen").read_text().startswith("# branch.oid ")
    assert "branch.head (detached)" in (outside / "seen").read_text()
    assert "<<<<<<<" not in scene.files()["a.txt"]
    check_tidy(scene)
