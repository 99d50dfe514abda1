"""What the values of a plan's fields may be: one type each, with its rule and its words.

A rule that fails says `refused("be ...")`; the sentence around it is made in `wording`. Times
are seconds, whatever the plan wrote.
"""

import math
import re
from collections.abc import Callable, Iterable
from enum import Enum
from pathlib import PurePosixPath
from typing import Annotated, Any, Literal, TypeGuard, TypeVar

from pydantic import AfterValidator, BeforeValidator, Field, PlainValidator, WithJsonSchema
from pydantic_core import PydanticCustomError

from parallel_orchestra.model import (
    Boundaries,
    Command,
    Deliver,
    Halt,
    Isolation,
    OnConflict,
    Strategy,
)
from parallel_orchestra.ownership import Unreadable, patterns_of
from parallel_orchestra.plan import variables
from parallel_orchestra.plan.findings import brief
from parallel_orchestra.plan.yaml_tree import kind_of

#: Nobody lists more by hand; a bound on what a hostile plan can make us complain about.
MOST_ENTRIES = 20_000
_LONGEST_DURATION = 365 * 86400.0

_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
_AGENT = re.compile(r"(?:[A-Za-z0-9_][A-Za-z0-9_-]*)?")
_DURATION = re.compile(
    r"(?:(?P<d>\d{1,9})d)?(?:(?P<h>\d{1,9})h)?(?:(?P<m>\d{1,9})m)?(?:(?P<s>\d{1,9}(?:\.\d{1,9})?)s)?"
)
_PERSON = re.compile(r"[^<>\s][^<>]* <[^<>\s]+@[^<>\s]+>")
_Entry = TypeVar("_Entry")
_Read = TypeVar("_Read")
_UNITS = {"d": 86400.0, "h": 3600.0, "m": 60.0, "s": 1.0}
#: What the sizes of `estimate` stand for: seconds.
SIZES = {"S": 60.0, "M": 300.0, "L": 1200.0}
_DURATION_HINT = "write seconds (90) or a duration (90s, 10m, 1h30m)"


def refused(must: str, hint: str = "", at: tuple[str | int, ...] = ()) -> PydanticCustomError:
    """Returns the error "<field> must <must>, not <value>"; `at` leads to a part of the value.

    With no `must` the value stays unsaid: "<field> can't be used", and the hint says why.
    """
    said = ({"must": must, "hint": hint, "at": at},)
    return PydanticCustomError("refused", "refused", {"said": said})


def each(entries: Iterable[_Entry], read: Callable[[int, _Entry], _Read]) -> tuple[_Read, ...]:
    """Returns what `read` makes of each entry, given with its position.

    Raises:
        PydanticCustomError: with what all of them were refused for, not the first one alone.
    """
    good: list[_Read] = []
    said: list[dict[str, Any]] = []
    for i, entry in enumerate(entries):
        try:
            good.append(read(i, entry))
        except PydanticCustomError as error:
            said += (error.context or {})["said"]
    if said:
        raise PydanticCustomError("refused", "refused", {"said": tuple(said)})
    return tuple(good)


def duration(value: object) -> float:
    """Returns a duration in seconds: a number, or text such as 90s, 10m, 1h30m, 2d."""
    if isinstance(value, str):
        match = _DURATION.fullmatch(value.strip())
        parts = match.groupdict() if match else {}
        known = [float(number) * _UNITS[unit] for unit, number in parts.items() if number]
        if not known:
            raise refused("be a duration", _DURATION_HINT)
        seconds = sum(known)
    elif isinstance(value, int | float) and not isinstance(value, bool):
        # a whole number may be too long for a float
        seconds = float(min(value, 10**18)) if isinstance(value, int) else value
    else:
        raise refused("be a duration", _DURATION_HINT)
    if not math.isfinite(seconds) or not 0 < seconds <= _LONGEST_DURATION:
        raise refused("be more than nothing and at most 365 days", _DURATION_HINT)
    return seconds


def is_task_id(value: object) -> TypeGuard[str]:
    """Returns whether a value can name a task."""
    return isinstance(value, str) and _ID.fullmatch(value) is not None


def _estimate(value: object) -> float:
    if isinstance(value, str) and value in SIZES:
        return SIZES[value]
    if isinstance(value, str) and not _DURATION.fullmatch(value):
        raise refused("be S, M, L or a duration", _DURATION_HINT)
    return duration(value)


def _task_id(value: str) -> str:
    if not is_task_id(value):
        raise refused("be 1 to 64 letters, digits, `-` or `_`", "a task's file is named by its id")
    return value


def _agent(value: str) -> str:
    if not _AGENT.fullmatch(value):
        hint = "name an agent of yours, or remove the line"
        raise refused("be letters, digits, `-` or `_`, with no `-` in front", hint)
    return value


def _plugin_agent(value: str) -> str:
    if value and not all(_AGENT.fullmatch(part) and part for part in value.split(":")):
        hint = "name an agent of yours, or one of a plugin: `plugin:name`"
        raise refused("be letters, digits, `-` or `_`, with no `-` in front", hint)
    return value


def _filled(value: str) -> str:
    if not value.strip():
        raise refused("not be empty", "write something or remove the line")
    return value


def _one_line(value: str) -> str:
    if not value.isprintable():
        raise refused("be one line without control characters", "write it on one line")
    return value


def _tool(value: str) -> str:
    if value.startswith("-") or "," in value:
        raise refused("not begin with `-` or contain `,`", "write each tool as an entry of its own")
    return value


def _co_author(value: object) -> str | bool:
    if isinstance(value, bool):
        return value
    if not isinstance(value, str) or not (value.isprintable() and _PERSON.fullmatch(value)):
        hint = "true stands for the agent that did the task, where it has such a line"
        raise refused("be `Name <address>`, true or false", hint)
    return value


def _branch(value: str) -> str:
    if value.startswith("-") or any(char.isspace() for char in value):
        raise refused("be the name of a branch", "it can't begin with `-` or contain blanks")
    return value


def _inside(value: str) -> str:
    try:
        patterns_of(value)
    except Unreadable as error:
        raise refused(error.must, error.hint) from error
    return value


def _patterns(value: object) -> tuple[str, ...]:
    """Returns one path or pattern, or a list of them."""
    entries = value if isinstance(value, list) else [value]
    if len(entries) > MOST_ENTRIES:
        raise refused(f"have at most {MOST_ENTRIES:,} entries", "name a folder, or use a pattern")
    listed = isinstance(value, list)
    return each(entries, lambda i, one: _one_pattern(one, (i,) if listed else ()))


def _one_pattern(one: object, at: tuple[int, ...]) -> str:
    if not isinstance(one, str) or not one.strip() or not one.isprintable():
        raise refused("be a path or a pattern", "write one, or a list of them", at)
    path = PurePosixPath(one)
    if path.is_absolute() or ".." in path.parts or path == PurePosixPath():
        hint = "write it relative to `cwd`, without `..`"
        raise refused("be a path inside the project", hint, at)
    if one.startswith(("!", "#")):
        raise refused("name something", "leave out what is not meant", at)
    return one


def shell_or_argv(value: object, at: tuple[int | str, ...] = ()) -> Command:
    """Returns a command that stands at a place within a field's value."""
    if isinstance(value, str) and value.strip():
        return value
    if not isinstance(value, list) or not value or value[0] == "":
        raise refused(
            "be a command",
            "write one shell line, or a list: [program, argument, …]",
            at,
        )
    return each(value, lambda i, part: _argument(part, (*at, i)))


def _argument(part: object, at: tuple[int | str, ...]) -> str:
    if not isinstance(part, str):
        raise refused("be text", 'put it in quotes: "…"', at)
    return part


def command(value: object) -> Command:
    """Returns a command: a list is program and arguments, text is one line for `sh -c`."""
    return shell_or_argv(value)


def commands(value: object) -> tuple[Command, ...]:
    """Returns the commands of a `verify`, run in this order, each must succeed.

    Text is one shell line. A list holds commands: each text in it is a shell line of its own,
    each list in it a program with its arguments. So `pytest -q`, `[ruff check, pytest -q]` and
    `[[pytest, -q]]` all say what they seem to say; an empty list is no verification.
    """
    if isinstance(value, list) and len(value) <= MOST_ENTRIES:
        return each(value, lambda i, one: shell_or_argv(one, (i,)))
    return (shell_or_argv(value),)


def _env_name(value: str) -> str:
    why = variables.why_refused(value)
    if why:
        raise refused("not be set", why)
    return _name(value)


def _published_env_name(value: str) -> str:
    if value in variables.PUBLISHED:
        hint = "it changes what every program loads, or belongs to the tool: remove it"
        raise refused("not be set", hint)
    return _name(value)


def _name(value: str) -> str:
    if not value or "=" in value:
        raise refused("be a name without `=`", "write `NAME: value`")
    return value


def _bounded(value: Any) -> Any:
    if isinstance(value, list | dict) and len(value) > MOST_ENTRIES:
        raise refused(f"have at most {MOST_ENTRIES:,} entries", "part the plan in several")
    return value


def _whole_number(value: Any) -> Any:
    """Takes what `int()` takes, as the published tool does: `"2"` and 1.9 are retries too."""
    if isinstance(value, bool) or not isinstance(value, str | float):
        return value
    try:
        return int(value)
    except (ValueError, OverflowError):
        return value


def _dollars(value: object) -> float:
    if isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < 10**9:
        return float(value)
    raise refused("be dollars", "write a number, such as 2.5")


def _some(value: float) -> float:
    if not value:
        raise refused("be more than nothing", "remove the line if there is no limit")
    return value


def _one_of(kind: type[Enum]) -> AfterValidator:
    # Not the class itself: from Python 3.12 on an enum's signature says nothing of one argument.
    def member(value: str) -> Enum:
        return kind(value)

    return AfterValidator(member)


def _bounds(value: object) -> Boundaries:
    if value is False:
        # YAML's own reading of `off`
        return Boundaries.OFF
    try:
        return Boundaries(value)
    except ValueError:
        must = "be `off`, `warn` or `block`"
        raise refused(must, "`block` fails an attempt, `warn` only says so") from None


def _halt(value: object) -> Halt:
    try:
        return Halt.of(value if isinstance(value, str) else "")
    except ValueError:
        hint = "`soon,3` stops after three failed tasks, `now,20%` after a fifth of all tasks"
        raise refused("be `keep-going`, `soon` or `now`", hint) from None


def shown(value: object) -> str:
    """Returns a refused value for a message."""
    if isinstance(value, str):
        return f"`{brief(value)}`" if value else "empty text"
    return kind_of(value)


#: What a checked value looks like to an editor; pydantic can't look into our functions.
LINE_SCHEMA: dict[str, Any] = {"type": "string", "minLength": 1}
ARGV_SCHEMA: dict[str, Any] = {"type": "array", "minItems": 1, "items": {"type": "string"}}
COMMAND_SCHEMA: dict[str, Any] = {"anyOf": [LINE_SCHEMA, ARGV_SCHEMA]}
DURATION_SCHEMA: dict[str, Any] = {
    "anyOf": [
        {"type": "number", "exclusiveMinimum": 0},
        {"type": "string", "pattern": r"^\s*(\d+d)?(\d+h)?(\d+m)?(\d+(\.\d+)?s)?\s*$"},
    ]
}

Text = str
Filled = Annotated[str, AfterValidator(_filled)]
Line = Annotated[str, AfterValidator(_one_line)]
FilledLine = Annotated[str, AfterValidator(_filled), AfterValidator(_one_line)]
TaskId = Annotated[
    str,
    AfterValidator(_task_id),
    WithJsonSchema({"type": "string", "pattern": f"^{_ID.pattern}$"}),
]
PluginAgent = Annotated[str, AfterValidator(_plugin_agent)]
Agent = Annotated[str, AfterValidator(_agent)]
Branch = Annotated[str, AfterValidator(_filled), AfterValidator(_branch)]
Pattern = Annotated[str, AfterValidator(_filled), AfterValidator(_inside)]
Duration = Annotated[float, PlainValidator(duration), WithJsonSchema(DURATION_SCHEMA)]
Estimate = Annotated[
    float,
    PlainValidator(_estimate),
    WithJsonSchema({"anyOf": [{"enum": list(SIZES)}, DURATION_SCHEMA]}),
]
OneCommand = Annotated[Command, PlainValidator(command), WithJsonSchema(COMMAND_SCHEMA)]
Commands = Annotated[
    tuple[Command, ...],
    PlainValidator(commands),
    WithJsonSchema({"anyOf": [LINE_SCHEMA, {"type": "array", "items": COMMAND_SCHEMA}]}),
]
Ids = Annotated[list[str], BeforeValidator(_bounded), AfterValidator(tuple)]
Patterns = Annotated[list[Pattern], BeforeValidator(_bounded), AfterValidator(tuple)]
Lines = Annotated[list[FilledLine], BeforeValidator(_bounded), AfterValidator(tuple)]
Tool = Annotated[FilledLine, AfterValidator(_tool)]
Tools = Annotated[list[Tool], BeforeValidator(_bounded), AfterValidator(tuple)]
Turns = Annotated[int, Field(ge=1, le=10**6)]
File = Annotated[FilledLine, AfterValidator(_inside)]
Files = Annotated[list[File], BeforeValidator(_bounded), AfterValidator(tuple)]
SomePatterns = Annotated[
    tuple[str, ...],
    BeforeValidator(_patterns),
    WithJsonSchema({"anyOf": [LINE_SCHEMA, {"type": "array", "items": LINE_SCHEMA}]}),
]
Paths = Annotated[list[Filled], BeforeValidator(_bounded), AfterValidator(tuple)]
EnvName = Annotated[str, AfterValidator(_env_name)]
Env = Annotated[dict[EnvName, str], BeforeValidator(_bounded)]
PublishedEnvName = Annotated[str, AfterValidator(_published_env_name)]
PublishedEnv = Annotated[dict[PublishedEnvName, str], BeforeValidator(_bounded)]
Limit = Annotated[int, Field(ge=1, le=256)]
Limits = Annotated[dict[Filled, Limit], BeforeValidator(_bounded)]
LooseLimit = Annotated[int, BeforeValidator(_whole_number), Field(ge=1, le=256)]
LooseLimits = Annotated[dict[Filled, LooseLimit], BeforeValidator(_bounded)]
Retries = Annotated[int, Field(ge=0, le=100)]
LooseRetries = Annotated[int, BeforeValidator(_whole_number), Field(ge=0, le=10**6)]
Workers = Annotated[int, Field(ge=1, le=256)]
Priority = Annotated[int, Field(ge=-(10**6), le=10**6)]
Halting = Annotated[
    Halt,
    PlainValidator(_halt),
    WithJsonSchema(
        {"type": "string", "pattern": r"^(keep-going|(soon|now)( *, *[1-9]\d{0,5} *%?)?)$"}
    ),
]
Bounds = Annotated[
    Boundaries,
    PlainValidator(_bounds),
    WithJsonSchema({"enum": ["off", "warn", "block", False]}),
]
Delivering = Annotated[Literal["end", "each", "never", "pr"], _one_of(Deliver)]
Conflicting = Annotated[Literal["keep", "halt", "retry", "agent"], _one_of(OnConflict)]
Merging = Annotated[Literal["merge", "squash", "rebase"], _one_of(Strategy)]
CoAuthor = Annotated[
    str | bool,
    PlainValidator(_co_author),
    WithJsonSchema({"anyOf": [{"type": "boolean"}, {"type": "string", "pattern": "^.+ <.+@.+>$"}]}),
]
Wave = Annotated[int, Field(ge=0, le=10**6)]
Dollars = Annotated[
    float, PlainValidator(_dollars), WithJsonSchema({"type": "number", "minimum": 0})
]
Tokens = Annotated[int, Field(ge=0, le=10**12)]
SomeDollars = Annotated[Dollars, AfterValidator(_some)]
SomeTokens = Annotated[int, Field(ge=1, le=10**12)]
Where = Annotated[Literal["worktree", "clone", "shared", "none"], _one_of(Isolation)]
