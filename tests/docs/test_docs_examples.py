"""The docs' examples work as they stand there."""

import ast
import textwrap

import pytest
import yaml

from parallel_orchestra.plan import parse
from parallel_orchestra.worker.prompt import judge
from support.effort import cases
from support.pages import PAGES, README, ROOT, Block, Reader, blocks_of, name_of

FOLLOWED = [page for page in PAGES if any("run" in block.words for block in blocks_of(page))]
#: What a new user reads first; the other pages are followed in CI.
FIRST = ("README.md", "first-run.md", "begin-with-a-plan.md", "failed-tasks.md", "be-told.md")
BLOCKS = [(page, block) for page in PAGES for block in blocks_of(page)]
PLANS = [
    (page, block)
    for page, block in BLOCKS
    if block.language in {"markdown", "yaml"} and not block.word("append")
]
PYTHON = [(page, block) for page, block in BLOCKS if block.language == "python"]


def place(value):
    return f"{name_of(value[0])}:{value[1].line}" if isinstance(value, tuple) else None


def whole_plan(block: Block) -> tuple[str, str]:
    """Returns the text of a plan and its file's name; a part of a plan is made whole."""
    text = textwrap.dedent(block.text)
    if "po_plan_version" in text:
        return text, "plan.md" if block.language == "markdown" else "plan.yaml"
    part = yaml.safe_load(text)
    tasks = part if isinstance(part, list) else [{"id": "one", "prompt": "Do it."}]
    top = {} if isinstance(part, list) else part
    whole = {"po_plan_version": "0.2", "name": "example", "tasks": tasks, **top}
    return yaml.safe_dump(whole), "plan.yaml"


@pytest.mark.parametrize("found", PLANS, ids=place)
def test_every_plan_in_the_docs_is_a_good_one(found):
    text, name = whole_plan(found[1])

    plan = parse(text.encode(), ROOT / name, lambda _: b"Do it.", judge=judge)

    assert plan.tasks


@pytest.mark.parametrize("found", PYTHON, ids=place)
def test_every_python_example_is_python(found):
    assert ast.parse(found[1].text).body


def test_the_first_plan_of_the_readme_has_five_lines():
    first = next(block for page, block in PLANS if page == README)

    assert first.text.count("\n") == 5


@pytest.mark.slow
@pytest.mark.parametrize(
    "page", cases(FOLLOWED, [page for page in FOLLOWED if page.name in FIRST], name_of)
)
def test_a_reader_who_types_what_a_page_says_sees_what_it_shows(page, tmp_path):
    Reader(tmp_path).follow(page)


@pytest.mark.slow
def test_the_readme_shows_what_the_demo_really_says(tmp_path):
    reader = Reader(tmp_path)
    shown = next(block for block in blocks_of(README) if "output" in block.words)

    reader.type("parallel-orchestra demo calc", 0, "the demo")

    reader.check(shown.text, f"README.md:{shown.line}")
