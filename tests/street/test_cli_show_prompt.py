"""`show-prompt`: what an agent was told, or will be told, byte for byte."""

import json

import pytest

from support.scene import Scene

PLAN = """---
po_plan_version: "0.2"
name: prompts
defaults: {backend: command, max_retries: 0}
context: Prices are in cents.
tasks:
  - {id: first, command: "cat > told; echo I wrote it", prompt: "{{ one }}"}
  - {id: second, command: "exit 3", depends_on: [first], prompt: "{% two %}"}
---
"""


@pytest.fixture
def scene(tmp_path) -> Scene:
    return Scene(tmp_path).repository(1).plan(PLAN)


def shown(scene, *args) -> dict:
    return json.loads(scene.call("show-prompt", *args, "--json", check=0).out)


@pytest.mark.slow
def test_before_a_run_it_prints_what_the_first_attempt_will_be_told(scene):
    result = scene.call("show-prompt", "second", "--plan", str(scene.plan_path()), check=0)

    assert result.out.startswith("# Task `second`\n\n## Context\n\nPrices are in cents.\n")
    assert "## Objective\n\n{% two %}\n" in result.out
    assert "- `first` (done)\n" in result.out


@pytest.mark.slow
def test_in_a_run_it_prints_what_was_told_and_what_comes_next(scene):
    scene.run(check=1)

    given = shown(scene, "first", "--attempt", "1")
    following = shown(scene, "second")
    as_text = scene.call("show-prompt", "first", "--attempt", "1", check=0).out

    assert given["prompt"] == as_text == scene.files()["told"]
    assert (given["attempt"], given["given"]) == (1, True)
    assert (following["attempt"], following["given"]) == (2, False)
    assert "- `first` (changed `told`)\n  I wrote it\n" in following["prompt"]
    assert "## Feedback\n\nAttempt 1 at this task failed (transient): " in following["prompt"]
    scene.run("--resume", check=1)
    assert shown(scene, "second", "--attempt", "2")["prompt"] == following["prompt"]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("args", "words"),
    [
        (["frist", "--plan", "../plan.md"], "the plan has no task `frist`"),
        (["first"], "there is no `_tasks` directory here or above, and no `plan.md` here"),
        (["first", "--plan", "nope.md"], "can't read the plan"),
    ],
)
def test_what_cannot_be_shown_is_told(scene, args, words):
    result = scene.call("show-prompt", *args)

    assert result.exit_code in (2, 3)
    assert result.err.startswith(f"error: {words}")
    assert result.out == ""


@pytest.mark.slow
def test_a_program_without_a_prompt_is_told_nothing(scene):
    scene.plan(PLAN.replace(', prompt: "{{ one }}"', ""))

    result = scene.call("show-prompt", "first", "--plan", "../plan.md", check=0)

    assert (result.out, result.err) == (
        "",
        "note: task `first` has no prompt: its program is told nothing\n",
    )
