"""What the entries of `verify` may be: commands, some of them with a limit of their own."""

from typing import Annotated, Any

from pydantic import PlainValidator, WithJsonSchema
from pydantic_core import PydanticCustomError

from parallel_orchestra.model import Command, Timed
from parallel_orchestra.plan.values import (
    ARGV_SCHEMA,
    COMMAND_SCHEMA,
    DURATION_SCHEMA,
    LINE_SCHEMA,
    MOST_ENTRIES,
    duration,
    each,
    refused,
    shell_or_argv,
)

_TIMED_SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {"run": COMMAND_SCHEMA, "timeout": DURATION_SCHEMA},
    "required": ["run", "timeout"],
    "additionalProperties": False,
}
_CHECK_SCHEMA = {"anyOf": [LINE_SCHEMA, ARGV_SCHEMA, _TIMED_SCHEMA]}


def timed_commands(value: object) -> tuple[Command | Timed, ...]:
    """Returns the commands of a `verify` as `commands` does; one may be `{run: C, timeout: T}`."""
    if isinstance(value, list) and len(value) <= MOST_ENTRIES:
        return each(value, lambda i, one: _timed(one, (i,)))
    return (_timed(value, ()),)


def _timed(value: object, at: tuple[int | str, ...]) -> Command | Timed:
    if not isinstance(value, dict):
        return shell_or_argv(value, at)
    for key in value:
        if key not in ("run", "timeout"):
            raise refused("", "known keys: run, timeout", (*at, key))
    if value.keys() != {"run", "timeout"}:
        raise refused("have `run` and `timeout`", "write `{run: pytest -q, timeout: 10m}`", at)
    run = shell_or_argv(value["run"], (*at, "run"))
    try:
        return Timed(run, duration(value["timeout"]))
    except PydanticCustomError as error:
        said = (error.context or {})["said"][0]
        raise refused(said["must"], said["hint"], (*at, "timeout")) from None


TimedCommands = Annotated[
    tuple[Command | Timed, ...],
    PlainValidator(timed_commands),
    WithJsonSchema(
        {"anyOf": [LINE_SCHEMA, _TIMED_SCHEMA, {"type": "array", "items": _CHECK_SCHEMA}]}
    ),
]
