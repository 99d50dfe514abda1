"""The JSON Schema of a plan, made from the fields that the reader knows; for editors.

What it lets pass may still be wrong: only `validate` sees how tasks hang together. The schema
that `schema` prints lies beside this file; `docs/generate.py` writes it, with the first words of
each field's section in the reference as its description.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from parallel_orchestra.plan import fields, manifest

#: Descriptions by "plan" or "task", then by field.
Meanings = Mapping[str, Mapping[str, str]]

#: What pydantic says of a bound that stands behind a function of ours.
_BOUNDS = {"ge": "minimum", "le": "maximum"}
_TITLE = "A plan of parallel-orchestra"


def plan_schema(meanings: Meanings) -> dict[str, Any]:
    """Returns the schema of plans of both versions, as JSON values."""
    ours = _definitions((fields.TopFields, fields.SharedFields, fields.TaskFields))
    for definition in ours.values():
        # The reader judges unknown keys by itself, with a guess at what was meant.
        definition["additionalProperties"] = False
    for name in ("SharedFields", "TaskFields"):
        _describe(ours[name], meanings.get("task", {}))
    theirs = _definitions((manifest.ManifestTop, manifest.ManifestDefaults, manifest.ManifestTask))
    top, published = ours.pop("TopFields"), theirs["ManifestTop"]
    _complete(top, "0.2", "SharedFields", "TaskFields")
    _describe(top, meanings.get("plan", {}))
    _complete(published, "0.1", "ManifestDefaults", "ManifestTask")
    for definition in theirs.values():
        _let_be_empty(definition)
    del theirs["ManifestTop"]
    version = {"properties": {"po_plan_version": {"const": "0.1"}}, "required": ["po_plan_version"]}
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": _TITLE,
        "type": "object",
        "if": version,
        "then": {"$ref": "#/$defs/Manifest"},
        "else": {"$ref": "#/$defs/Plan"},
        "$defs": {"Plan": top, "Manifest": published, **ours, **theirs},
    }


def _definitions(models: Iterable[type[BaseModel]]) -> dict[str, Any]:
    _, schema = models_json_schema([(model, "validation") for model in models])
    found: dict[str, Any] = {name: _plain(one) for name, one in schema["$defs"].items()}
    return found


def _complete(top: dict[str, Any], version: str, defaults: str, task: str) -> None:
    """Adds what the reader looks at by itself: the version, the tasks, their defaults."""
    top["properties"] = {
        "po_plan_version": {"const": version},
        **top["properties"],
        "defaults": {"$ref": f"#/$defs/{defaults}"},
        "tasks": {"type": "array", "minItems": 1, "items": {"$ref": f"#/$defs/{task}"}},
    }
    top["required"] = ["po_plan_version", *top.get("required", ()), "tasks"]


def _let_be_empty(definition: dict[str, Any]) -> None:
    for key in manifest.NULLABLE_KEYS & definition["properties"].keys():
        known = definition["properties"][key]
        definition["properties"][key] = {"anyOf": [known, {"type": "null"}]}


def _describe(definition: dict[str, Any], meanings: Mapping[str, str]) -> None:
    for name, known in definition["properties"].items():
        if name not in meanings:
            continue
        # Beside a reference, draft 7 reads nothing.
        known = {"allOf": [known]} if "$ref" in known else known  # noqa: PLW2901  # wrapped
        definition["properties"][name] = {"description": meanings[name], **known}


def _plain(schema: Any) -> Any:
    """Returns a schema without what pydantic makes of names and of what is left out."""
    if isinstance(schema, list):
        return [_plain(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    kept = {
        _BOUNDS.get(key, key): _plain(value)
        for key, value in schema.items()
        if key not in ("title", "default", "description", "properties", "$defs")
    }
    if "properties" in schema:
        kept["properties"] = {name: _plain(one) for name, one in schema["properties"].items()}
    return kept
