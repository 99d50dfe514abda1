"""Results of commands as JSON: every field of a record under its name; words for enums."""

import json
from collections.abc import Iterable
from dataclasses import asdict
from enum import Enum
from typing import Any

import click


def told(facts: Any) -> str:
    """Returns a record, a list or tuple of records, or a mapping, as indented JSON."""
    return json.dumps(_plain(facts), indent=2, default=str)


def answer(facts: Any, lines: Iterable[str], *, as_json: bool) -> None:
    """Prints what a command did: its record for programs, or these lines for people."""
    click.echo(told(facts) if as_json else "\n".join(lines))


def _plain(value: Any) -> Any:
    if hasattr(value, "__dataclass_fields__"):
        value = asdict(value)
    if isinstance(value, dict):
        return {name: _plain(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    return value.value if isinstance(value, Enum) else value
