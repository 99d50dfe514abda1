"""What the entries of `expect` may be."""

from pathlib import PurePosixPath
from typing import Annotated, Any

from pydantic import PlainValidator, WithJsonSchema

from parallel_orchestra.model import Evidence
from parallel_orchestra.plan.values import COMMAND_SCHEMA, MOST_ENTRIES, refused, shell_or_argv

_TEXT: dict[str, Any] = {"type": "string", "minLength": 1}
_ENTRY: dict[str, Any] = {
    "anyOf": [
        _TEXT,
        {
            "type": "object",
            "properties": {"path": _TEXT, "contains": _TEXT},
            "required": ["path"],
            "additionalProperties": False,
        },
        {
            "type": "object",
            "properties": {"command": COMMAND_SCHEMA, "contains": _TEXT},
            "required": ["command", "contains"],
            "additionalProperties": False,
        },
    ]
}


def evidence(value: object) -> tuple[Evidence, ...]:
    """Returns what an `expect` demands: one entry, or a list of them."""
    entries = value if isinstance(value, list) else [value]
    if len(entries) > MOST_ENTRIES:
        raise refused(f"have at most {MOST_ENTRIES:,} entries", "leave it to `verify`")
    return tuple(
        _one_evidence(entry, (i,) if isinstance(value, list) else ())
        for i, entry in enumerate(entries)
    )


def _one_evidence(entry: object, at: tuple[int, ...]) -> Evidence:
    if isinstance(entry, str) and entry.strip():
        return Evidence(path=_evidence_path(entry, at))
    if not isinstance(entry, dict) or len(entry.keys() & {"path", "command"}) != 1:
        hint = "write a path, `{path: P, contains: TEXT}` or `{command: C, contains: TEXT}`"
        raise refused("be a path or a mapping with `path` or `command`", hint, at)
    for key in entry:
        if key not in {"path", "command", "contains"}:
            raise refused("be used with `path` or `command`, and `contains`", "", (*at, key))
    contains = entry.get("contains", "")
    if not isinstance(contains, str) or ("contains" in entry and not contains):
        raise refused("be text", 'put it in quotes: "…"', (*at, "contains"))
    if "path" in entry:
        return Evidence(path=_evidence_path(entry["path"], (*at, "path")), contains=contains)
    if not contains:
        hint = "add `contains: TEXT`; whether a command succeeds is for `verify`"
        raise refused("say what the command prints", hint, at)
    return Evidence(command=shell_or_argv(entry["command"], (*at, "command")), contains=contains)


def _evidence_path(value: object, at: tuple[int | str, ...]) -> str:
    path = PurePosixPath(value) if isinstance(value, str) else None
    if path is None or not value or "\0" in str(path) or path.is_absolute() or ".." in path.parts:
        hint = "write it relative to `cwd`, without `..`"
        raise refused("be a path inside the project", hint, at)
    return str(value)


Expected = Annotated[
    tuple[Evidence, ...],
    PlainValidator(evidence),
    WithJsonSchema({"anyOf": [_ENTRY, {"type": "array", "items": _ENTRY}]}),
]
