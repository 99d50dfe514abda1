"""What `backends` of a plan may be: agents that the plan itself describes."""

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Annotated, Any

from pydantic import PlainValidator, WithJsonSchema

from parallel_orchestra.model import Template
from parallel_orchestra.plan.abilities import (
    ABILITIES,
    CLASSES,
    LANGUAGES,
    PLACES,
    places_in,
)
from parallel_orchestra.plan.findings import brief
from parallel_orchestra.plan.values import refused

#: More is no list that somebody wrote.
_MOST = 256
_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")
_KEYS = ("command", "stdin", "result", "classify")
_TEXTS: dict[str, Any] = {"type": "array", "minItems": 1, "items": {"type": "string"}}
_SCHEMA: dict[str, Any] = {
    "type": "object",
    "additionalProperties": {
        "type": "object",
        "properties": {
            "command": {
                "type": "array",
                "minItems": 1,
                "items": {"anyOf": [{"type": "string"}, _TEXTS]},
            },
            "stdin": {"type": "boolean"},
            "result": {"enum": list(LANGUAGES)},
            "classify": {
                "type": "object",
                "properties": {name: {"type": "string"} for name in CLASSES},
                "additionalProperties": False,
            },
        },
        "required": ["command"],
        "additionalProperties": False,
    },
}


def described(value: object) -> Mapping[str, Template]:
    """Returns the agents that a plan describes, by the name of their backend."""
    if not isinstance(value, dict) or len(value) > _MOST:
        raise refused("be a mapping of names to agents", "write `name: {command: [program]}`")
    for name in value:
        if not isinstance(name, str) or not _NAME.fullmatch(name):
            raise refused("be named by letters, digits, `-` or `_`", "", (name,))
        if name in ABILITIES:
            raise refused("not have the name of a backend that there is", "take another", (name,))
    return MappingProxyType({name: _one(entry, name) for name, entry in value.items()})


def _one(entry: object, name: str) -> Template:
    if not isinstance(entry, dict) or "command" not in entry:
        raise refused("be a mapping with `command`", "write `{command: [program]}`", (name,))
    for key in entry:
        if key not in _KEYS:
            raise refused(f"have only {_listed(_KEYS)}", "", (name, key))
    stdin, result = entry.get("stdin", True), entry.get("result", "text")
    if not isinstance(stdin, bool):
        hint = "`false` if its prompt comes from `{prompt_file}`"
        raise refused("be true or false", hint, (name, "stdin"))
    if result not in LANGUAGES:
        hint = "the language in which it answers; `text` is its last lines and its exit code"
        raise refused(f"be {_listed(LANGUAGES)}", hint, (name, "result"))
    classify = _classify(entry.get("classify", {}), (name, "classify"))
    return Template(_command(entry["command"], (name, "command")), stdin, result, classify)


def _command(value: object, at: tuple[str | int, ...]) -> tuple[str | tuple[str, ...], ...]:
    if not isinstance(value, list) or not value or not isinstance(value[0], str) or not value[0]:
        raise refused("be a list that begins with a program", "write `[program, argument]`", at)
    if places_in(value[0]):
        raise refused("be a program", "its name can't depend on the task", (*at, 0))
    return tuple(
        tuple(_word(word, (*at, i, j)) for j, word in enumerate(part))
        if isinstance(part, list)
        else _word(part, (*at, i))
        for i, part in enumerate(value)
    )


def _word(value: object, at: tuple[str | int, ...]) -> str:
    if not isinstance(value, str) or "\0" in value:
        raise refused("be text", 'put it in quotes: "…"', at)
    for place in places_in(value):
        if place not in PLACES:
            hint = f"these can be filled in: {_listed(f'{{{one}}}' for one in PLACES)}"
            raise refused(f"not have `{{{brief(place)}}}`", hint, at)
    return value


def _classify(value: object, at: tuple[str | int, ...]) -> tuple[tuple[str, str], ...]:
    if not isinstance(value, dict):
        hint = "write `{rate_limited: too many requests}`"
        raise refused("be a mapping of classes to patterns", hint, at)
    for name, pattern in value.items():
        if name not in CLASSES:
            raise refused(f"have only {_listed(CLASSES)}", "", (*at, name))
        try:
            re.compile(pattern if isinstance(pattern, str) and pattern else "(")
        except (re.error, RecursionError, OverflowError):
            hint = "write it as Python's `re` has it"
            raise refused("be a regular expression", hint, (*at, name)) from None
    return tuple(value.items())


def _listed(names: Any) -> str:
    *others, last = (f"`{name}`" for name in names)
    return f"{', '.join(others)} or {last}"


Described = Annotated[Mapping[str, Template], PlainValidator(described), WithJsonSchema(_SCHEMA)]
