"""The schema for editors: it takes what the reader takes, and refuses what it can see is wrong."""

import json
from enum import EnumMeta

import jsonschema
import pytest
import yaml
from pydantic import AfterValidator

from parallel_orchestra.plan import SCHEMA_FILE, values
from parallel_orchestra.plan.fields import SharedFields, TaskFields, TopFields
from parallel_orchestra.plan.schema import plan_schema
from support.pages import PAGES, ROOT, blocks_of

SCHEMA = json.loads(SCHEMA_FILE.read_text(encoding="utf-8"))
PUBLISHED = {
    "po_plan_version": "0.1",
    "cwd": ".",
    "tasks": [{"id": "a", "agent": "", "read_only": True}],
}


def plan(**changes):
    task = {"id": "a", "prompt": "Do it."}
    return {"po_plan_version": "0.2", "name": "n", "tasks": [{**task, **changes}]}


def complaints(value):
    return [error.message for error in jsonschema.Draft7Validator(SCHEMA).iter_errors(value)]


def test_the_schema_is_one_of_draft_7():
    jsonschema.Draft7Validator.check_schema(SCHEMA)


@pytest.mark.parametrize(
    ("name", "fields"),
    [("Plan", TopFields), ("TaskFields", TaskFields), ("SharedFields", SharedFields)],
)
def test_each_field_is_there_with_what_the_reference_says_of_it(name, fields):
    properties = SCHEMA["$defs"][name]["properties"]

    assert fields.model_fields.keys() <= properties.keys()
    assert [key for key, one in properties.items() if not one.get("description")] == []


def test_each_plan_of_the_example_and_the_docs_fits():
    blocks = [block.text for page in PAGES for block in blocks_of(page)]
    blocks = [text for text in blocks if "po_plan_version" in "".join(text.splitlines()[:2])]
    texts = [(ROOT / "example" / "plan.md").read_text(encoding="utf-8"), *blocks]
    fronts = [text.split("---\n")[1] if text.startswith("---") else text for text in texts]

    assert len(fronts) > 3
    for front in fronts:
        assert complaints(yaml.safe_load(front)) == [], front


@pytest.mark.parametrize(
    "changes",
    [
        {"timeout": 90},
        {"timeout": "1h30m", "estimate": "M"},
        {"idle_timeout": "10m"},
        {"verify": "pytest -q"},
        {"verify": [["pytest", "-q"], "ruff check"]},
        {"env": {"A": "b"}, "read_only": True, "isolation": "none"},
    ],
)
def test_what_the_reader_takes_fits(changes):
    assert complaints(plan(**changes)) == []


@pytest.mark.parametrize(
    "changes",
    [
        {"timeout": "soon"},
        {"promt": "x"},
        {"id": "a b"},
        {"estimate": "XL"},
        {"depends_on": "b"},
        {"max_retries": 1000},
        {"verify": [[]]},
    ],
)
def test_a_mistake_that_shows_by_itself_does_not_fit(changes):
    assert complaints(plan(**changes))


@pytest.mark.parametrize(
    "line",
    [
        "after_merge: make e2e",
        "after_merge: [make e2e, [make, shots]]",
        "after_merge: {run: make e2e, keep: ['*.png'], required: true}",
        "qa: {backend: codex, max_rejections: 3}",
        "verify: [{run: pytest -q, timeout: 5m}, ruff check]",
        "merge: {on_conflict: retry, strategy: rebase, co_author: true}",
        "checks: {tests: [pytest, -q]}",
        "usage_limit: stop",
        "usage_limit: {mode: wait, max_wait: 5h}",
        "on_event: {run: notify, events: [Failed]}",
        "on_complete: {webhook_url: 'https://example.org'}",
        "notify: [$CHAT]",
    ],
)
def test_what_stands_at_the_top_of_a_plan_fits_in_each_of_its_forms(line):
    assert complaints({**plan(), **yaml.safe_load(line)}) == []


def test_the_published_format_fits_with_its_own_rules():
    assert complaints({**PUBLISHED, "concurrency_limits": None, "unknown": 1}) == []
    assert complaints({**PUBLISHED, "concurrency_limits": {"g": 0}})
    assert complaints({**PUBLISHED, "tasks": []})


def test_a_field_without_a_meaning_has_no_description():
    made = plan_schema({"plan": {"tasks": "What is done."}})

    assert made["$defs"]["Plan"]["properties"]["tasks"]["description"] == "What is done."
    assert "description" not in made["$defs"]["Plan"]["properties"]["name"]


def test_no_enum_stands_for_a_function_since_not_every_python_gives_it_one_argument():
    said = [one for kind in vars(values).values() for one in getattr(kind, "__metadata__", ())]
    functions = [one.func for one in said if isinstance(one, AfterValidator)]

    assert functions
    assert not [one for one in functions if isinstance(one, EnumMeta)]
