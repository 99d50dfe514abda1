"""Version 0.1: what the published tool takes, and what it took although it could not go well."""

from pathlib import Path

import pytest

from parallel_orchestra.errors import PlanError
from parallel_orchestra.model import Plan, Task, Webhooks
from parallel_orchestra.plan import parse

SOURCE = Path("/project/docs/m.md")


def no_files(path: Path) -> bytes:
    raise AssertionError("a 0.1 manifest names no other files")


def read(top: str, body: str = "") -> Plan:
    text = f'---\npo_plan_version: "0.1"\nname: m\n{top}\n---\n{body}'
    return parse(text.encode(), SOURCE, no_files, shown="m.md")


def one(fields: str) -> Task:
    return read(
        f"cwd: ..\ntasks:\n  - id: a\n    agent: coder\n    read_only: false\n{fields}"
    ).tasks[0]


def refusals(top: str) -> list[str]:
    with pytest.raises(PlanError) as caught:
        read(top)
    return [problem.what for problem in caught.value.problems]


TASK = "tasks: [{id: a, agent: coder, read_only: true}]"


def test_a_manifest_takes_the_published_defaults():
    plan = read(f"cwd: ..\n{TASK}")

    assert plan == Plan(
        version="0.1",
        name="m",
        source=SOURCE,
        cwd=Path("/project"),
        tasks=(
            Task(
                id="a",
                agent="coder",
                prompt="/agent-coder",
                read_only=True,
                timeout=900.0,
                max_retries=1,
                allow_empty=True,
                backend="claude",
            ),
        ),
    )


def test_every_published_field_is_read():
    plan = read("""cwd: ..
defaults: {max_retries: 4}
concurrency_limits: {api: 2}
on_complete: {webhook_url: "https://example.org/done"}
on_failure: {webhook_url: "https://example.org/failed"}
tasks:
  - id: a
    agent: ""
    read_only: no
    prompt: |
      - fix {{ this }}

    env: {A: b}
    writes: [x.py, ../src/y.py]
    concurrency_group: api
  - {id: b, agent: r, read_only: yes, depends_on: [a, a], max_retries: 0}""")

    first, second = plan.tasks
    assert first.prompt == "- fix {{ this }}\n"
    assert (first.agent, first.read_only, first.env, first.max_retries) == (
        "",
        False,
        {"A": "b"},
        4,
    )
    assert first.writes == ("docs/x.py", "src/y.py")
    assert first.concurrency_group == "api"
    assert (second.read_only, second.depends_on, second.max_retries) == (True, ("a",), 0)
    assert plan.concurrency_limits == {"api": 2}
    assert plan.webhooks == Webhooks("https://example.org/done", "https://example.org/failed")


@pytest.mark.parametrize(
    ("written", "prompt"),
    [
        ("  leading", "leading"),
        ('"  kept  "', "  kept  "),
        ('""', ""),
        ("|\n      a", "a"),
        ("|\n      a\n    env: {}", "a\n"),
        ("|+\n      a\n", "a\n"),
        (">-\n      a\n      b\n", "a b"),
        ("2026-01-01", "2026-01-01"),
    ],
)
def test_a_prompt_stays_as_yaml_reads_it(written, prompt):
    assert one(f"    prompt: {written}").prompt == prompt


def test_the_text_below_the_front_matter_is_nobodys_prompt():
    plan = read(f"cwd: .\n{TASK}", body="# a\nNot this.\n")

    assert plan.tasks[0].prompt == "/agent-coder"


@pytest.mark.parametrize("empty", ["env", "writes", "depends_on", "concurrency_group"])
def test_an_empty_field_is_nothing(empty):
    task = one(f"    {empty}:")

    assert not getattr(task, empty)


@pytest.mark.parametrize(("written", "count"), [('"2"', 2), ("1.9", 1), ("500", 500)])
def test_retries_are_whatever_makes_a_whole_number(written, count):
    assert one(f"    max_retries: {written}").max_retries == count


def test_unknown_keys_are_warnings_with_a_guess():
    plan = read("""cwd: .
owner: me
defaults: {max_retry: 3}
on_complete: {webhook_url: "https://example.org/", retries: 1}
tasks:
  - {id: a, agent: c, read_only: true, depend_on: [b]}""")

    assert plan.warnings == (
        "m.md:5:1 owner: unknown key `owner` has no effect",
        (
            "m.md:6:12 defaults.max_retry: unknown key `max_retry` in defaults has no effect "
            "(did you mean `max_retries`?)"
        ),
        "m.md:7:52 on_complete.retries: unknown key `retries` in `on_complete` has no effect",
        (
            "m.md:9:40 tasks[0].depend_on: unknown key `depend_on` in task `a` has no effect "
            "(did you mean `depends_on`?)"
        ),
    )


def test_a_missing_name_is_the_files():
    text = f'---\npo_plan_version: "0.1"\ncwd: .\n{TASK}\n---\n'

    assert parse(text.encode(), SOURCE, no_files).name == "m"


def test_overlapping_writes_are_no_error():
    plan = read(
        "cwd: .\ntasks:\n- {id: a, agent: c, read_only: false, writes: [x]}\n"
        "- {id: b, agent: c, read_only: false, writes: [x]}"
    )

    assert [task.writes for task in plan.tasks] == [("x",), ("x",)]


def test_what_is_written_outside_of_the_project_is_left_out():
    assert one("    writes: [../../elsewhere, /etc, in]").writes == ("docs/in",)


@pytest.mark.parametrize(
    "key", ["cwd", "timeout_sec", "idle_timeout_sec", "retry_delay_sec", "retry_backoff_factor"]
)
def test_keys_that_the_published_tool_keeps_to_itself_are_refused(key):
    told = refusals(f"cwd: .\ntasks: [{{id: a, agent: c, read_only: true, {key}: 1}}]")

    assert told == [f"`{key}` of task `a` is not allowed in a plan of version 0.1"]


def test_all_that_is_missing_is_told_at_once():
    told = refusals("tasks: [{prompt: p}]")

    assert told == [
        "the plan has no `cwd`",
        "tasks[0] has no `id`",
        "tasks[0] has no `agent`",
        "tasks[0] has no `read_only`",
    ]


@pytest.mark.parametrize(
    ("fields", "what"),
    [
        ("agent: -x, read_only: true", "`agent` of task `a` must be letters"),
        ("agent: a b, read_only: true", "`agent` of task `a` must be letters"),
        ('agent: c, read_only: "true"', "`read_only` of task `a` must be true or false"),
        ("agent: c, read_only: true, prompt: 5", "`prompt` of task `a` must be text"),
        ("agent: c, read_only: true, env: {PYTHONPATH: x}", "`env.PYTHONPATH` of task `a` must"),
        ("agent: c, read_only: true, env: {A: 1}", "`env.A` of task `a` must be text"),
        ("agent: c, read_only: true, depends_on: [b]", "task `a` depends on `b`, which the plan"),
        ("agent: c, read_only: true, depends_on: [a]", "task `a` depends on itself"),
        ("agent: c, read_only: true, concurrency_group: g", "task `a` is in the group `g`, which"),
        ("agent: c, read_only: true, max_retries: -1", "`max_retries` of task `a` must be at"),
        ("agent: c, read_only: true, max_retries: x", "`max_retries` of task `a` must be a whole"),
        ("agent: c, read_only: true, writes: ['']", "`writes[0]` of task `a` must not be empty"),
        ("agent: c, read_only: true, agent: d", "the key `agent` stands twice"),
    ],
)
def test_what_can_not_go_well_is_refused(fields, what):
    (told,) = refusals(f"cwd: .\ntasks: [{{id: a, {fields}}}]")

    assert told.startswith(what)


def test_ids_that_are_used_twice_are_refused():
    told = refusals(
        "cwd: .\ntasks:\n- {id: a, agent: c, read_only: true}\n- {id: a, agent: c, read_only: true}"
    )

    assert told == ["the task id `a` is used twice"]


@pytest.mark.parametrize("url", ["http://example.org/", "https://127.0.0.1/", "https://"])
def test_a_webhook_must_be_public_and_its_address_is_not_repeated(url):
    with pytest.raises(PlanError) as caught:
        read(f"cwd: .\non_failure: {{webhook_url: '{url}'}}\n{TASK}")

    (problem,) = caught.value.problems
    assert problem.what == "`on_failure.webhook_url` can't be used"
    assert problem.where == "m.md:5:27 on_failure.webhook_url"
    assert problem.hint
    assert url not in problem.hint
