"""The reference says what the code says: all of it, and nothing else."""

import re
import runpy
from dataclasses import fields
from importlib import import_module

import click
import pytest

from parallel_orchestra import errors
from parallel_orchestra.cli.catalogue import COMMANDS
from parallel_orchestra.cli.locks import Lock
from parallel_orchestra.conductor.byhand.adding import Added
from parallel_orchestra.conductor.byhand.asking import Cancelled, Heard
from parallel_orchestra.conductor.byhand.claiming import Taken
from parallel_orchestra.conductor.byhand.finishing import Completed, GivenUp
from parallel_orchestra.conductor.byhand.freeing import Freed
from parallel_orchestra.conductor.byhand.hand import Refused
from parallel_orchestra.conductor.byhand.recovering import Healing
from parallel_orchestra.conductor.byhand.retrying import Retried
from parallel_orchestra.errors import ExitCode
from parallel_orchestra.model import FailureClass, Plan, Task
from parallel_orchestra.plan.fields import SharedFields, TaskFields, TopFields
from parallel_orchestra.plan.manifest import (
    REFUSED_KEYS,
    ManifestDefaults,
    ManifestTask,
    ManifestTop,
)
from parallel_orchestra.plan.variables import NESTED_SESSION, PUBLISHED
from parallel_orchestra.prompt import DEFAULT, Feedback, Need, facts_of, known_names, library
from parallel_orchestra.states import TaskState
from parallel_orchestra.store import AttemptResult, Layout
from support.pages import PAGES, ROOT, blocks_of, headings_of, name_of, rows_of, text_of

REFERENCE = ROOT / "docs" / "reference"
PLAN = REFERENCE / "plan.md"
PLAN_OF_ONE = Plan("0.2", "n", ROOT, ROOT, (Task("b", depends_on=("a",)),))
OUTSIDE = {"po_plan_version", "tasks", "defaults"}
COMMAND_LINE = re.compile(r"parallel-orchestra (?P<name>[a-z]+(?:-[a-z]+)*)(?P<rest>[^`\n|]*)")
CODE_SPAN = re.compile(r"`([^`\n]+)`")


def sections(above: str) -> set[str]:
    return {title.partition(" (")[0] for part, title in headings_of(PLAN, 3) if part == above}


def commands() -> dict[str, click.Command]:
    found = {}
    for entry in COMMANDS:
        module, _, attribute = entry.place.partition(":")
        found[entry.name] = getattr(import_module(f"parallel_orchestra.cli.{module}"), attribute)
    return found


def in_code(cell: str) -> set[str]:
    return set(CODE_SPAN.findall(cell))


def test_what_the_code_decides_is_generated_anew():
    generate = runpy.run_path(str(ROOT / "docs" / "generate.py"))

    old = [name_of(page) for page in PAGES if generate["filled"](text_of(page)) != text_of(page)]

    assert old == [], "run `python docs/generate.py`"


def test_files_that_the_code_decides_are_generated_anew():
    generate = runpy.run_path(str(ROOT / "docs" / "generate.py"))

    old = [path for path, made in generate["FILES"].items() if text_of(path) != made()]

    assert old == [], "run `python docs/generate.py`"


def test_each_generated_part_stands_on_some_page():
    generate = runpy.run_path(str(ROOT / "docs" / "generate.py"))
    text = "".join(map(text_of, PAGES))

    assert [
        name for name in generate["PARTS"] if f"<!-- generated: {name} -->\n\n" not in text
    ] == []


def test_each_field_of_a_task_has_its_section_and_each_section_its_field():
    assert sections("A task") == TaskFields.model_fields.keys()
    assert {one.name for one in fields(Task)} <= sections("A task")


def test_each_field_of_a_plan_has_its_section_and_each_section_its_field():
    assert sections("The plan") == TopFields.model_fields.keys() | OUTSIDE
    computed = {"version", "source", "webhooks", "warnings", "fewest", "keep_worktrees"}
    assert {one.name for one in fields(Plan)} - computed <= sections("The plan")


def test_the_section_on_defaults_names_what_they_cannot_hold():
    _, _, text = text_of(PLAN).partition("### defaults\n")
    sentence = re.search(r"Any field of a task but(.*?)\.", text, re.DOTALL)

    assert in_code(sentence[1].replace("\n", " ")) == (
        TaskFields.model_fields.keys() - SharedFields.model_fields.keys()
    )


def test_the_fields_of_version_0_1_are_all_there():
    rows = {
        in_code(place).pop() if "`" in place else place: in_code(cell)
        for place, cell in rows_of(PLAN, "Where")
    }

    assert rows["Plan"] == ManifestTop.model_fields.keys() | OUTSIDE
    assert rows["Task"] == ManifestTask.model_fields.keys()
    assert rows["defaults"] == ManifestDefaults.model_fields.keys()
    assert all(f"`{key}`" in text_of(PLAN) for key in REFUSED_KEYS)


def test_the_variables_of_a_template_and_the_blocks_of_ours_are_all_named():
    page = REFERENCE / "prompt.md"
    rows = {in_code(name).pop(): in_code(value) for name, value in rows_of(page, "Variable")}
    blocks = {in_code(block).pop() for _, block, _ in rows_of(page, "Section")}

    known = known_names()
    assert rows.keys() == known.keys()
    for name in ("plan", "attempt", "feedback"):
        assert rows[name] == set(known[name])
    need = facts_of(PLAN_OF_ONE, PLAN_OF_ONE.tasks[0], 1, Feedback(), [Need("a")])["dependencies"][
        0
    ]
    assert need.keys() <= rows["dependencies"]
    assert blocks == set(re.findall(r"{% block (\w+) %}", library()[DEFAULT]))


def test_the_variables_that_a_plan_may_not_set_are_all_named():
    assert [name for name in NESTED_SESSION | PUBLISHED if f"`{name}`" not in text_of(PLAN)] == []


def test_each_command_and_option_stands_in_the_reference():
    text = text_of(REFERENCE / "commands.md")
    titles = {title for _, title in headings_of(REFERENCE / "commands.md", 2)}

    for name, command in commands().items():
        section = text.partition(f"\n## {name}\n")[2].partition("\n## ")[0]
        words = {
            word
            for one in command.params
            if isinstance(one, click.Option)
            for word in (*one.opts, *one.secondary_opts)
        }
        assert name in titles
        shown = "\n".join(re.findall(r"^\| `(.*?)` \| ", section, re.MULTILINE))
        assert words == set(re.findall(r"(?<![\w-])--?[a-z][a-z-]*", shown))


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_a_page_calls_commands_that_exist_with_options_that_they_have(page):
    known = {
        name: {word for one in command.params for word in (*one.opts, *one.secondary_opts)}
        for name, command in commands().items()
    }
    code = "\n".join(
        (*CODE_SPAN.findall(text_of(page)), *(block.text for block in blocks_of(page)))
    )
    wrong = []

    for call in COMMAND_LINE.finditer(code):
        options = set(re.findall(r"(?<=\s)--?[a-z][a-z-]*", call["rest"].partition(" #")[0]))
        unknown = options - known.get(call["name"], set()) - {"--help"}
        if call["name"] not in known or unknown:
            wrong.append(call[0])

    assert wrong == []


def test_the_exit_codes_are_those_of_the_code():
    page = REFERENCE / "exit-codes.md"
    rows = [(int(code), in_code(name).pop()) for code, name, _ in rows_of(page, "Code")]
    gravest = re.search(r"the gravest speaks: ([\d, ]+)\.", text_of(page))

    assert rows == [(code.value, code.name) for code in ExitCode]
    assert [int(code) for code in gravest[1].split(",")] == list(errors._GRAVITY)


def test_each_failure_class_is_explained():
    page = ROOT / "docs" / "how-to" / "failed-tasks.md"

    explained = re.findall(r"^- `(\w+)`: ", text_of(page), re.MULTILINE)

    assert explained == [one.value for one in FailureClass]


def test_the_layout_of_the_task_directory_is_that_of_a_real_one(tmp_path):
    page = REFERENCE / "tasks-directory.md"
    Layout(tmp_path / "_tasks").create()
    shown = next(block.text for block in blocks_of(page))

    for path in (tmp_path / "_tasks").iterdir():
        assert f"  {path.name}{'/' if path.is_dir() else ''}" in shown
    assert {state.value for state in TaskState} <= {
        line.split("/")[0].strip() for line in shown.splitlines()
    }


def test_the_fields_of_a_result_are_all_named():
    text = text_of(REFERENCE / "tasks-directory.md").partition("## result.json")[2]
    listed = CODE_SPAN.search(text.replace("\n", " "))

    assert listed[1].split() == [one.name for one in fields(AttemptResult)]


def test_each_dependency_is_said_to_spare_us_something():
    pyproject = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    lists = re.findall(
        r"(?ms)^(?:dependencies|dev|docs|browser|fuzz|notify) = \[\n(.*?)^\]", pyproject
    )
    wanted = [re.findall(r'"([\w-]+)', one) for one in lists]
    page = REFERENCE / "dependencies.md"
    parts = re.split(
        "For work on the tool itself|For `[a-z -]+` (?:in a plan )?only", text_of(page)
    )

    assert [re.findall(r"^\| ([\w-]+) \| \w", part, re.MULTILINE) for part in parts] == [
        ["Library", *one] for one in wanted
    ]


@pytest.mark.parametrize(
    ("command", "records"),
    [
        ("locks", (Lock,)),
        ("unlock", (Freed,)),
        ("recover", (Healing,)),
        ("retry", (Retried,)),
        ("pause", (Heard,)),
        ("cancel", (Cancelled,)),
        ("add", (Added,)),
        ("claim", (Taken,)),
        ("complete", (Completed, Refused)),
        ("fail", (GivenUp,)),
    ],
)
def test_the_json_of_a_command_for_scripts_has_the_keys_that_the_reference_names(command, records):
    section = text_of(REFERENCE / "by-hand.md").partition(f"\n## {command}\n")[2]
    rows = re.findall(r"^\| (`.*?) \|", section.partition("\n## ")[0], re.MULTILINE)

    named = in_code(" ".join(rows)) - {"outcome"}

    assert named == {one.name for record in records for one in fields(record)}
