"""A plan that was written is the same plan when it is read again."""

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from parallel_orchestra.model import (
    AfterMerge,
    Boundaries,
    Deliver,
    Evidence,
    Halt,
    MergeRules,
    OnConflict,
    Plan,
    Setup,
    Strategy,
    Task,
)
from parallel_orchestra.plan import parse
from parallel_orchestra.plan.writing import AS_IT_IS, written

SOURCE = Path("/project/plan.md")
TEXT = st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1
).filter(str.strip)


def again(plan: Plan) -> Plan:
    return parse(written(plan, ".", "A note.").encode(), SOURCE, lambda _: b"")


def plan_of(*tasks: Task, **facts) -> Plan:
    setup = Setup(include=True)
    return Plan("0.2", "plan", SOURCE, Path("/project"), tasks, setup=setup, **facts)


def test_every_field_comes_back():
    plan = plan_of(
        Task(
            id="a",
            title="The first: a title",
            prompt="# A\n\n```\n---\n```\n\tindented  \nend",
            agent="plugin:agent",
            model="on",
            writes=("a/*.py", "b.py::K.m"),
            priority=3,
            estimate=60.0,
            max_retries=0,
            timeout=90.5,
            env={"A": "1", "B": "yes"},
            verify=("pytest -q", ("ruff", "check")),
            expect=(Evidence(path="a.py", contains="x"), Evidence(command="true", contains="y")),
            allow_empty=True,
            completion_signal=True,
            wave=1,
        ),
        Task(id="b", backend="command", command=("a", "b c"), depends_on=("a",), read_only=True),
        base="develop",
        max_workers=4,
        verify=("make",),
        halt=Halt.of("soon,3"),
        programs=("uv",),
        boundaries=Boundaries.WARN,
        merge=MergeRules(
            baseline=True,
            junit=("a.xml",),
            failing=("cat", "f"),
            deliver=Deliver.EACH,
            strategy=Strategy.SQUASH,
            on_conflict=OnConflict.RETRY,
            regenerate=(("*.lock", "make lock"), ("go.sum", ("go", "mod", "tidy"))),
        ),
        after_merge=AfterMerge(prompt="look", model="m", timeout=60.0, keep=("*.png",)),
        prompt_template=AS_IT_IS,
    )

    assert again(plan) == plan


@pytest.mark.parametrize(
    "prompt",
    [
        "- [ ] x",
        "---\n",
        "\n\n x",
        "x\n\n\n",
        "'\"",
        "a: b",
        "| y",
        "\x1b[31m",
        "{{ x }}",
        "a\u2028b\r\nc\x85",
    ],
)
def test_prompts_come_back_byte_for_byte(prompt):
    plan = plan_of(Task(id="a", prompt=prompt))

    assert again(plan).tasks[0].prompt == prompt


@given(prompt=TEXT)
def test_any_prompt_comes_back(prompt):
    plan = plan_of(Task(id="a", prompt=prompt))

    assert again(plan).tasks[0].prompt == prompt


def test_an_old_manifest_becomes_a_plan_of_ours():
    old = replace(
        plan_of(Task(id="a", prompt="/agent-x", timeout=900.0, allow_empty=True)), version="0.1"
    )

    assert again(old) == replace(old, version="0.2")
