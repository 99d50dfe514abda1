"""Good plans: every field, its default, and where prompts come from."""

from dataclasses import replace
from pathlib import Path

import pytest

from parallel_orchestra.errors import PlanError
from parallel_orchestra.model import NO_DEFAULTS, NO_SETUP, Isolation, Plan, Task
from parallel_orchestra.plan import load, parse
from parallel_orchestra.plan.fields import TaskFields

SOURCE = Path("/project/plans/plan.md")


def no_files(path: Path) -> bytes:
    raise FileNotFoundError(2, "No such file or directory", str(path))


def read(text: str, source: Path = SOURCE, files=no_files) -> Plan:
    return parse(text.encode(), source, files)


def one(fields: str, top: str = "", body: str = "", files=no_files) -> Task:
    lines = "".join(f"    {line}\n" for line in fields.splitlines())
    text = f'---\npo_plan_version: "0.2"\nname: n\n{top}tasks:\n  - id: a\n{lines}---\n{body}'
    return read(text, files=files).tasks[0]


def test_a_small_plan_takes_every_default():
    text = '---\npo_plan_version: "0.2"\nname: small\ntasks:\n  - {id: a, prompt: Do it.}\n---\n'

    plan = read(text)

    assert replace(plan, setup=NO_SETUP, defaults=NO_DEFAULTS) == Plan(
        version="0.2",
        name="small",
        source=SOURCE,
        cwd=Path("/project/plans"),
        tasks=(Task(id="a", prompt="Do it."),),
    )


def test_a_full_plan_is_read_as_it_is_written():
    text = """---
po_plan_version: "0.2"
name: full
cwd: ..
base: develop
max_workers: 8
verify: [ruff check, [pytest, -q]]
concurrency_limits: {gpu: 2}
context: Know this.
prompt_template: "{{ plan.context }} {{ task.prompt }}"
defaults: {backend: command, command: [agent, --fast], max_retries: 3, env: {A: x, B: x}}
tasks:
  - id: api
    title: The API
    prompt: Write it.
    agent: coder
    backend: claude
    model: large
    read_only: true
    priority: -3
    estimate: M
    timeout: 1h30m
    idle_timeout: 10m
    env: {B: y}
    verify: pytest -q
    allow_empty: true
    completion_signal: true
    skills: [testing]
    isolation: none
    concurrency_group: gpu
  - id: ui
    prompt: Draw it.
    depends_on: [api]
    writes: [src/ui/, "*.css"]
    contracts: [src/types.py]
---
"""
    plan = read(text)

    assert replace(plan, setup=NO_SETUP, defaults=NO_DEFAULTS) == Plan(
        version="0.2",
        name="full",
        source=SOURCE,
        cwd=Path("/project"),
        base="develop",
        max_workers=8,
        verify=("ruff check", ("pytest", "-q")),
        concurrency_limits={"gpu": 2},
        context="Know this.",
        prompt_template="{{ plan.context }} {{ task.prompt }}",
        tasks=(
            Task(
                id="api",
                title="The API",
                prompt="Write it.",
                agent="coder",
                backend="claude",
                model="large",
                read_only=True,
                priority=-3,
                estimate=300.0,
                max_retries=3,
                timeout=5400.0,
                idle_timeout=600.0,
                env={"A": "x", "B": "y"},
                verify=("pytest -q",),
                allow_empty=True,
                completion_signal=True,
                skills=("testing",),
                isolation=Isolation.NONE,
                concurrency_group="gpu",
            ),
            Task(
                id="ui",
                prompt="Draw it.",
                backend="command",
                command=("agent", "--fast"),
                depends_on=("api",),
                writes=("src/ui/", "*.css"),
                contracts=("src/types.py",),
                max_retries=3,
                env={"A": "x", "B": "x"},
            ),
        ),
    )


def test_every_field_of_a_task_can_be_written_in_a_plan():
    written = set(TaskFields.model_fields) - {"prompt_file"}

    assert written == set(Task.__dataclass_fields__)


@pytest.mark.parametrize(
    ("written", "seconds"),
    [
        ("90", 90.0),
        ("0.5", 0.5),
        ("90s", 90.0),
        ("10m", 600.0),
        ("1h30m", 5400.0),
        ("1.5s", 1.5),
        ("2d", 172800.0),
    ],
)
def test_a_timeout_is_seconds_or_a_duration(written, seconds):
    task = one(f"prompt: p\ntimeout: {written}")

    assert task.timeout == seconds


@pytest.mark.parametrize(
    ("written", "seconds"), [("S", 60.0), ("M", 300.0), ("L", 1200.0), ("20m", 1200.0), ("7", 7.0)]
)
def test_an_estimate_is_a_size_or_a_duration(written, seconds):
    task = one(f"prompt: p\nestimate: {written}")

    assert task.estimate == seconds


@pytest.mark.parametrize(
    ("written", "commands"),
    [
        ("pytest -q", ("pytest -q",)),
        ("[ruff check, pytest -q]", ("ruff check", "pytest -q")),
        ("[[pytest, -q], [ruff]]", (("pytest", "-q"), ("ruff",))),
        ("[]", ()),
    ],
)
def test_verify_is_a_shell_line_or_a_list_of_shell_lines_and_argument_lists(written, commands):
    task = one(f"prompt: p\nverify: {written}")

    assert task.verify == commands


def test_a_command_needs_no_prompt():
    task = one("backend: command\ncommand: make all")

    assert (task.command, task.prompt) == ("make all", "")


def test_a_prompt_may_hold_anything_that_yaml_text_can():
    task = one('prompt: |\n  {{ name }} is not rendered\n  --- nor cut\n    "as is" \\n\n')

    assert task.prompt == '{{ name }} is not rendered\n--- nor cut\n  "as is" \\n\n'


def test_a_prompt_file_counts_from_the_plans_folder():
    asked = []

    def files(path: Path) -> bytes:
        asked.append(path)
        return b"\xef\xbb\xbfFrom a file."

    task = one("prompt_file: prompts/a.txt", files=files)

    assert task.prompt == "From a file."
    assert SOURCE.parent / "prompts" / "a.txt" in asked


def test_merge_keys_and_aliases_save_writing():
    top = "defaults: &d {timeout: 5, priority: 2}\n"

    task = one("<<: *d\nprompt: p\npriority: 1", top=top)

    assert (task.timeout, task.priority) == (5.0, 1)


@pytest.mark.parametrize("name", ["plan.yaml", "plan.yml", "PLAN.YAML"])
@pytest.mark.parametrize("fence", ["", "---\n"], ids=["bare", "with a document mark"])
def test_a_yaml_file_is_all_front_matter(name, fence):
    text = f'{fence}po_plan_version: "0.2"\nname: n\ntasks:\n  - {{id: a, prompt: p}}\n'

    plan = read(text, Path("/project") / name)

    assert [task.id for task in plan.tasks] == ["a"]


@pytest.mark.parametrize(
    ("prefix", "end"),
    [("\ufeff", "\n"), ("", "\r\n"), ("\ufeff", "\r\n"), ("", "\r")],
    ids=["byte order mark", "CRLF", "both", "CR"],
)
def test_files_of_other_editors_are_read_alike(prefix, end):
    text = '---\npo_plan_version: "0.2"\nname: n\ntasks:\n- id: a\n---\n# a\nFirst.\nSecond.\n'

    plan = read(prefix + text.replace("\n", end))

    assert plan.tasks[0].prompt == "First.\nSecond."


@pytest.mark.parametrize("fence", ["---", "---  ", "---\t"])
def test_blanks_behind_a_fence_do_not_matter(fence):
    text = f'{fence}\npo_plan_version: "0.2"\nname: n\ntasks: [{{id: a, prompt: p}}]\n{fence}\n'

    plan = read(text)

    assert plan.name == "n"


def test_a_group_that_nobody_is_in_is_a_warning():
    text = (
        '---\npo_plan_version: "0.2"\nname: n\nconcurrency_limits: {gpu: 1}\n'
        "tasks: [{id: a, prompt: p}]\n---\n"
    )

    plan = read(text)

    assert plan.warnings == (
        (
            f"{SOURCE}:4:22 concurrency_limits.gpu: no task is in the group `gpu` "
            "(its limit has no effect)"
        ),
    )


def test_loading_makes_the_source_absolute_and_shows_the_path_as_it_was_given(
    tmp_path, monkeypatch
):
    (tmp_path / "work").mkdir()
    (tmp_path / "work" / "p.txt").write_text("From disk.")
    (tmp_path / "work" / "plan.md").write_text(
        '---\npo_plan_version: "0.2"\nname: n\ncwd: ..\nconcurrency_limits: {g: 1}\n'
        "tasks: [{id: a, prompt_file: p.txt}]\n---\n"
    )
    monkeypatch.chdir(tmp_path)

    plan = load(Path("work/plan.md"))

    assert plan.source == tmp_path.resolve() / "work" / "plan.md"
    assert plan.cwd == tmp_path.resolve()
    assert plan.tasks[0].prompt == "From disk."
    assert plan.warnings[0].startswith("work/plan.md:5:22 ")


def test_a_caller_can_say_which_backends_there_are():
    text = '---\npo_plan_version: "0.2"\nname: n\ntasks: [{id: a, prompt: p, backend: mine}]\n---\n'

    plan = parse(text.encode(), SOURCE, no_files, backends=("mine",))

    assert plan.tasks[0].backend == "mine"
    with pytest.raises(PlanError):
        read(text)


def test_what_the_defaults_say_to_agents_is_for_those_that_understand_it():
    text = (
        '---\npo_plan_version: "0.2"\nname: n\n'
        "defaults: {agent: coder, max_turns: 5, permission_mode: acceptEdits, prompt: p}\n"
        "tasks:\n"
        "  - {id: a, prompt: p}\n"
        "  - {id: b, prompt: p, read_only: true}\n"
        "  - {id: c, prompt: p, backend: codex, permission_mode: read-only}\n"
        "---\n"
    ).replace(", prompt: p}\ntasks", "}\ntasks")

    a, b, c = parse(text.encode(), Path("/project/plan.md"), no_files).tasks

    assert (a.agent, a.max_turns, a.permission_mode) == ("coder", 5, "acceptEdits")
    assert (b.agent, b.max_turns, b.permission_mode) == ("coder", 5, "")
    assert (c.agent, c.max_turns, c.permission_mode) == ("", None, "read-only")
