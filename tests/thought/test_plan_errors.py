"""Faulty plans: every mistake at once, each with its place and a way out; the whole text."""

import os
from pathlib import Path

import pytest

from parallel_orchestra.errors import PlanError, Problem
from parallel_orchestra.model import LimitMode
from parallel_orchestra.plan import load, parse
from parallel_orchestra.plan.findings import MOST


def no_files(path: Path) -> bytes:
    raise FileNotFoundError(2, "No such file or directory", str(path))


def problems(text: str | bytes, name: str = "plan.md", files=no_files) -> tuple[Problem, ...]:
    data = text if isinstance(text, bytes) else text.encode()
    with pytest.raises(PlanError) as caught:
        parse(data, Path("/project") / name, files, shown=name)
    return caught.value.problems


def words(found: tuple[Problem, ...]) -> str:
    return "".join(f"{p.what}\n  at {p.where}\n  do {p.hint}\n" for p in found)


def of_task(fields: str, body: str = "") -> str:
    lines = "".join(f"    {line}\n" for line in fields.splitlines())
    text = f'---\npo_plan_version: "0.2"\nname: n\ntasks:\n  - id: a\n{lines}---\n{body}'
    return words(problems(text))


WRONG = """---
po_plan_version: "0.2"
name: shop
max_workers: 0
verifi: x
on: 1
name: again
concurrency_limits: {gpu: 1, cpu: 999}
defaults: {max_retries: "2", backend: comand, prompt: x}
tasks:
  - id: build
    prompt: hi
    dependson: [x]
    env: {PORT: 8080, LD_PRELOAD: x}
  - id: build
    prompt: 5
    depends_on: test
  - id: test
    depends_on: [biuld, test, build, build]
    writes: [/etc, ../x, "", "a[b"]
    isolation: worktre
    concurrency_group: gpo
    verify: [[a, 1]]
  - id: c
    prompt_file: nope.txt
    depends_on: [d]
  - id: d
    prompt: x
    depends_on: [c]
    isolation: none
  - 7
  - needs: [c]
    prompt: {{ x }}
---
# Test
Almost.
"""

WRONG_WORDS = """\
`max_workers` must be at least 1, not the number 0
  at plan.md:4:14 max_workers
  do write 1 or more
unknown key `verifi`
  at plan.md:5:1 verifi
  do did you mean `verify`?
the key `on` is not text: YAML reads it as true (a yes/no value)
  at plan.md:6:1
  do put it in quotes: "on"
the key `name` stands twice in the same mapping
  at plan.md:7:1
  do it stands on line 3 already: remove one of them
`concurrency_limits.cpu` must be at most 256, not the number 999
  at plan.md:8:35 concurrency_limits.cpu
  do write 256 or less
`max_retries` of defaults must be a whole number, not `2`
  at plan.md:9:25 defaults.max_retries
  do write a number, without quotes
`backend` of defaults must be `claude`, `codex`, `command`, `gemini` or `opencode`, not `comand`
  at plan.md:9:39 defaults.backend
  do did you mean `command`?
unknown key `prompt` in defaults
  at plan.md:9:47 defaults.prompt
  do it is a key of a task: write it there
unknown key `dependson` in task `build`
  at plan.md:13:5 tasks[0].dependson
  do did you mean `depends_on`?
`env.PORT` of task `build` must be text, not the number 8080
  at plan.md:14:17 tasks[0].env.PORT
  do put it in quotes
`env.LD_PRELOAD` of task `build` must not be set
  at plan.md:14:35 tasks[0].env.LD_PRELOAD
  do it changes what every program loads: set it in the command that needs it
the task id `build` is used twice
  at plan.md:15:9 tasks[1].id
  do choose another id: tasks[0] has it already (line 11)
`prompt` of task `build` must be text, not the number 5
  at plan.md:16:13 tasks[1].prompt
  do put it in quotes
`depends_on` of task `build` must be a list, not `test`
  at plan.md:17:17 tasks[1].depends_on
  do write a list: [test]
task `test` has no prompt
  at plan.md:18:5 tasks[2]
  do rename the heading `Test` to `test`
task `test` depends on `biuld`, which the plan does not have
  at plan.md:19:18 tasks[2].depends_on[0]
  do did you mean `build`?
task `test` depends on itself
  at plan.md:19:25 tasks[2].depends_on[1]
  do remove this entry
task `test` names its dependency `build` twice
  at plan.md:19:38 tasks[2].depends_on[3]
  do remove one of them
`writes[0]` of task `test` must be a path inside the project, not `/etc`
  at plan.md:20:14 tasks[2].writes[0]
  do write it relative to `cwd`, without `..`
`writes[1]` of task `test` must be a path inside the project, not `../x`
  at plan.md:20:20 tasks[2].writes[1]
  do write it relative to `cwd`, without `..`
`writes[2]` of task `test` must not be empty
  at plan.md:20:26 tasks[2].writes[2]
  do write something or remove the line
`writes[3]` of task `test` must close every `[` with a `]`
  at plan.md:20:30 tasks[2].writes[3]
  do write `\\[` for the character itself
`isolation` of task `test` must be `worktree`, `clone`, `shared` or `none`, not `worktre`
  at plan.md:21:16 tasks[2].isolation
  do did you mean `worktree`?
task `test` is in the group `gpo`, which `concurrency_limits` lacks
  at plan.md:22:24 tasks[2].concurrency_group
  do did you mean `gpu`?
`verify[0][1]` of task `test` must be text, not the number 1
  at plan.md:23:18 tasks[2].verify[0][1]
  do put it in quotes: "…"
the prompt file `nope.txt` of task `c` can't be used: No such file or directory
  at plan.md:25:18 tasks[3].prompt_file
  do its path counts from the plan's folder
these tasks wait for each other in a circle: c -> d -> c
  at plan.md:26:18 tasks[3].depends_on[0]
  do remove one of these dependencies
task `d` has `isolation: none`, but is not `read_only`
  at plan.md:30:16 tasks[4].isolation
  do add `read_only: true`, or let it work in a worktree
`tasks[5]` must be a mapping, not the number 7
  at plan.md:31:5 tasks[5]
  do write `- id: a-name` and so on
unknown key `needs` in tasks[6]
  at plan.md:32:5 tasks[6].needs
  do did you mean `depends_on`?
tasks[6] has no `id`
  at plan.md:32:5 tasks[6]
  do add `id: a-name`
`prompt` of tasks[6] must be text, not a mapping
  at plan.md:33:13 tasks[6].prompt
  do put text that begins with `[` or `{` in quotes
a key must be plain text
  at plan.md:33:14 tasks[6].prompt
  do put text that begins with `{` or `[` in quotes
"""


def test_every_mistake_is_told_at_once_in_the_order_of_the_file():
    assert words(problems(WRONG)) == WRONG_WORDS


def test_every_mistake_has_a_place_and_a_remedy():
    for problem in problems(WRONG):
        assert problem.where.startswith("plan.md:")
        assert problem.hint


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        (
            "prompt: p\ntimeout: 1:30",
            (
                "`timeout` of task `a` must be a duration, not `1:30`\n"
                "  at plan.md:7:14 tasks[0].timeout\n"
                "  do write seconds (90) or a duration (90s, 10m, 1h30m)\n"
            ),
        ),
        (
            "prompt: p\ntimeout: 0",
            (
                "`timeout` of task `a` must be more than nothing and at most 365 days, "
                "not the number 0\n"
                "  at plan.md:7:14 tasks[0].timeout\n"
                "  do write seconds (90) or a duration (90s, 10m, 1h30m)\n"
            ),
        ),
        (
            "prompt: p\nidle_timeout: never",
            (
                "`idle_timeout` of task `a` must be a duration, not `never`\n"
                "  at plan.md:7:19 tasks[0].idle_timeout\n"
                "  do write seconds (90) or a duration (90s, 10m, 1h30m)\n"
            ),
        ),
        (
            "prompt: p\nestimate: XL",
            (
                "`estimate` of task `a` must be S, M, L or a duration, not `XL`\n"
                "  at plan.md:7:15 tasks[0].estimate\n"
                "  do write seconds (90) or a duration (90s, 10m, 1h30m)\n"
            ),
        ),
        (
            "prompt: p\nread_only: 'yes'",
            (
                "`read_only` of task `a` must be true or false, not `yes`\n"
                "  at plan.md:7:16 tasks[0].read_only\n"
                "  do write true or false, without quotes\n"
            ),
        ),
        (
            "prompt: p\nmax_retries: 101",
            (
                "`max_retries` of task `a` must be at most 100, not the number 101\n"
                "  at plan.md:7:18 tasks[0].max_retries\n"
                "  do write 100 or less\n"
            ),
        ),
        (
            "prompt: p\nenv: [A]",
            (
                "`env` of task `a` must be a mapping of names to values, not a list\n"
                "  at plan.md:7:10 tasks[0].env\n"
                "  do write a mapping: {name: value}\n"
            ),
        ),
        (
            "prompt: p\nenv: {PATH: '$PATH:/opt/bin'}",
            (
                "`env.PATH` of task `a` must name directories\n"
                "  at plan.md:7:17 tasks[0].env.PATH\n"
                "  do nothing is expanded here: write them out, or set it in a command\n"
            ),
        ),
        (
            "prompt: p\nenv: {GIT_DIR: .git, PO_SLOT: '1', CLAUDECODE: '1'}",
            (
                "`env.GIT_DIR` of task `a` must not be set\n"
                "  at plan.md:7:20 tasks[0].env.GIT_DIR\n"
                "  do it could lead the task's git out of its worktree: remove it\n"
                "`env.PO_SLOT` of task `a` must not be set\n"
                "  at plan.md:7:35 tasks[0].env.PO_SLOT\n"
                "  do names that begin with `PO_` belong to the tool: choose another\n"
                "`env.CLAUDECODE` of task `a` must not be set\n"
                "  at plan.md:7:52 tasks[0].env.CLAUDECODE\n"
                "  do an agent would take itself for a part of another session: remove it\n"
            ),
        ),
        (
            'prompt: p\nskills: [""]\ncontracts: [../types.py, a]',
            (
                "`skills[0]` of task `a` must not be empty\n"
                "  at plan.md:7:14 tasks[0].skills[0]\n"
                "  do write something or remove the line\n"
                "`contracts[0]` of task `a` must be a path inside the project, not `../types.py`\n"
                "  at plan.md:8:17 tasks[0].contracts[0]\n"
                "  do write it relative to `cwd`, without `..`\n"
            ),
        ),
        (
            "prompt: p\ndepends_on:",
            (
                "`depends_on` of task `a` must be a list, not nothing\n"
                "  at plan.md:7:16 tasks[0].depends_on\n"
                "  do give it a value or remove the line\n"
            ),
        ),
        (
            "prompt: p\nisolation: none",
            (
                "task `a` has `isolation: none`, but is not `read_only`\n"
                "  at plan.md:7:16 tasks[0].isolation\n"
                "  do add `read_only: true`, or let it work in a worktree\n"
            ),
        ),
        (
            "prompt: p\ncommand: ls",
            (
                "task `a` has a `command`, but its backend is `claude`\n"
                "  at plan.md:7:14 tasks[0].command\n"
                "  do add `backend: command`, or remove the command\n"
            ),
        ),
        (
            "backend: command",
            (
                "task `a` has the backend `command`, but no `command`\n"
                "  at plan.md:6:14 tasks[0].backend\n"
                "  do add `command: [program, argument]`, or a shell line\n"
            ),
        ),
        (
            "title: no prompt",
            (
                "task `a` has no prompt\n"
                "  at plan.md:5:5 tasks[0]\n"
                "  do add `prompt`, or `prompt_file`, or a section under the heading `## a`\n"
            ),
        ),
        (
            "prompt: p\nprompt_file: f",
            (
                "task `a` has more than one prompt: `prompt`, `prompt_file`\n"
                "  at plan.md:6:13 tasks[0].prompt\n"
                "  do keep one of them\n"
            ),
        ),
        (
            "prompt_file: f.txt",
            (
                "the prompt file `f.txt` of task `a` can't be used: No such file or directory\n"
                "  at plan.md:6:18 tasks[0].prompt_file\n"
                "  do its path counts from the plan's folder\n"
            ),
        ),
        (
            "prompt: p\nneeds: [b]",
            (
                "unknown key `needs` in task `a`\n"
                "  at plan.md:7:5 tasks[0].needs\n"
                "  do did you mean `depends_on`?\n"
            ),
        ),
        (
            'prompt: "a\\0b"',
            (
                "a text contains a NUL character\n"
                "  at plan.md:6:13 tasks[0].prompt\n"
                "  do remove the `\\0`\n"
            ),
        ),
        (
            "prompt: !!python/name:os.system x",
            (
                "the YAML tag `!!python/name:os.system` is not allowed\n"
                "  at plan.md:6:13 tasks[0].prompt\n"
                "  do remove the tag\n"
            ),
        ),
        (
            "prompt: *name",
            (
                "`*name` is not defined\n"
                "  at plan.md:6:13 tasks[0].prompt\n"
                "  do define it with `&name`, or put text that begins with `*` in quotes\n"
            ),
        ),
        (
            "prompt: a: b",
            (
                "not valid YAML: mapping values are not allowed in this context\n"
                "  at plan.md:6:14\n"
                "  do check the indentation, and put text that contains `: ` in quotes\n"
            ),
        ),
    ],
)
def test_a_faulty_task_is_told_with_its_place_and_a_way_out(fields, told):
    assert of_task(fields) == told


@pytest.mark.parametrize("name", ["", "a b", "a/b", "..", "ä", "a" * 65, '"a\\n"'])
def test_an_id_that_cannot_name_a_file_is_refused(name):
    quoted = name if name.startswith('"') else f'"{name}"'
    text = f'---\npo_plan_version: "0.2"\nname: n\ntasks: [{{id: {quoted}, prompt: p}}]\n---\n'

    (problem,) = problems(text)

    assert problem.what.startswith("`id` of tasks[0] must be 1 to 64 letters, digits, `-` or `_`")


def test_a_prompt_in_the_front_matter_and_in_the_body_is_one_too_many():
    told = of_task("prompt: p", body="\n# a\nAgain.\n")

    assert told == (
        "task `a` has more than one prompt: `prompt`, the section on line 9\n"
        "  at plan.md:6:13 tasks[0].prompt\n"
        "  do keep one of them\n"
    )


def test_two_sections_of_one_task_are_one_too_many():
    told = of_task("title: t", body="# a\nOne.\n# a\nTwo.\n")

    assert "more than one prompt: the section on line 8, the section on line 10\n" in told


def test_an_empty_section_is_told_at_its_heading():
    told = of_task("title: t", body="# a\n\n")

    assert told == (
        "the section of task `a` is empty\n"
        "  at plan.md:8:1 tasks[0].prompt\n"
        "  do write the prompt below the heading\n"
    )


def test_a_circle_is_shown_with_its_path():
    text = """---
po_plan_version: "0.2"
name: n
tasks:
  - {id: a, prompt: p, depends_on: [b]}
  - {id: b, prompt: p, depends_on: [c]}
  - {id: c, prompt: p, depends_on: [a]}
  - {id: d, prompt: p, depends_on: [e]}
  - {id: e, prompt: p, depends_on: [d]}
---
"""
    assert words(problems(text)) == (
        "these tasks wait for each other in a circle: a -> b -> c -> a\n"
        "  at plan.md:5:37 tasks[0].depends_on[0]\n"
        "  do remove one of these dependencies\n"
        "these tasks wait for each other in a circle: d -> e -> d\n"
        "  at plan.md:8:37 tasks[3].depends_on[0]\n"
        "  do remove one of these dependencies\n"
    )


def test_ids_that_differ_only_in_case_are_refused():
    text = (
        '---\npo_plan_version: "0.2"\nname: n\ntasks:\n'
        "- {id: a, prompt: p}\n- {id: A, prompt: p}\n---\n"
    )

    assert words(problems(text)) == (
        "the task ids `a` and `A` differ only in case\n"
        "  at plan.md:6:8 tasks[1].id\n"
        "  do choose another id: tasks[0] has it already (line 5)\n"
    )


def test_a_wrong_default_makes_no_further_noise():
    text = """---
po_plan_version: "0.2"
name: n
defaults: {backend: 7, command: ls}
tasks: [{id: a}, {id: b, read_only: maybe, isolation: none, prompt: p}]
---
"""
    told = [problem.what for problem in problems(text)]

    assert told == [
        "`backend` of defaults must be text, not the number 7",
        "`read_only` of task `b` must be true or false, not `maybe`",
    ]


@pytest.mark.parametrize(
    ("version", "what", "hint"),
    [
        ("0.2", "`po_plan_version` must be text, not the number 0.2", 'put it in quotes: "0.2"'),
        ("0.1", "`po_plan_version` must be text, not the number 0.1", 'put it in quotes: "0.1"'),
        (
            '"0.3"',
            '`po_plan_version` must be "0.1" or "0.2", not 0.3',
            'write `po_plan_version: "0.2"`',
        ),
        (
            "[]",
            '`po_plan_version` must be "0.1" or "0.2", not a list',
            'write `po_plan_version: "0.2"`',
        ),
    ],
)
def test_a_version_that_is_none_is_told(version, what, hint):
    text = (
        f"---\npo_plan_version: {version}\nname: n\ncwd: .\n"
        "tasks: [{id: a, agent: a, read_only: true, prompt: p}]\n---\n"
    )

    found = problems(text)

    assert (found[0].what, found[0].hint) == (what, hint)


def test_an_empty_mapping_tells_what_a_plan_needs():
    assert words(problems("---\n{}\n---\n")) == (
        "the plan has no `po_plan_version`\n"
        "  at plan.md:2:1\n"
        '  do add `po_plan_version: "0.2"`\n'
        "the plan has no `name`\n"
        "  at plan.md:2:1\n"
        "  do add `name: what this plan does`\n"
        "the plan has no `tasks`\n"
        "  at plan.md:2:1\n"
        "  do write `tasks:`, then `  - id: a-name` and so on\n"
    )


FENCES = "begin the file with `---`, then the YAML of the plan, then `---` again"


@pytest.mark.parametrize(
    ("text", "what", "place", "hint"),
    [
        ("", "the file is empty", "1:1", FENCES),
        ("\n\n", "the file is empty", "1:1", FENCES),
        (
            "# A title\n---\n",
            "the first line must be `---`, the beginning of the front matter",
            "1:1",
            FENCES,
        ),
        (
            "---\nname: n\n",
            "the front matter has no end: no second line `---`",
            "1:1",
            "add a line `---` behind the plan",
        ),
        (
            "---\n- a\n---\n",
            "the plan must be a mapping of keys to values, not a list",
            "1:1",
            'write `po_plan_version: "0.2"` and so on',
        ),
        (
            "---\n---\n",
            "the plan must be a mapping of keys to values, not nothing",
            "1:1",
            'write `po_plan_version: "0.2"` and so on',
        ),
        (
            b"---\nname: \xff\n---\n",
            "the file is not UTF-8: byte 0xff does not fit",
            "2:7",
            "save it as UTF-8",
        ),
        (b"\xff\xfe-\0-\0-\0", "the file is UTF-16", "1:1", "save it as UTF-8"),
        (
            "---\nname: a\0b\n---\n",
            "the file contains a NUL byte: it is not text",
            "2:8",
            "save it as UTF-8 text",
        ),
        (
            "---\na: b\n...\n",
            "the front matter has no end: no second line `---`",
            "1:1",
            "add a line `---` behind the plan",
        ),
        (
            "---\nä: b\nü: ü \x07\n---\n",
            "not valid YAML: control characters are not allowed",
            "3:6",
            "remove that character",
        ),
    ],
)
def test_a_file_that_is_no_plan_is_told(text, what, place, hint):
    (problem,) = problems(text)

    assert (problem.what, problem.where, problem.hint) == (what, f"plan.md:{place}", hint)


@pytest.mark.parametrize("rest", ["      still the prompt\n", "  - id: b\n    prompt: p\n"])
def test_a_fence_inside_a_prompt_that_cuts_the_plan_is_told(rest):
    text = (
        '---\npo_plan_version: "0.2"\nname: n\ntasks:\n  - id: a\n    prompt: |\n      one\n'
        f"---\n\n{rest}---\n"
    )

    assert words(problems(text)) == (
        "the front matter seems to end too early: a `---` inside a block text ends it\n"
        "  at plan.md:8:1\n"
        "  do indent that `---` like the text around it\n"
    )


def test_a_body_with_rules_and_lists_is_no_early_end():
    text = (
        '---\npo_plan_version: "0.2"\nname: n\ntasks:\n  - id: a\n    prompt: |\n      one\n'
        "---\n- a list\n\n---\n    code\n"
    )

    assert parse(text.encode(), Path("/plan.md"), no_files).tasks[0].prompt == "one\n"


LAST_TASK = {"in a block text": "prompt: |\n      one", "between two tasks": "prompt: one"}
REST = {
    "a task": "  - id: b\n    prompt: two\n---\n",
    "below other text": "title: x\n---\n  - {id: b, prompt: two}\n---\n",
    "below a comment": "  # the second\n  - id: b\n    prompt: two\n---\n\n## b\n\ntwo\n",
    "without an end": "    verify: x\n  - id: b\n    prompt: two\n",
}


@pytest.mark.parametrize("last", LAST_TASK.values(), ids=LAST_TASK)
@pytest.mark.parametrize("rest", REST.values(), ids=REST)
def test_a_fence_that_cuts_tasks_off_is_told_at_its_line(last, rest):
    front = f'---\npo_plan_version: "0.2"\nname: n\ntasks:\n  - id: a\n    {last}\n'

    (problem,) = problems(f"{front}---\n{rest}")

    assert problem.what.startswith("the front matter seems to end too early: a ")
    assert problem.where == f"plan.md:{front.count(chr(10)) + 1}:1"


EXAMPLES = {
    "in a block of code": "```yaml\n---\n- id: b\n---\n```\n",
    "indented as code": "    - id: b\n\n---\n",
    "under a heading": "# How\n\n- id: what a task is called\n",
    "in a prompt": "## a\n\nAdd to the plan:\n\n- id: b\n\n---\n",
    "without a value": "- id: \n",
}


@pytest.mark.parametrize("body", EXAMPLES.values(), ids=EXAMPLES)
def test_an_example_of_a_task_in_the_body_is_no_task(body):
    prompt = "" if "## a" in body else ", prompt: p"
    text = f'---\npo_plan_version: "0.2"\nname: n\ntasks: [{{id: a{prompt}}}]\n---\n{body}'

    assert [task.id for task in parse(text.encode(), Path("/plan.md"), no_files).tasks] == ["a"]


def test_a_published_manifest_may_have_any_text_below():
    text = (
        '---\npo_plan_version: "0.1"\nname: n\ncwd: .\ntasks:\n'
        "  - {id: a, agent: x, read_only: true}\n---\n- id: b\n---\n"
    )

    assert [task.id for task in parse(text.encode(), Path("/plan.md"), no_files).tasks] == ["a"]


def test_a_second_document_is_told():
    (problem,) = problems("name: n\n---\nname: m\n", name="plan.yaml")

    assert problem.what == "a second YAML document begins here"
    assert problem.where.startswith("plan.yaml:2:1")


def test_there_is_an_end_to_complaints():
    tasks = "".join(f"  - {{id: t{i}, promt: p}}\n" for i in range(1000))

    found = problems(f'---\npo_plan_version: "0.2"\nname: n\ntasks:\n{tasks}---\n')

    assert len(found) == MOST + 1
    assert found[-1].what == "there may be more than these 500 problems; the check stopped here"


@pytest.mark.parametrize(
    ("name", "what"),
    [
        ("missing.md", "can't read the plan: no such file or directory"),
        ("folder", "can't read the plan: is a directory"),
        ("pipe", "can't read the plan: not a regular file"),
        ("large.md", "can't read the plan: larger than 32 MiB"),
        ("loop", "can't read the plan: "),
        ("a\0b", "can't read the plan: not a usable path"),
    ],
)
def test_a_path_that_is_no_file_is_told(tmp_path, name, what):
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    with (tmp_path / "large.md").open("wb") as file:
        file.truncate(33 * 1024 * 1024)

    with pytest.raises(PlanError) as caught:
        load(tmp_path / name)

    (problem,) = caught.value.problems
    assert problem.what.startswith(what)
    assert problem.where == str(tmp_path / name)
    assert problem.hint
    assert f"{name}`" not in problem.hint


def test_a_mistyped_path_gets_a_guess(tmp_path):
    (tmp_path / "plan.md").touch()

    with pytest.raises(PlanError) as caught:
        load(tmp_path / "paln.md")

    assert caught.value.problems[0].hint == f"did you mean `{tmp_path / 'plan.md'}`?"


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        (
            "backend: codex\nmax_turns: 3",
            (
                "task `a` has `max_turns`, which its backend `codex` does not understand\n"
                "  at plan.md:8:16 tasks[0].max_turns\n"
                "  do remove the line; `claude` understands it\n"
            ),
        ),
        (
            "backend: gemini\nagent: coder",
            (
                "task `a` has `agent`, which its backend `gemini` does not understand\n"
                "  at plan.md:8:12 tasks[0].agent\n"
                "  do remove the line; `claude` or `opencode` understands it\n"
            ),
        ),
        (
            "backend: codex\npermission_mode: workspace-wirte",
            (
                "`permission_mode` of task `a` must be `danger-full-access`, `read-only` or "
                "`workspace-write`, not `workspace-wirte`\n"
                "  at plan.md:8:22 tasks[0].permission_mode\n"
                "  do did you mean `workspace-write`?\n"
            ),
        ),
        (
            "read_only: true\npermission_mode: default",
            (
                "task `a` is `read_only`, which decides its `permission_mode`\n"
                "  at plan.md:8:22 tasks[0].permission_mode\n"
                "  do keep one of them\n"
            ),
        ),
        (
            "allowed_tools: [--model]",
            (
                "`allowed_tools[0]` of task `a` must not begin with `-` or contain `,`\n"
                "  at plan.md:7:21 tasks[0].allowed_tools[0]\n"
                "  do write each tool as an entry of its own\n"
            ),
        ),
        (
            "max_turns: 0",
            (
                "`max_turns` of task `a` must be at least 1, not the number 0\n"
                "  at plan.md:7:16 tasks[0].max_turns\n"
                "  do write 1 or more\n"
            ),
        ),
    ],
)
def test_what_a_backend_cannot_be_told_is_told(fields, told):
    assert of_task(f"prompt: p\n{fields}") == told


def waves_of(*tasks: str) -> str:
    lines = "".join(f"  - {{prompt: p, {task}}}\n" for task in tasks)
    return words(problems(f'---\npo_plan_version: "0.2"\nname: n\ntasks:\n{lines}---\n'))


def test_a_task_of_an_earlier_wave_cannot_need_one_of_a_later_wave():
    told = waves_of("id: a, wave: 1, depends_on: [c, b]", "id: b, wave: 2", "id: c")

    assert told == (
        "task `a` of wave 1 depends on `b` of wave 2\n"
        "  at plan.md:5:49 tasks[0].depends_on[1]\n"
        "  do wave 2 begins when wave 1 is done: change one of the two\n"
    )


def test_a_circle_through_waves_is_told_at_a_dependency_that_was_written():
    told = waves_of("id: a, wave: 1, depends_on: [c]", "id: b, wave: 2", "id: c, depends_on: [b]")

    assert told == (
        "these tasks wait for each other in a circle: a -> c -> b -> a\n"
        "  at plan.md:5:46 tasks[0].depends_on[0]\n"
        "  do remove one of these dependencies, or change a `wave`: "
        "its tasks wait for those of the wave before\n"
    )


def test_waves_too_large_for_each_other_are_refused():
    told = waves_of(*(f"id: t{i}, wave: {i % 2}" for i in range(2004)))

    assert told.startswith("the waves make 1,004,004 dependencies, more than 1,000,000\n")
    assert "put a wave with one task between" in told


@pytest.mark.parametrize("wave", ["-1", "true", "one", "1.5"])
def test_a_wave_is_a_whole_number(wave):
    assert "`wave` of task `a` must be" in waves_of(f"id: a, wave: {wave}")


def test_what_a_usage_limit_can_t_be_is_told_with_its_places():
    text = (
        '---\npo_plan_version: "0.2"\nname: n\ntasks: [{id: a, prompt: p}]\n'
        "usage_limit:\n  mode: stopp\n  max_wait: soon\n  maxwait: 5h\n---\n"
    )

    assert words(problems(text)) == (
        "`usage_limit.mode` must be `wait` or `stop`, not `stopp`\n"
        "  at plan.md:6:9 usage_limit.mode\n"
        "  do did you mean `stop`?\n"
        "`usage_limit.max_wait` must be a duration, not `soon`\n"
        "  at plan.md:7:13 usage_limit.max_wait\n"
        "  do write seconds (90) or a duration (90s, 10m, 1h30m)\n"
        "unknown key `maxwait` in `usage_limit`\n"
        "  at plan.md:8:3 usage_limit.maxwait\n"
        "  do did you mean `max_wait`?\n"
    )


def test_who_can_t_be_told_of_a_run_is_said_with_the_places():
    text = (
        '---\npo_plan_version: "0.2"\nname: n\ntasks: [{id: a, prompt: p}]\n'
        "on_complete: {webhook_url: http://example.org}\n"
        "on_failure: {webhook: x}\n"
        "on_event: {events: [Faild]}\n"
        "notify: mailto://x\n---\n"
    )

    assert words(problems(text)) == (
        "`on_complete.webhook_url` can't be used\n"
        "  at plan.md:5:28 on_complete.webhook_url\n"
        "  do a webhook's URL must begin with `https://`\n"
        "`on_failure` has no `webhook_url`\n"
        "  at plan.md:6:13 on_failure\n"
        "  do add `webhook_url: https://...`\n"
        "unknown key `webhook` in `on_failure`\n"
        "  at plan.md:6:14 on_failure.webhook\n"
        "  do did you mean `webhook_url`?\n"
        "`on_event` must say what is run\n"
        "  at plan.md:7:11 on_event\n"
        "  do write a command, or `{run: COMMAND, events: [Failed, RunEnded]}`\n"
        "`notify` must be a list, not `mailto://x`\n"
        "  at plan.md:8:9 notify\n"
        "  do write a list: [mailto://x]\n"
    )


@pytest.mark.parametrize(
    ("hook", "told"),
    [
        ("{run: x, events: [Faild]}", "`on_event.events[0]` can't be used"),
        ("{run: x, events: [[Failed]]}", "`on_event.events[0]` can't be used"),
        ("{run: x, events: []}", "`on_event.events` must be a list of kinds of events"),
        ("{run: x, event: [Failed]}", "`on_event.event` can't be used"),
        ("{run: [], events: [Failed]}", "`on_event.run` must be"),
        ("[]", "`on_event` must be"),
        ("7", "`on_event` must be"),
    ],
)
def test_a_command_for_events_that_can_t_be_one_is_told(hook, told):
    text = (
        '---\npo_plan_version: "0.2"\nname: n\ntasks: [{id: a, prompt: p}]\n'
        f"on_event: {hook}\n---\n"
    )

    (problem,) = problems(text)

    assert problem.what.startswith(told)


def test_a_version_by_another_name_is_one_mistake_at_its_place():
    text = '---\nversion: "0.2"\nname: n\ntasks: [{id: a, prompt: p}]\n---\n'

    assert words(problems(text)) == (
        "the plan has no `po_plan_version`\n"
        "  at plan.md:2:1 version\n"
        '  do write `po_plan_version: "0.2"` in place of `version`\n'
    )


def test_a_word_alone_says_what_a_run_does_at_a_usage_limit():
    text = '---\npo_plan_version: "0.2"\nname: n\ntasks: [{{id: a, prompt: p}}]\nusage_limit: {}\n---\n'

    plan = parse(text.format("stop").encode(), Path("/project/plan.md"), no_files)
    (problem,) = problems(text.format("pause"))

    assert plan.usage_limit.mode is LimitMode.STOP
    assert problem.what == "`usage_limit.mode` must be `wait` or `stop`, not `pause`"


def test_a_way_to_halt_that_is_none_is_told():
    text = '---\npo_plan_version: "0.2"\nname: n\nhalt: 3\ntasks: [{id: a, prompt: p}]\n---\n'

    assert words(problems(text)) == (
        "`halt` must be `keep-going`, `soon` or `now`, not the number 3\n"
        "  at plan.md:4:7 halt\n"
        "  do `soon,3` stops after three failed tasks, `now,20%` after a fifth of all tasks\n"
    )


def test_the_mistakes_of_a_yaml_plan_have_their_own_lines():
    text = """po_plan_version: "0.2"
name: n
tasks:
  - id: a
    promt: p
  - id: b
    prompt: p
    depends_on: [c]
"""

    told = words(problems(text, "plan.yaml"))

    assert "  at plan.yaml:5:5 tasks[0].promt\n  do did you mean `prompt`?" in told
    assert "  at plan.yaml:8:18 tasks[1].depends_on[0]" in told


@pytest.mark.parametrize(
    ("expect", "told"),
    [
        ("[a.txt, ../b]", "`expect[1]` of task `a` must be a path inside the project, not `../b`"),
        ("[3]", "`expect[0]` of task `a` must be a path or a mapping with `path` or `command`"),
        ("[{path: /x}]", "`expect[0].path` of task `a` must be a path inside the project"),
        (
            "[{path: a, command: b}]",
            "`expect[0]` of task `a` must have one of `path` and `command`",
        ),
        ("[{path: a, contain: b}]", "`expect[0].contain` of task `a` can't be used"),
        ("[{path: a, contains: 3}]", "`expect[0].contains` of task `a` must be text"),
        ("[{command: a}]", "`expect[0]` of task `a` must say what the command prints"),
        ("[{command: [a, 1], contains: b}]", "`expect[0].command[1]` of task `a` must be text"),
    ],
)
def test_evidence_that_cannot_be_looked_for_is_told(expect, told):
    found = of_task(f"prompt: p\nexpect: {expect}")

    assert told in found
    assert "  at plan.md:7:" in found


@pytest.mark.parametrize(
    ("fields", "places"),
    [
        (
            "expect: [3, a.txt, {pth: x, contain: y}, {command: a}]",
            ["expect[0]", "expect[2].pth", "expect[2].contain", "expect[3]"],
        ),
        ("verify: [[], pytest, 5, [a, 1, b, 2]]", ["verify[0]", "verify[2]", "verify[3][1]"]),
        ("setup: {copy: [/a, b, '!c'], run: ['', x, 7]}", ["setup.copy[0]", "setup.run[2]"]),
        ("env: {PATH: '$PATH:/x', PO_A: b, N: 5}", ["env.PATH", "env.PO_A", "env.N"]),
        ("writes: ['src/{a', 'b}', /c, d]", ["writes[0]", "writes[1]", "writes[2]"]),
    ],
)
def test_each_wrong_entry_of_a_list_is_told(fields, places):
    found = of_task(f"prompt: p\n{fields}")

    assert [place for place in places if f"tasks[0].{place}\n" not in found] == []


def test_a_version_that_is_none_hides_no_other_mistake():
    text = '---\npo_plan_version: "0.3"\nname: n\ntasks: [{id: a, promt: p}]\n---\n'

    told = [problem.what for problem in problems(text)]

    assert told == [
        '`po_plan_version` must be "0.1" or "0.2", not 0.3',
        "task `a` has no prompt",
        "unknown key `promt` in task `a`",
    ]


@pytest.mark.parametrize(
    ("setup", "told"),
    [
        ("{copy: [.env, ../x]}", "`setup.copy[1]` of task `a` must be a path inside the project"),
        ("{symlink: /x}", "`setup.symlink` of task `a` must be a path inside the project"),
        ("{keep: ['!x']}", "`setup.keep[0]` of task `a` must name something"),
        ("{run: [[a, 1]]}", "`setup.run[0][1]` of task `a` must be text, not the number 1"),
        ("{timeout: soon}", "`setup.timeout` of task `a` must be a duration, not `soon`"),
        ("{inputs: 3}", "`setup.inputs` of task `a` must be a path or a pattern, not the number 3"),
        ("{runs: x}", "unknown key `runs` in `setup` of task `a`"),
        ("npm ci", "`setup` of task `a` must be a mapping of names to values, not `npm ci`"),
    ],
)
def test_a_setup_that_cannot_be_made_is_told(setup, told):
    found = of_task(f"prompt: p\nsetup: {setup}")

    assert told in found
    assert "  at plan.md:7:" in found


@pytest.mark.parametrize(
    ("line", "hint"),
    [
        ("timeout: 5m", "it is a key of a task or of `defaults`: write it there"),
        ("writes: [a]", "it is a key of a task: write it there"),
        ("deps: [a]", "did you mean `depends_on`? It is a key of a task: write it there"),
        ("max_worker: 2", "did you mean `max_workers`?"),
        ("defaults: {writes: [x]}", "it is a key of a task: write it there"),
        ("defaults: {write: [x]}", "did you mean `writes`? It is a key of a task: write it there"),
        ("defaults: {timeouts: 5}", "did you mean `timeout`?"),
        ("defaults: {halt: now}", "it is a key of the plan itself: write it there"),
        (
            "tasks: [{id: a, prompt: p, max_workers: 3}]",
            "it is a key of the plan itself: write it there",
        ),
        (
            "tasks: [{id: a, prompt: p, bse: x}]",
            "did you mean `base`? It is a key of the plan itself: write it there",
        ),
    ],
)
def test_a_key_in_the_wrong_place_is_told_where_it_belongs(line, hint):
    tasks = "" if line.startswith("tasks") else "tasks: [{id: a, prompt: p}]\n"

    (problem,) = problems(f'---\npo_plan_version: "0.2"\nname: n\n{line}\n{tasks}---\n')

    assert problem.hint == hint


def test_a_key_that_is_nowhere_gets_the_list_of_those_that_are():
    (problem,) = problems(
        '---\npo_plan_version: "0.2"\nname: n\ndefaults: {zzzz: 1}\ntasks: [{id: a, prompt: p}]\n---\n'
    )

    assert problem.hint.startswith("known keys: agent, allow_empty, ")


@pytest.mark.parametrize(
    ("checks", "told"),
    [
        ("{test: x}", "unknown key `test` in `checks`"),
        ("{tests: 3}", "`checks.tests` must be a command, not the number 3"),
        ("{timeout: soon}", "`checks.timeout` must be a duration, not `soon`"),
        ("pytest", "`checks` must be a mapping of names to values, not `pytest`"),
    ],
)
def test_checks_that_cannot_be_run_are_told(checks, told):
    text = f'---\npo_plan_version: "0.2"\nname: n\nchecks: {checks}\ntasks: [{{id: a, prompt: p}}]\n---\n'

    assert problems(text)[0].what == told


def test_an_unknown_key_of_the_plans_setup_gets_a_guess():
    text = (
        '---\npo_plan_version: "0.2"\nname: n\nsetup: {copi: a}\ntasks: [{id: a, prompt: p}]\n---\n'
    )

    assert words(problems(text)) == (
        "unknown key `copi` in `setup`\n  at plan.md:4:9 setup.copi\n  do did you mean `copy`?\n"
    )


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ("", "task `a` has `isolation: shared`, but does not say what it writes"),
        ("read_only: true", "task `a` has `isolation: shared`, but is `read_only`"),
        ("writes: ['a.py::f']", "task `a` has `isolation: shared`, but writes a part of a file"),
        ("creates: ['a.py::f']", "task `a` has `isolation: shared`, but writes a part of a file"),
        (
            "writes: [a]\nsetup: {run: x}",
            "task `a` has `isolation: shared`, but a `setup` of its own",
        ),
    ],
)
def test_a_task_that_cannot_share_a_worktree_is_told(fields, told):
    assert of_task(f"prompt: p\nisolation: shared\n{fields}").startswith(told)


def of_backends(fields: str, task: str = "prompt: p") -> str:
    head = f'---\npo_plan_version: "0.2"\nname: n\nbackends: {fields}\n'
    return words(problems(f"{head}tasks:\n  - {{id: a, {task}}}\n---\n"))


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        (
            "[x]",
            (
                "`backends` must be a mapping of names to agents, not a list\n"
                "  at plan.md:4:11 backends\n"
                "  do write `name: {command: [program]}`\n"
            ),
        ),
        (
            "{codex: {command: [x]}}",
            (
                "`backends.codex` must not have the name of a backend that there is\n"
                "  at plan.md:4:19 backends.codex\n"
                "  do take another\n"
            ),
        ),
        (
            "{mine: {command: x}}",
            (
                "`backends.mine.command` must be a list that begins with a program, not `x`\n"
                "  at plan.md:4:28 backends.mine.command\n"
                "  do write `[program, argument]`\n"
            ),
        ),
        (
            "{mine: {command: [x, '{modle}']}}",
            (
                "`backends.mine.command[1]` must not have `{modle}`\n"
                "  at plan.md:4:32 backends.mine.command[1]\n"
                "  do these can be filled in: `{agent}`, `{model}`, `{permission_mode}`, "
                "`{allowed_tools}`, `{disallowed_tools}`, `{max_turns}`, `{max_cost_usd}`, "
                "`{max_tokens}`, `{prompt_file}` or `{session}`\n"
            ),
        ),
        (
            "{mine: {command: [x], result: xml}}",
            (
                "`backends.mine.result` must be `text`, `claude`, `codex`, `gemini` or `opencode`, "
                "not `xml`\n"
                "  at plan.md:4:41 backends.mine.result\n"
                "  do the language in which it answers; `text` is its last lines and its exit code\n"
            ),
        ),
        (
            "{mine: {command: [x], classify: {auth: '('}}}",
            (
                "`backends.mine.classify.auth` must be a regular expression, not `(`\n"
                "  at plan.md:4:50 backends.mine.classify.auth\n"
                "  do write it as Python's `re` has it\n"
            ),
        ),
    ],
)
def test_an_agent_that_cannot_be_described_so_is_told(fields, told):
    assert of_backends(fields) == told


def test_all_that_is_wrong_with_described_agents_is_told_at_once():
    told = of_backends(
        "{codex: {command: [x]}, a: {stdin: 3, comand: [x]}, b: {command: [y, 1, [z, '{q}']], "
        "result: cluade, classify: {auth: '(', rate_limit: x}}}"
    )

    assert [line.split(maxsplit=2)[2] for line in told.splitlines() if "at plan.md" in line] == [
        "backends.codex",
        "backends.a",
        "backends.a.stdin",
        "backends.a.comand",
        "backends.b.command[1]",
        "backends.b.command[2][1]",
        "backends.b.result",
        "backends.b.classify.auth",
        "backends.b.classify.rate_limit",
    ]
    for guess in ("command", "claude", "rate_limited"):
        assert f"do did you mean `{guess}`?" in told


def test_a_described_agent_that_takes_a_name_that_is_taken_is_no_second_choice():
    told = of_backends("{claude: {command: [x]}}", "prompt: p, backend: cloude")

    assert "must be `claude`, `codex`, `command`, `gemini` or `opencode`, not `cloude`" in told


@pytest.mark.parametrize(
    ("written", "hint"),
    [
        ("src/a.py", "[src/a.py]"),
        ("a.py, b.py", "[a.py, b.py]"),
        ("'*.lock'", "['*.lock']"),
        ("src/{a,b}.py", "['src/{a,b}.py']"),
        ("'!it''s'", "['!it''s']"),
        ("'2026-13-45'", "['2026-13-45']"),
    ],
)
def test_a_list_as_it_is_hinted_at_can_be_read(written, hint):
    assert f"do write a list: {hint}\n" in of_task(f"prompt: p\nboundary: {written}")


def test_what_is_needed_is_looked_at_though_it_is_no_list():
    assert "depends on `biuld`, which the plan" in of_task("prompt: p\ndepends_on: biuld")


def test_text_that_yaml_takes_for_a_tag_is_told_as_that():
    told = of_task("prompt: p\nwrites:\n- src/\n- !src/gen/")

    assert told.startswith("the YAML tag `!src/gen/` is not allowed\n")
    assert 'do put it in quotes, if it is meant as text: "!src/gen/"' in told


def test_tasks_below_the_defaults_are_told_where_they_belong():
    told = words(problems('po_plan_version: "0.2"\nname: n\ndefaults: {tasks: []}\n', "plan.yaml"))

    assert "unknown key `tasks` in defaults" in told
    assert "do it is a key of the plan itself: write it there" in told


def test_a_word_in_place_of_a_mapping_gets_an_example_of_that_one():
    told = of_task("prompt: p\nsetup: npm ci")

    assert "do write `setup: {run: npm ci}`" in told


def test_half_a_retry_gets_a_hint_that_fits():
    assert "do write a number without a fraction" in of_task("prompt: p\nmax_retries: 1.5")


def test_a_described_agent_is_told_what_its_command_has_a_place_for():
    task = "prompt: p, backend: mine, model: m, max_turns: 3"

    assert of_backends("{mine: {command: [x, '{model}']}}", task) == (
        "task `a` has `max_turns`, which its backend `mine` does not understand\n"
        "  at plan.md:6:60 tasks[0].max_turns\n"
        "  do write `{max_turns}` into its command, or remove the line\n"
    )


@pytest.mark.parametrize("field", ["writes", "creates", "modifies"])
def test_each_way_to_say_what_is_written_lets_a_task_share_a_worktree(field):
    text = (
        '---\npo_plan_version: "0.2"\nname: n\n'
        f"tasks: [{{id: a, prompt: p, isolation: shared, {field}: [a.py]}}]\n---\n"
    )

    assert parse(text.encode(), Path("/project/plan.md"), no_files).tasks[0].may_write == ("a.py",)


@pytest.mark.parametrize(
    ("written", "line", "remedy"),
    [
        ("  - id: a\n    title: a: b", 5, "put text that contains `: ` in quotes"),
        ("  - id: a\n    title: 'a", 5, "close the quote"),
        ('  - id: a\n    title: "a\n    model: "b"', 5, "close the quote"),
        ("  - id: a\n    skills: [a, b", 5, "close every `[`"),
        ("  - {id: a, prompt: p", 4, "close every `[`"),
        ("  - id: a\n\ttitle: a", 5, "indent with spaces"),
        ("  - id: a\n     title: a", 5, "indent it like the lines around it"),
        ("  - id: a\n   title: a", 5, "indent it like the lines around it"),
        ("  -id: a\n    title: a", 4, "write a blank behind the `-`"),
        ("  - id: a\n    title a", 5, "with a blank behind the colon"),
        ("  - id: a\n    title:a", 5, "with a blank behind the colon"),
        ("  - id: a\n    title: @a", 5, "begins with `@` in quotes"),
        ("  - id: a\n    title: - a", 5, "begins with `- ` in quotes"),
        ("  - id: a\n    writes: [*.py, b]", 5, 'begins with `*` in quotes: "*.py"'),
        ("  - id: a\n    writes: [b/{c,d}.py, !e]", 5, 'braces in a list in quotes: "b/{c,d}.py"'),
        ("  - id: a\n    title: `a b` c", 5, 'in quotes: "`a b` c"'),
        ("  - id: a\n    writes: [b/, !b/c]", 5, 'begins with `!` in quotes: "!b/c"'),
        ("  - id: a\n    writes: [b.py, **/c.py] # *", 5, 'quotes: "**/c.py"'),
        ('  - id: a\n    writes:\n    - "*.md"\n    - *.py', 7, 'quotes: "*.py"'),
        ("  - id: a\n    context: |\n    Mind it.\n\n    And that!", 6, "below a `|`"),
        ("  - id: a\n    context: >-\n      Mind it.\n  And that!", 7, "below a `|`"),
        ("  - id: a\n    title: *a", 5, "begins with `*` in quotes"),
    ],
)
def test_a_slip_in_the_yaml_is_told_at_its_line_and_hides_no_other_mistake(written, line, remedy):
    rest = "  - id: b\n    prompt: p\n    timeout: soon\n"
    prompt = "" if "prompt" in written else "    prompt: p\n"
    text = f'po_plan_version: "0.2"\nname: n\ntasks:\n{written}\n{prompt}{rest}'

    found = problems(text, "plan.yaml")

    # `context` is a field of the plan: a text that was mended is looked at as any other
    slip, other = (one for one in found if "`context`" not in one.what)
    assert slip.where.startswith(f"plan.yaml:{line}:")
    assert remedy in slip.hint
    assert other.what == "`timeout` of task `b` must be a duration, not `soon`"


def test_several_slips_in_the_yaml_are_told_together():
    tasks = "tasks:\n  - id: a\n\tprompt: a: b\n  - id: b\n    prompt: 'it\n    promt: x\n"

    found = problems(f'po_plan_version: "0.2"\n{tasks}', "plan.yaml")

    lines = [problem.where.split(":")[1] for problem in found]
    assert lines == ["1", "4", "4", "6", "7"]


def test_yaml_that_cannot_be_guessed_is_told_alone():
    (problem,) = problems("name: n\n]: }\ntasks: [\n", "plan.yaml")

    assert problem.what.startswith("not valid YAML: ")


PLAN = 'po_plan_version: "0.2"\nname: n\ntasks:\n  - id: a\n    promt: p\n'


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        (PLAN, ["1:1", "4:5", "5:5"]),
        (f"---\n{PLAN}", ["1:1", "5:5", "6:5"]),
        (f"{PLAN}---\n\n## a\n\nDo it.\n", ["1:1", "5:5"]),
        (f"---\n{PLAN}\n## a\n\nDo it.\n", ["1:1", "6:5"]),
        (f"# My plan\n\n---\n{PLAN}---\n", ["1:1", "7:5", "8:5"]),
    ],
    ids=["no fences", "no end", "no beginning", "no end but a body", "a title in front"],
)
def test_a_missing_fence_hides_no_other_mistake(text, lines):
    told = [problem.where.split()[0] for problem in problems(text)]

    assert told == [f"plan.md:{line}" for line in lines]


def test_a_section_that_is_nobodys_prompt_is_remarked_on():
    text = (
        '---\npo_plan_version: "0.2"\nname: n\ntasks:\n  - {id: build}\n  - {id: b, prompt: p}\n---\n'
        "## build\n\nBuild.\n\n### check-it\n\n## Notes\n\n## add-docs\n\nDocs.\n\n## biuld\n\n## B\n"
    )

    plan = parse(text.encode(), Path("/p/plan.md"), Path.read_bytes, shown="p")

    assert plan.warnings == (
        (
            "p:16:1: the section `add-docs` is the prompt of no task "
            "(add a task with this `id`, or give it another heading)"
        ),
        "p:20:1: the section `biuld` is the prompt of no task (did you mean `build`?)",
        "p:22:1: the section `B` is the prompt of no task (did you mean `b`?)",
    )


def test_of_ids_that_differ_in_case_only_the_first_is_guessed():
    first, second = "{id: build, prompt: p}", "{id: Build, prompt: p, depends_on: [biuld]}"

    found = problems(f'---\npo_plan_version: "0.2"\nname: n\ntasks: [{first}, {second}]\n---\n')

    assert "did you mean `build`?" in [problem.hint for problem in found]


def test_the_separators_of_another_system_are_told():
    found = of_task("prompt: p\nwrites: ['src\\api\\x.py', '\\{x', 'a\\*']")

    assert "`writes[0]` of task `a` must have no `\\` before `a`" in found
    assert "write `/` between folders" in found
    assert "writes[1]" not in found
    assert "writes[2]" not in found
