"""Real agents that hang, and real agents that are only slow: see `test_real_agents` for how they run."""

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
max_workers: {workers}
defaults: {{backend: {backend}, max_retries: 0, timeout: 10m, idle_timeout: {idle}}}
tasks:
"""
#: Work of 25 seconds without a word; Codex would look for its end after ten, if it were not told to wait.
_LONG = "timeout 25 sh -c 'while :; do :; done'; echo dug > bed-$PO_TASK_ID.txt"
DIG = {
    "claude": {"run": _LONG},
    "codex": {"tool": {"name": "exec_command", "input": {"cmd": _LONG, "yield_time_ms": 30000}}},
}
TASK = "  - {{id: bed{number}, prompt: Dig bed {number}.}}\n"


#: A minute of `make ci-extra` is enough; `make agents` takes its time.
QUICK = ("claude", "codex")
SLOW = ("gemini", "opencode")


def each(quick, slow):
    """Returns backends as parameters; those that are slow run in `make agents` only."""
    return [*quick, *(pytest.param(one, marks=pytest.mark.long) for one in slow)]


def installed(backend):
    if programs(backend) is None:
        pytest.skip(f"{backend} is not installed")
    return backend


def run(tmp_path, monkeypatch, backend, rules, idle, agents=1):
    """Runs so many agents at once against a model that is played by the rules."""
    plan = PLAN.format(backend=backend, idle=idle, workers=agents)
    plan += "".join(TASK.format(number=number) for number in range(agents)) + "---\n"
    scene = Scene(tmp_path / "scene").repository({"README.md": "A garden\n"}).plan(plan)
    report = tmp_path / "report.json"
    with ModelServer(Script.of({"rules": rules}), tmp_path / "asked.jsonl") as server:
        env = surroundings(backend, tmp_path / "agent", server.url)
        for name in set(os.environ) - env.keys() - {"PYTEST_CURRENT_TEST"}:
            monkeypatch.delenv(name)
        result = scene.run("--yes", "--report", str(report), env=env, within=600)
    return result, json.loads(report.read_text())["tasks"]


@pytest.mark.parametrize("backend", each(QUICK, SLOW))
@pytest.mark.parametrize(
    "fault",
    [
        pytest.param({"hang": 900}, id="before"),
        pytest.param({"stall": {"after": 1, "for": 900}}, id="amid", marks=pytest.mark.long),
    ],
)
def test_an_agent_whose_model_never_answers_is_ended_as_stalled(
    backend, fault, tmp_path, monkeypatch
):
    rules = [{"steps": [{"text": "Dug."}], "faults": [fault]}]

    result, (task,) = run(tmp_path, monkeypatch, installed(backend), rules, idle=6)

    assert result.exit_code == 1
    assert (task["failure_category"], task["reason"]) == (
        "stalled",
        "showed no sign of life for 6 s",
    )


@pytest.mark.long
@pytest.mark.parametrize("backend", DIG)
def test_no_agent_that_is_slow_or_silent_at_work_is_ended(backend, tmp_path, monkeypatch):
    rules = [{"steps": [{**DIG[backend], "delay": 8.0}, {"text": "Dug.", "delay": 8.0}]}]

    result, tasks = run(tmp_path, monkeypatch, installed(backend), rules, idle=15, agents=8)

    assert result.exit_code == 0, result
    assert [len(task["attempts"]) for task in tasks] == [1] * 8


@pytest.mark.long
def test_claude_that_waits_for_what_it_left_running_is_ended_and_its_result_counts(
    tmp_path, monkeypatch
):
    backend = installed("claude")
    serve = {"command": "sleep 900", "description": "serves", "run_in_background": True}
    steps = [
        {"run": "echo dug > bed.txt"},
        {"tool": {"name": "Bash", "input": serve}},
        {"text": "It is dug, and served."},
    ]

    result, (task,) = run(tmp_path, monkeypatch, backend, [{"steps": steps}], idle=12)

    assert result.exit_code == 0, result
    assert result.files()["bed.txt"] == "dug\n"
    assert task["warnings"] == ["its agent did not end after its result, and was ended"]
