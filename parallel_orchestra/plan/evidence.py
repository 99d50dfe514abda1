"""What the entries of `expect` may be."""

from difflib import get_close_matches
from pathlib import PurePosixPath
from typing import Annotated, Any

from pydantic import PlainValidator, WithJsonSchema

from parallel_orchestra.model import Evidence
from parallel_orchestra.plan.findings import did_you_mean
from parallel_orchestra.plan.values import (
    COMMAND_SCHEMA,
    MOST_ENTRIES,
    each,
    refused,
    shell_or_argv,
)

_KEYS = ("path", "command", "contains")
_EXAMPLES = "write a path, `{path: P, contains: TEXT}` or `{command: C, contains: TEXT}`"
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
    listed = isinstance(value, list)
    return each(entries, lambda i, entry: _one_evidence(entry, (i,) if listed else ()))


def _one_evidence(entry: object, at: tuple[int, ...]) -> Evidence:
    if isinstance(entry, str) and entry.strip():
        return Evidence(path=_evidence_path(entry, at))
    if not isinstance(entry, dict):
        raise refused("be a path or a mapping with `path` or `command`", _EXAMPLES, at)
    each(entry, lambda _, key: _known(key, at))
    if len(entry.keys() & {"path", "command"}) != 1:
        must = "have one of `path` and `command`"
        raise refused(must, _EXAMPLES, at)
    contains = entry.get("contains", "")
    if not isinstance(contains, str) or ("contains" in entry and not contains):
        raise refused("be text", 'put it in quotes: "…"', (*at, "contains"))
    if "path" in entry:
        return Evidence(path=_evidence_path(entry["path"], (*at, "path")), contains=contains)
    if not contains:
        hint = "add `contains: TEXT`; whether a command succeeds is for `verify`"
        raise refused("say what the command prints", hint, at)
    return Evidence(command=shell_or_argv(entry["command"], (*at, "command")), contains=contains)


def _known(key: str, at: tuple[int, ...]) -> None:
    if key not in _KEYS:
        close = get_close_matches(key, _KEYS, n=1)
        raise refused("", did_you_mean("".join(close), _EXAMPLES), (*at, key))


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
