"""What `backends` of a plan may be: agents that the plan itself describes."""

import re
from collections.abc import Callable, Collection, Mapping
from difflib import get_close_matches
from types import MappingProxyType
from typing import Annotated, Any, TypeAlias

from pydantic import PlainValidator, WithJsonSchema

from parallel_orchestra.model import Template
from parallel_orchestra.plan.abilities import (
    ABILITIES,
    CLASSES,
    LANGUAGES,
    PLACES,
    places_in,
)
from parallel_orchestra.plan.findings import brief, did_you_mean
from parallel_orchestra.plan.values import each, refused

#: More is no list that somebody wrote.
_MOST = 256
_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")
_KEYS = ("command", "stdin", "result", "classify")
_EXAMPLE = "write `{command: [program]}`"
_Way: TypeAlias = tuple[str | int, ...]
_Parts: TypeAlias = tuple[str | tuple[str, ...], ...]
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
    return MappingProxyType(dict(each(value.items(), lambda _, entry: _named(*entry))))


def _named(name: object, entry: object) -> tuple[str, Template]:
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise refused("be named by letters, digits, `-` or `_`", "", (str(name),))
    if name in ABILITIES:
        raise refused("not have the name of a backend that there is", "take another", (name,))
    if not isinstance(entry, dict):
        raise refused("be a mapping with `command`", _EXAMPLE, (name,))
    # each part is judged by itself, so that all that is wrong is told at once
    parts: tuple[Callable[[], Any], ...] = (
        lambda: _command(entry, name),
        lambda: _stdin(entry.get("stdin", True), (name, "stdin")),
        lambda: _result(entry.get("result", "text"), (name, "result")),
        lambda: _classify(entry.get("classify", {}), (name, "classify")),
        lambda: each(entry, lambda _, key: _known(key, _KEYS, (name, key))),
    )
    command, stdin, result, classify, _ = each(parts, lambda _, part: part())
    return name, Template(command, stdin, result, classify)


def _known(key: str, known: Collection[str], at: _Way) -> None:
    if key not in known:
        close = get_close_matches(key, known, n=1, cutoff=0.5)
        raise refused(f"have only {_listed(known)}", did_you_mean("".join(close)), at)


def _stdin(value: object, at: _Way) -> bool:
    if not isinstance(value, bool):
        raise refused("be true or false", "`false` if its prompt comes from `{prompt_file}`", at)
    return value


def _result(value: object, at: _Way) -> str:
    if not isinstance(value, str) or value not in LANGUAGES:
        close = get_close_matches(value, LANGUAGES, n=1) if isinstance(value, str) else ()
        hint = "the language in which it answers; `text` is its last lines and its exit code"
        raise refused(f"be {_listed(LANGUAGES)}", did_you_mean("".join(close), hint), at)
    return value


def _command(entry: Mapping[str, object], name: str) -> _Parts:
    if "command" not in entry:
        raise refused("have a `command`", _EXAMPLE, (name,))
    value, at = entry["command"], (name, "command")
    if not isinstance(value, list) or not value or not isinstance(value[0], str) or not value[0]:
        raise refused("be a list that begins with a program", "write `[program, argument]`", at)
    if places_in(value[0]):
        raise refused("be a program", "its name can't depend on the task", (*at, 0))
    return each(value, lambda i, part: _part(part, (*at, i)))


def _part(value: object, at: _Way) -> str | tuple[str, ...]:
    if isinstance(value, list):
        return each(value, lambda i, word: _word(word, (*at, i)))
    return _word(value, at)


def _word(value: object, at: _Way) -> str:
    if not isinstance(value, str) or "\0" in value:
        raise refused("be text", 'put it in quotes: "…"', at)
    for place in places_in(value):
        if place not in PLACES:
            hint = f"these can be filled in: {_listed(f'{{{one}}}' for one in PLACES)}"
            raise refused(f"not have `{{{brief(place)}}}`", hint, at)
    return value


def _classify(value: object, at: _Way) -> tuple[tuple[str, str], ...]:
    if not isinstance(value, dict):
        hint = "write `{rate_limited: too many requests}`"
        raise refused("be a mapping of classes to patterns", hint, at)
    return each(value.items(), lambda _, entry: _class(*entry, at))


def _class(name: str, pattern: object, at: _Way) -> tuple[str, str]:
    _known(name, CLASSES, (*at, name))
    if isinstance(pattern, str) and pattern:
        try:
            re.compile(pattern)
        except (re.error, RecursionError, OverflowError):
            pass
        else:
            return name, pattern
    raise refused("be a regular expression", "write it as Python's `re` has it", (*at, name))


def _listed(names: Any) -> str:
    *others, last = (f"`{name}`" for name in names)
    return f"{', '.join(others)} or {last}"


Described = Annotated[Mapping[str, Template], PlainValidator(described), WithJsonSchema(_SCHEMA)]
