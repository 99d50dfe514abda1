"""The reference of the Python API, made of signatures and docstrings: see `generate.py`."""  # noqa: INP001  # a script of the docs, not a package

import inspect
import re
from collections.abc import Callable
from dataclasses import MISSING, Field, fields, is_dataclass
from enum import Enum
from pathlib import Path
from typing import Any

from parallel_orchestra.events import Event


def section(name: str, value: Any, table: Callable[..., str], summary: Callable[[Any], str]) -> str:
    """Returns what the reference says of one name.

    `table` writes heads and rows as Markdown, `summary` a docstring's first paragraph.
    """
    text = inspect.cleandoc(inspect.getdoc(value) or "")
    head = f"### {name}\n"
    if inspect.isfunction(value):
        return f"{head}\n```python\n{_definition(name, value)}\n```\n\n{_raises(text)}\n"
    members = ""
    if inspect.isclass(value) and issubclass(value, Enum):
        listed = ", ".join(f"`{one.name}` ({one.value})" for one in value)
        members = f"\nOne of: {listed}.\n"
    elif is_dataclass(value) and value is not Event:
        rows = [(f"`{one.name}`", f"`{_type(one)}`", _default(one)) for one in fields(value)]
        members = f"\n{table(('Field', 'Type', 'Default'), rows)}"
    methods = [
        f"- `{one}{_signature(thing)}`: {summary(thing)}"
        for one, thing in vars(value).items()
        if inspect.isfunction(thing) and not one.startswith("_")
    ]
    known = "\n".join(("", *methods, "")) if methods else ""
    return f"{head}\n{_raises(text)}\n{members}{known}"


def _definition(name: str, function: Callable[..., Any]) -> str:
    """Returns a function's signature as Python, one parameter on each line."""
    given = inspect.signature(function)
    alone = [given.replace(parameters=[one]) for one in given.parameters.values()]
    shown = [_unqualified(str(one).partition(") ->")[0].lstrip("(")) for one in alone]
    lines: list[str] = []
    for line in shown:
        # A keyword-only parameter alone brings the star with it each time.
        if line.startswith("*, "):
            lines += [] if "*" in lines else ["*"]
            line = line.removeprefix("*, ")  # noqa: PLW2901  # the rest of it
        lines.append(line)
    inner = "".join(f"    {line},\n" for line in lines)
    back = _signature(function).rpartition(" -> ")[2]
    return f"def {name}(\n{inner}) -> {back}: ..."


def _signature(function: Callable[..., Any]) -> str:
    shown = str(inspect.signature(function)).replace("parallel_orchestra.", "")
    return _unqualified(re.sub(r"\(self(, )?", "(", shown))


def _type(one: Field[Any]) -> str:
    name = one.type if isinstance(one.type, str) else inspect.formatannotation(one.type)
    return _unqualified(name)


def _unqualified(text: str) -> str:
    return re.sub(r"\b(?:[a-z_]+\.)+(?=[A-Z])", "", text).replace("pathlib.", "")


def _default(one: Field[Any]) -> str:
    if one.default_factory is not MISSING:
        return "empty"
    if one.default is MISSING:
        return "-"
    if isinstance(one.default, Enum | Path):
        return f"`{one.default.value if isinstance(one.default, Enum) else one.default}`"
    if callable(one.default):
        return "knows nothing"
    return f"`{one.default!r}`"


def _raises(text: str) -> str:
    """Returns a docstring as Markdown: what it raises becomes a list."""
    body, _, raised = text.partition("\nRaises:\n")
    entries = re.findall(r"^    (\w.*(?:\n {5,}.*)*)", raised, re.MULTILINE)
    listed = "".join(f"- {' '.join(entry.split())}\n" for entry in entries)
    return body.strip() + (f"\n\nRaises:\n\n{listed}".rstrip() if listed else "")
