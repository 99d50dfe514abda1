"""A task in a file of its own: what it may say, and everything that is wrong with it at once."""

from pathlib import Path

import pytest

from parallel_orchestra.errors import PlanError
from parallel_orchestra.model import Plan, Task
from parallel_orchestra.plan import joining_id, parse, plan_from_json, plan_to_json, read_joining

PLAN = """---
po_plan_version: "0.2"
name: shop
concurrency_limits: {db: 1}
defaults: {backend: command, command: "true", timeout: 90, env: {A: "1"}}
tasks: [{id: api}, {id: Docs}]
---
"""


@pytest.fixture
def plan():
    made = parse(PLAN.encode(), Path("/p/plan.md"), Path.read_bytes)
    # A run has it from `run.json`.
    return plan_from_json(plan_to_json(made))


def joining(plan, text, name="new"):
    return read_joining(text.encode(), name, plan, shown="new.md", read=lambda _: b"From a file.")


def problems(plan, text, name="new"):
    with pytest.raises(PlanError) as caught:
        joining(plan, text, name)
    return [(one.what, one.where) for one in caught.value.problems]


def test_the_body_is_the_prompt_and_the_plans_defaults_hold(plan):
    task = joining(plan, "---\ntitle: More\ndepends_on: [api]\nenv: {B: '2'}\n---\n\nDo # it.\n\n")

    assert task == Task(
        "new",
        title="More",
        prompt="Do # it.",
        backend="command",
        command="true",
        timeout=90.0,
        env={"A": "1", "B": "2"},
        depends_on=("api",),
    )


def test_a_plan_without_defaults_has_ours():
    bare = Plan("0.2", "n", Path("/p/plan.md"), Path("/p"), ())

    assert joining(bare, "---\nprompt_file: x.md\n---\n") == Task("new", prompt="From a file.")


def test_what_a_task_file_of_ours_says_beside_is_no_mistake(plan):
    text = '---\nid: new\nrun: "1"\ngeneration: 1\nfingerprint: "f"\n---\n\nDo it.\n'

    assert joining(plan, text).prompt == "Do it."


def test_all_mistakes_are_said_with_their_lines(plan):
    text = (
        "---\nid: docs\ntimeout: soon\npromt: x\ndepends_on: [apo, 7]\nwave: 1\nprompt: a\n---\nb\n"
    )

    assert problems(plan, text, "docs") == [
        ("the run has a task `Docs` already", "new.md:2:5 id"),
        ("`timeout` of task `docs` must be a duration, not `soon`", "new.md:3:10 timeout"),
        ("unknown key `promt` in task `docs`", "new.md:4:1 promt"),
        ("task `docs` depends on `apo`, which the run lacks", "new.md:5:14 depends_on[0]"),
        (
            "`depends_on[1]` of task `docs` must be text, not the number 7",
            "new.md:5:19 depends_on[1]",
        ),
        ("task `docs` can't join a wave", "new.md:6:1 wave"),
        (
            "task `docs` has more than one prompt: `prompt`, the section on line 9",
            "new.md:7:9 prompt",
        ),
    ]


@pytest.mark.parametrize(
    ("text", "name", "what"),
    [
        ("", "new", "the file is empty"),
        ("Do it.\n", "new", "the first line must be `---`, the beginning of the front matter"),
        ("---\nid: other\n---\n", "new", "the file is of task `new`, but its `id` is `other`"),
        ("---\ntitle: x\n---\n", "a b", "`id` of task `a b` must be 1 to 64 letters"),
        ("---\ndepends_on: [new]\n---\n", "new", "task `new` depends on itself"),
        ("---\nconcurrency_group: gpu\n---\n", "new", "task `new` is in the group `gpu`, which"),
        ("---\nid: 7\n---\n", "new", "`id` of task `7` must be text"),
    ],
)
def test_a_file_that_cant_join_says_why(plan, text, name, what):
    assert problems(plan, text, name)[0][0].startswith(what)


def test_the_id_is_the_files_unless_it_says_another():
    assert joining_id(b"---\nid: b\n---\n", "a", "a.md") == "b"
    assert joining_id(b"---\ntitle: b\n---\n", "a", "a.md") == "a"
    assert joining_id(b"---\nid: [b]\n---\n", "a", "a.md") == "a"


def test_a_file_without_front_matter_is_named_as_the_user_gave_it():
    with pytest.raises(PlanError) as caught:
        joining_id(b"Do it.", "a", "../a.md")

    assert caught.value.problems[0].where == "../a.md:1:1"
