"""What `on_event` may be."""

from collections.abc import Iterable
from difflib import get_close_matches
from typing import Annotated, Any

from pydantic import PlainValidator, WithJsonSchema

from parallel_orchestra.events import KINDS
from parallel_orchestra.model import Hook
from parallel_orchestra.plan.findings import did_you_mean
from parallel_orchestra.plan.values import COMMAND_SCHEMA, each, refused, shell_or_argv

_KEYS = ("run", "events")
_EXAMPLE = "write a command, or `{run: COMMAND, events: [Failed, RunEnded]}`"
_SCHEMA: dict[str, Any] = {
    "anyOf": [
        *COMMAND_SCHEMA["anyOf"],
        {
            "type": "object",
            "properties": {
                "run": COMMAND_SCHEMA,
                "events": {"type": "array", "items": {"enum": list(KINDS)}, "minItems": 1},
            },
            "required": ["run"],
            "additionalProperties": False,
        },
    ]
}


def _hook(value: object) -> Hook:
    if not isinstance(value, dict):
        return Hook(shell_or_argv(value))
    each(value, lambda _, key: _known(key, _KEYS, _EXAMPLE, (key,)))
    if "run" not in value:
        raise refused("say what is run", _EXAMPLE)
    run = shell_or_argv(value["run"], ("run",))
    if "events" not in value:
        return Hook(run)
    kinds = value["events"]
    if not isinstance(kinds, list) or not kinds:
        raise refused("be a list of kinds of events", _EXAMPLE, ("events",))
    others = f"there are {', '.join(KINDS)}"
    each(kinds, lambda place, kind: _known(kind, KINDS, others, ("events", place)))
    return Hook(run, tuple(dict.fromkeys(kinds)))


def _known(word: object, words: Iterable[str], otherwise: str, at: tuple[str | int, ...]) -> None:
    if word not in (names := list(words)):
        close = get_close_matches(word, names, n=1) if isinstance(word, str) else []
        raise refused("", did_you_mean("".join(close), otherwise), at)


SomeHook = Annotated[Hook, PlainValidator(_hook), WithJsonSchema(_SCHEMA)]
