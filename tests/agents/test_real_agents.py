"""Whole runs with the real agents, as they come from the npm registry; the model is played.

`make agents` installs all of them, `make ci-extra` two; without `$REAL_AGENTS` they are skipped.
"""

import json
import os
import re
import shlex
import shutil
from pathlib import Path

import pytest

from support.model_server import ModelServer, Script
from support.real_agents import SETTLE, VARIABLE, Price, programs, surroundings
from support.scene import Scene

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not os.environ.get(VARIABLE), reason=f"no real agents: ${VARIABLE} not set"),
]
HERE = Path(__file__).parent
PLAN = """---
po_plan_version: "0.2"
name: garden
max_workers: 2
defaults: {{backend: {backend}, timeout: 4m}}
tasks:
  - {{id: dig, prompt: Dig the bed.}}
  - {{id: lay, prompt: Lay the path.}}
  - {{id: gate, prompt: Mend the gate., verify: grep -qx open gate.txt}}
  - {{id: sow, depends_on: [dig], prompt: Sow what the bed needs.}}
  - {{id: look, depends_on: [sow], read_only: true, prompt: Look at the seed.}}
  - {{id: note, depends_on: [lay, gate, sow], prompt: Write down all of it.}}
---
"""
#: What the second attempt at the gate is told, and not what the first one was.
AGAIN = "Attempt 1 at this task failed"
TASKS = {"dig", "lay", "gate", "sow", "look", "note"}
#: Who says what it costs, and the price of the played model.
PRICES = {"claude": Price(4, 20), "opencode": Price(5, 25)}
#: Who counts the small questions beside the work too.
COUNT_ASIDE = {"gemini"}


@pytest.fixture(params=list(SETTLE))
def backend(request, monkeypatch):
    if programs(request.param) is None:
        pytest.skip(f"{request.param} is not installed")
    return request.param


@pytest.fixture
def served(tmp_path):
    with ModelServer(Script.read(HERE / "garden.yaml"), tmp_path / "asked.jsonl") as server:
        yield server


def run(scene, backend, server, monkeypatch, tmp_path, ahead=()):
    env = surroundings(backend, tmp_path / "agent", server.url)
    env["PATH"] = os.pathsep.join([*map(str, ahead), env["PATH"]])
    for name in set(os.environ) - env.keys() - {"PYTEST_CURRENT_TEST"}:
        monkeypatch.delenv(name)
    report = tmp_path / "report.json"
    result = scene.run("--yes", "--report", str(report), env=env, within=600)
    return result, json.loads(report.read_text())


def test_a_plan_goes_from_claim_to_merged_commits(backend, served, tmp_path, monkeypatch):
    scene = Scene(tmp_path / "scene").repository({"README.md": "A garden\n"})
    scene.plan(PLAN.format(backend=backend))

    result, report = run(scene, backend, served, monkeypatch, tmp_path)

    assert result.exit_code == 0, result
    assert result.states() == dict.fromkeys(TASKS, "done")
    files = result.files()
    assert files["seed.txt"] == "the bed is dug\n"
    assert files["garden.txt"] == "dug\nlaid\nopen\nthe bed is dug\n"
    assert "looked.txt" not in files
    assert result.merges() == dict.fromkeys(TASKS - {"look"}, 1)
    tasks = {task["id"]: task for task in report["tasks"]}
    assert {name: len(task["attempts"]) for name, task in tasks.items()} == {
        **dict.fromkeys(TASKS, 1),
        "gate": 2,
    }
    failed, repaired = tasks["gate"]["attempts"]
    assert (failed["failure"], repaired["way"]) == ("verify", "session")
    assert failed["session"] == repaired["session"]
    told = scene.call("show-prompt", "gate", "--attempt", "2").out
    assert "Mend the gate." not in told
    asked_again = [one for one in served.work if one.prompt == AGAIN]
    assert asked_again
    assert all("Mend the gate." in one.heard for one in asked_again)

    told = scene.call("logs", "sow", check=0).out.splitlines()
    assert {"ok      run cat bed.txt", "says    Sown."} <= set(told)
    assert not any("{" in line for line in told)

    asked = served.asked if backend in COUNT_ASIDE else served.work
    read, written = (sum(one.tokens[at] for one in asked) for at in (0, 1))
    figures = report["figures"]
    assert (figures["input_tokens"], figures["output_tokens"]) == (read, written)
    if backend in PRICES:
        assert figures["cost_usd"] == pytest.approx(PRICES[backend].of((read, written)))
    sessions = [attempt["session"] for task in tasks.values() for attempt in task["attempts"]]
    assert len(set(filter(None, sessions))) == len(sessions) - 1 == 6


TURNS = """---
po_plan_version: "0.2"
name: bed
defaults: {backend: claude, timeout: 4m}
tasks:
  - {id: dig, max_turns: 2, prompt: Dig the bed., verify: test -e end.txt}
---
"""


def test_who_ran_out_of_turns_goes_on_in_its_session_and_costs_what_it_says(tmp_path, monkeypatch):
    if programs("claude") is None:
        pytest.skip("claude is not installed")
    digs = [{"write": {"path": f"{n}.txt", "content": "dug\n"}} for n in range(5)]
    ends = [{"write": {"path": "end.txt", "content": "dug\n"}}, {"text": "Dug."}]
    rules = [{"prompt": AGAIN, "steps": ends}, {"prompt": "Dig the bed.", "steps": digs}]
    scene = Scene(tmp_path / "scene").repository({"README.md": "A garden\n"}).plan(TURNS)

    with ModelServer(Script.of({"rules": rules})) as server:
        result, report = run(scene, "claude", server, monkeypatch, tmp_path)

    assert result.exit_code == 0, result
    attempts = report["tasks"][0]["attempts"]
    assert [(one["failure"], one["way"]) for one in attempts] == [
        ("max_turns", ""),
        ("", "session"),
    ]
    assert {"0.txt", "1.txt", "end.txt"} <= result.files().keys()
    read, written = (sum(one.tokens[at] for one in server.work) for at in (0, 1))
    assert report["figures"]["cost_usd"] == pytest.approx(PRICES["claude"].of((read, written)))


DIG = """---
po_plan_version: "0.2"
name: bed
defaults: {{backend: {backend}, timeout: 4m}}
tasks:
  - {{id: dig, prompt: Dig the bed.}}
---
"""
#: The address that a call meant: of Unix sockets, and of those that only ask the kernel, it has none.
MEANT = re.compile(r'sin6?_port=htons\((\d+)\).*?"([^"]+)"')


def test_nothing_is_sent_to_anything_but_loopback(backend, served, tmp_path, monkeypatch):
    if shutil.which("strace") is None:
        pytest.skip("strace is not installed")
    trace, watched = tmp_path / "trace", tmp_path / "bin" / backend
    watched.parent.mkdir()
    calls = "connect,sendto,sendmsg,sendmmsg"
    words = ["strace", "-f", "-qq", "-e", f"trace={calls}", "-o", str(trace)]
    watched.write_text(f'#!/bin/sh\nexec {shlex.join(words)} {programs(backend)}/{backend} "$@"\n')
    watched.chmod(0o755)
    scene = Scene(tmp_path / "scene").repository({"README.md": "A garden\n"})
    scene.plan(DIG.format(backend=backend))

    result, _ = run(scene, backend, served, monkeypatch, tmp_path, ahead=[watched.parent])

    assert result.exit_code == 0, result
    meant = set(MEANT.findall(trace.read_text(encoding="utf-8", errors="replace")))
    assert {address for _, address in meant} == {"127.0.0.1"}


def test_there_is_no_network_but_loopback():
    devices = {line.partition(":")[0].strip() for line in _lines("/proc/net/dev")[2:]}
    if devices != {"lo"}:
        pytest.skip("not started by `support/loopback.py`, or that is not permitted here")

    assert devices == {"lo"}


def _lines(path):
    return Path(path).read_text(encoding="utf-8").splitlines()


AFTER = """---
po_plan_version: "0.2"
name: garden
after_merge: {{prompt: Look at the garden., backend: {backend}, timeout: 4m, keep: "*.png"}}
defaults: {{backend: command}}
tasks:
  - {{id: dig, command: "echo dug > bed.txt"}}
---
"""


@pytest.mark.parametrize("backend", ["claude", "codex"], indirect=True)
def test_an_agent_looks_at_the_merged_result(backend, tmp_path, monkeypatch):
    looks = [
        {"write": {"path": "shot.png", "content": "a picture\n"}},
        {"write": {"path": "mine.txt", "content": "mine\n"}},
        {"text": "I looked.\n\nTASK_FAILED: the bed is empty"},
    ]
    rules = [{"prompt": "Look at the garden.", "steps": looks}]
    scene = Scene(tmp_path / "scene").repository({"README.md": "A garden\n"})
    scene.plan(AFTER.format(backend=backend))

    with ModelServer(Script.of({"rules": rules})) as server:
        result, report = run(scene, backend, server, monkeypatch, tmp_path)

    assert result.exit_code == 1, result
    found = report["after_merge"]
    assert found["reason"].endswith("the bed is empty")
    assert found["files"] == ["after-merge/1/kept/shot.png"]
    assert found["changed"] == ["mine.txt"]
    assert "mine.txt" not in result.files()
    assert "bed.txt" in result.files()


CLASH = """---
po_plan_version: "0.2"
name: garden
max_workers: 2
merge: {{on_conflict: agent}}
defaults: {{backend: command, timeout: 4m, max_retries: 0}}
tasks:
  - {{id: dig, title: Dig, command: "echo dug > bed.txt"}}
  - {{id: lay, backend: {backend}, prompt: Lay the path.}}
---
"""


@pytest.mark.parametrize("backend", ["claude", "codex"], indirect=True)
def test_an_agent_resolves_its_conflict(backend, tmp_path, monkeypatch):
    wait = "until ls $PO_TASKS_DIR/done | grep -q dig; do sleep 0.05; done"
    resolves = [
        {"run": "git status --porcelain"},
        {"run": "printf 'dug\\nlaid\\n' > bed.txt"},
        {"text": "Both are in the bed: {last}"},
    ]
    rules = [
        {"prompt": "Resolve the conflict of task `lay`", "steps": resolves},
        {"prompt": "Lay the path.", "steps": [{"run": f"{wait}; echo laid > bed.txt"}]},
    ]
    scene = Scene(tmp_path / "scene").repository({"bed.txt": "a bed\n"})
    scene.plan(CLASH.format(backend=backend))

    with ModelServer(Script.of({"rules": rules})) as server:
        result, report = run(scene, backend, server, monkeypatch, tmp_path)

    assert result.exit_code == 0, result
    assert result.files()["bed.txt"] == "dug\nlaid\n"
    assert result.merges("main") == {"dig": 1, "lay": 1}
    (lay,) = (one for one in report["tasks"] if one["id"] == "lay")
    assert "a conflict in 1 file was resolved by an agent" in " ".join(lay["warnings"])
    (log,) = (scene.tasks_dir / "attempts" / "lay").glob("1.*/resolve.log")
    assert "UU bed.txt" in log.read_text()
