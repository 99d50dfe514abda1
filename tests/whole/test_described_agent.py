"""A run with an agent that the plan describes."""

import pytest

from support.scene import Scene

pytestmark = pytest.mark.slow

PLAN = """---
po_plan_version: "0.2"
name: own
defaults: {backend: mine}
backends:
  mine:
    command: [sh, ./agent.sh, [--model, "{model}"], "{prompt_file}"]
    stdin: false
    classify: {permanent: "can't swim"}
tasks:
  - {id: big, model: large, prompt: Write big.}
  - {id: plain, prompt: Write plain.}
  - {id: swim, prompt: Swim.}
---
"""
AGENT = """
for last; do :; done
grep -q Swim "$last" && { echo "I can't swim" >&2; exit 1; }
{ echo "$#"; grep Write "$last"; cat; } > "$PO_TASK_ID.txt"
"""


def test_it_is_called_as_described_and_its_words_mean_what_the_plan_says(tmp_path):
    scene = Scene(tmp_path).repository({"agent.sh": AGENT}).plan(PLAN)

    result = scene.run("--yes", check=1)

    assert result.states() == {"big": "done", "plain": "done", "swim": "failed"}
    files = result.files()
    assert (files["big.txt"], files["plain.txt"]) == ("3\nWrite big.\n", "1\nWrite plain.\n")
    assert len(result.attempts("swim")) == 1
    assert "permanent: exit code 1: I can't swim" in scene.call("why", "swim").out


def test_a_task_that_joins_the_run_may_use_it(tmp_path):
    scene = Scene(tmp_path).repository({"agent.sh": AGENT}).plan(PLAN)
    scene.run("--yes", check=1)
    late = tmp_path / "late.md"
    late.write_text("---\nbackend: mine\nmodel: small\n---\nWrite late.\n")

    scene.call("add", str(late), check=0)
    result = scene.run("--resume", "--yes", check=1)

    assert result.files()["late.txt"] == "3\nWrite late.\n"
