"""JSON that the published schema describes and that readers of version 0.1 understand."""

import json
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from parallel_orchestra.progress import Outcome
from parallel_orchestra.report import json_report
from support import runs

SCHEMA_FILE = Path(__file__).parents[2] / "docs/reference/report.schema.json"
GOLDEN = Path(__file__).parent / "report_golden"
SCHEMA = json.loads(SCHEMA_FILE.read_text(encoding="utf-8"))


def strict(schema):
    """Returns the schema with every object closed: what we write, it has to name."""
    if isinstance(schema, list):
        return [strict(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    closed = {key: strict(value) for key, value in schema.items()}
    return closed | {"additionalProperties": False} if schema.get("type") == "object" else closed


def going_on():
    running = runs.task("core", Outcome.RUNNING, attempts=(runs.attempt(seconds=None),))
    return runs.run(running, ended=None)


@pytest.mark.parametrize(
    "made_up", [runs.all_done, runs.failures, runs.interrupted, runs.run, going_on]
)
def test_real_reports_are_as_the_schema_says(made_up):
    report = json.loads(json_report.render(made_up()))

    faults = [
        f"{fault.json_path}: {fault.message}"
        for fault in Draft202012Validator(strict(SCHEMA)).iter_errors(report)
    ]

    assert faults == []


def test_the_schema_is_a_schema():
    Draft202012Validator.check_schema(SCHEMA)

    assert SCHEMA["$schema"] == "https://json-schema.org/draft/2020-12/schema"


def test_the_schema_has_every_outcome_of_ours():
    outcomes = [outcome.value for outcome in Outcome]

    assert list(SCHEMA["properties"]["outcomes"]["properties"]) == outcomes
    assert SCHEMA["$defs"]["task"]["properties"]["outcome"]["enum"] == outcomes


def keys_of(schema, place="report"):
    """Yields a line for each key, with its types and whether it is always there."""
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        yield from keys_of(SCHEMA["$defs"][name], place)
        return
    for part in (*schema.get("anyOf", ()), *schema.get("oneOf", ())):
        yield from keys_of(part, place)
    for item in ("items", "additionalProperties"):
        if isinstance(schema.get(item), dict):
            yield from keys_of(schema[item], f"{place}[]")
    for key, value in schema.get("properties", {}).items():
        types = value.get("type", "enum" if "enum" in value else "object")
        shown = types if isinstance(types, str) else "|".join(types)
        always = "" if key in schema.get("required", ()) else " (not always)"
        yield f"{place}.{key}: {shown}{always}"
        yield from keys_of(value, f"{place}.{key}")


def test_no_key_is_taken_away_or_changes_its_type():
    """A new key is a new line of `keys-1.txt`. A line that goes or changes is a new version."""
    promised = (GOLDEN / f"keys-{json_report.SCHEMA_VERSION}.txt").read_text(encoding="utf-8")

    assert "".join(f"{line}\n" for line in sorted(set(keys_of(SCHEMA)))) == promised


def test_the_keys_of_version_01_mean_what_they_meant():
    report = json.loads(json_report.render(runs.failures()))

    assert report["manifest"] == "demo"
    assert report["started_at"] == "2026-11-21T03:00:00.000+00:00"
    assert report["finished_at"] == "2026-11-21T03:00:30.000+00:00"
    assert report["duration_sec"] == 30.0
    assert (report["total"], report["succeeded"], report["failed"]) == (5, 1, 2)
    assert report["skipped"] == 2, "one resumed, one skipped"
    assert {task["id"]: task["status"] for task in report["tasks"]} == {
        "core": "resumed",
        "hand": "succeeded",
        "api": "failed",
        "tests": "failed",
        "ship": "skipped",
    }
    tests = next(task for task in report["tasks"] if task["id"] == "tests")
    assert (tests["duration_sec"], tests["retry_count"]) == (12.0, 1)
    assert tests["failure_category"] == "verify"


def test_names_of_files_come_back_as_they_are_though_nothing_in_them_is_raw():
    name = "dir/\x1b[31m\x9bnaïve\u202e\ud800.py"
    run = runs.run(runs.task("api", Outcome.FAILED, files=(name,)), strange=(name,))

    written = json_report.render(run)

    assert json.loads(written)["strange"] == [name]
    assert json.loads(written)["tasks"][0]["files"] == [name]
    assert written.encode("utf-8").isascii() is False
    assert not set("\x1b\x9b\u202e\ud800") & set(written)


def test_every_task_stands_on_a_line_of_its_own():
    lines = json_report.render(runs.failures()).splitlines()

    assert [line for line in lines if line.startswith('    {"id": "api"')]
