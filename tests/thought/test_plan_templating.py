"""`prompt_template`: in the plan or in a file, and where its faults are told to be."""

from pathlib import Path

import pytest

from parallel_orchestra.errors import PlanError
from parallel_orchestra.plan import parse

BLOCK = "prompt_template: |\n  one\n  {{ two }}\n"


def plan(
    top: str, *, files=None, fault=(), shown="plans/plan.md", tasks="[{id: a, prompt: p}]"
):  # fmt: skip
    def read(path: Path) -> bytes:
        if files and path.name in files:
            return files[path.name]
        raise FileNotFoundError(2, "No such file or directory")

    def judge(template, trials, known):
        assert "task" in known
        seen.extend((template, list(trials)))
        return fault

    seen: list = []
    text = f'---\npo_plan_version: "0.2"\nname: n\n{top}tasks: {tasks}\n---\n'
    made = parse(text.encode(), Path("/p/plans/plan.md"), read, shown=shown, judge=judge)
    return made, seen


def problems(*args, **facts):
    with pytest.raises(PlanError) as caught:
        plan(*args, **facts)
    return [(one.what, one.where) for one in caught.value.problems]


@pytest.mark.parametrize(
    "given", ['"{{ task.prompt }}"', "|\n  {{ task.prompt }}", '"{% extends x %}"']
)
def test_what_looks_like_a_template_is_one(given):
    made, seen = plan(f"prompt_template: {given}\n")

    assert made.prompt_template == seen[0]
    assert made.prompt_template.startswith("{")


def test_one_line_without_a_mark_of_jinja_is_the_path_of_a_file():
    made, seen = plan("prompt_template: t.j2\n", files={"t.j2": b"\xef\xbb\xbf{{ task.prompt }}\n"})

    assert made.prompt_template == seen[0] == "{{ task.prompt }}\n"


def test_a_template_is_tried_with_each_task_before_and_after_a_failure():
    tasks = "[{id: a, prompt: p}, {id: b, prompt: q, depends_on: [a]}]"

    _, seen = plan(BLOCK, tasks=tasks)

    assert [(one["task"]["id"], one["attempt"]["number"]) for one in seen[1]] == [
        ("a", 1),
        ("a", 2),
        ("b", 1),
        ("b", 2),
    ]
    assert [one["feedback"] is None for one in seen[1]] == [True, False] * 2
    assert seen[1][2]["dependencies"][0]["id"] == "a"


@pytest.mark.parametrize(
    ("top", "where"),
    [
        (BLOCK, "plans/plan.md:6:1 prompt_template"),
        ('prompt_template: "{{ two }}"\n', "plans/plan.md:4:18 prompt_template"),
        ("prompt_template: t.j2\n", "plans/t.j2:2 prompt_template"),
    ],
    ids=["block text", "quoted text", "file"],
)
def test_a_fault_is_told_with_the_line_where_it_stands(top, where):
    found = problems(top, files={"t.j2": b"{{ x }}\n"}, fault=[(2, "there is no `two`")])

    assert found == [("`prompt_template` can't be used: there is no `two`", where)]


def test_a_fault_without_a_line_is_told_with_the_template_it_is_in():
    fault = [(0, "needs too much memory")]

    assert problems(BLOCK, fault=fault)[0][1] == "plans/plan.md:4:18 prompt_template"
    found = problems("prompt_template: t.j2\n", files={"t.j2": b"{{ x }}"}, fault=fault)
    assert found[0][1] == "plans/t.j2 prompt_template"


def test_faults_of_the_template_are_told_beside_those_of_the_tasks():
    found = problems(BLOCK, fault=[(2, "bad")], tasks="[{id: a, promt: p}]")

    assert [what for what, _ in found] == [
        "`prompt_template` can't be used: bad",
        "task `a` has no prompt",
        "unknown key `promt` in task `a`",
    ]


@pytest.mark.parametrize(
    ("files", "reason"),
    [
        ({}, "No such file or directory"),
        ({"t.j2": b" \n"}, "is empty"),
        ({"t.j2": b"\xff{{"}, "not UTF-8 text"),
    ],
    ids=["missing", "empty", "no text"],
)
def test_a_file_that_cannot_be_read_is_told(files, reason):
    assert problems("prompt_template: t.j2\n", files=files) == [
        (
            f"the file `t.j2` of `prompt_template` can't be used: {reason}",
            "plans/plan.md:4:18 prompt_template",
        )
    ]


def test_what_a_template_leaves_out_is_a_warning():
    made, _ = plan('context: x\nprompt_template: "{{ task.id }}"\n')

    assert made.warnings == (
        (
            "plans/plan.md:4:1 context: `context` has no effect: "
            "`prompt_template` does not use `plan.context`"
        ),
        (
            "plans/plan.md:5:18 prompt_template: "
            "`prompt_template` never uses `task.prompt`: agents are not told what to do"
        ),
    )


def test_a_template_that_extends_ours_leaves_nothing_out():
    made, _ = plan("context: x\nprompt_template: '{% extends \"prompt.md.j2\" %}'\n")

    assert made.warnings == ()


def test_a_contract_that_nobody_can_have_written_is_a_warning():
    tasks = (
        "[{id: a, prompt: p, contracts: [there, gone]}, "
        "{id: b, prompt: p, depends_on: [a], contracts: [gone]}]"
    )

    made, _ = plan("", files={"there": b""}, tasks=tasks)

    assert [text.partition(" (")[0] for text in made.warnings] == [
        "plans/plan.md:4:47 tasks[0].contracts[1]: the contract `gone` is not there"
    ]


def test_a_contract_of_the_defaults_is_told_once():
    made, _ = plan(
        "defaults: {contracts: [gone]}\n", tasks="[{id: a, prompt: p}, {id: b, prompt: p}]"
    )

    assert [text.partition(": ")[0] for text in made.warnings] == [
        "plans/plan.md:4:24 defaults.contracts[0]"
    ]


@pytest.mark.parametrize(
    ("top", "where"),
    [
        ("merge:\n  message: |\n    one\n    {{ two }}\n", "plans/plan.md:7:1 merge.message"),
        ("merge: {message: m.j2}\n", "plans/m.j2:2 merge.message"),
    ],
    ids=["block text", "file"],
)
def test_a_fault_in_the_message_of_merges_is_told_with_its_line(top, where):
    found = problems(top, files={"m.j2": b"one\n{{ two }}\n"}, fault=[(2, "there is no `two`")])

    assert found == [("`merge.message` can't be used: there is no `two`", where)]
