"""Writes the parts of the docs that the code decides: `python docs/generate.py`.

A part stands between `<!-- generated: NAME -->` and `<!-- end -->`; `PARTS` has a function for
each name. `tests/docs` fails if a part says something else than the code.
"""  # noqa: INP001  # a script of the docs, not a package

import inspect
import json
import re
import runpy
import sys
from collections.abc import Callable, Iterator
from dataclasses import fields
from importlib import import_module
from pathlib import Path
from typing import Any

import click

import parallel_orchestra
from parallel_orchestra.agents import BACKENDS
from parallel_orchestra.cli import topics
from parallel_orchestra.cli.catalogue import COMMANDS, PROGRAM, example
from parallel_orchestra.events import KINDS, Event
from parallel_orchestra.model import FailureClass, Task
from parallel_orchestra.plan import SCHEMA_FILE
from parallel_orchestra.plan.abilities import ABILITIES, AGENT_FIELDS
from parallel_orchestra.plan.schema import plan_schema
from parallel_orchestra.report.markdown import VARIABLES
from parallel_orchestra.report.registry import FORMATS
from parallel_orchestra.retry import WAYS, Way
from parallel_orchestra.states import TRANSITIONS, Move, TaskState

DOCS = Path(__file__).resolve().parent
_PART = re.compile(
    r"(?P<head><!-- generated: (?P<name>[a-z-]+) -->\n).*?(?P<foot><!-- end -->)", re.DOTALL
)


def pages() -> list[Path]:
    """Returns all pages: the README and every Markdown file of the docs."""
    return [DOCS.parent / "README.md", *sorted(DOCS.rglob("*.md"))]


def filled(text: str) -> str:
    """Returns a page's text with all its generated parts made anew."""
    return _PART.sub(
        lambda found: f"{found['head']}\n{PARTS[found['name']]()}\n{found['foot']}", text
    )


def state_diagram() -> str:
    """Returns the moves between the four directories as a Mermaid diagram."""
    lines = ["```mermaid", "stateDiagram-v2", f"    [*] --> {TaskState.AVAILABLE.value}: publish"]
    arrows: dict[tuple[TaskState, TaskState], list[Move]] = {}
    for known in TRANSITIONS:
        arrows.setdefault((known.source, known.target), []).append(known.move)
    for (source, target), moves in arrows.items():
        names = ", ".join(move.value for move in moves)
        lines.append(f"    {source.value} --> {target.value}: {names}")
    return "\n".join((*lines, "```\n"))


def transitions() -> str:
    """Returns every allowed move as a table."""
    rows = (
        (
            known.move.value,
            f"`{known.source.value}/`",
            f"`{known.target.value}/`",
            known.by,
            known.guard,
        )
        for known in TRANSITIONS
    )
    return _table(("Move", "From", "To", "By", "Only if"), rows)


def command_list() -> str:
    """Returns all commands with what they do."""
    rows = ((f"[`{one.name}`](#{one.name})", one.summary) for one in COMMANDS)
    return _table(("Command", "What it does"), rows)


def variables() -> str:
    """Returns the variables of the environment that commands heed."""
    rows = (
        (f"`{name}`", f"{what[:1].upper()}{what[1:]}.") for name, what in topics.VARIABLES.items()
    )
    return _table(("Variable", "Meaning"), rows)


def command_details() -> str:
    """Returns a section for each command: how it is called, what it does, its options."""
    return "\n".join(_details(one.name, one.place) for one in COMMANDS)


def events() -> str:
    """Returns a table of all kinds of events and their fields."""
    common = {one.name for one in fields(Event)}
    rows = (
        (
            f"`{name}`",
            " ".join(f"`{one.name}`" for one in fields(kind) if one.name not in common),
            _summary(kind),
        )
        for name, kind in KINDS.items()
    )
    return _table(("Kind", "Fields, beside `time`", "When"), rows)


def report_formats() -> str:
    """Returns the formats of reports, with the endings of files that ask for them."""
    rows = (
        (f"`{one.name}`", " ".join(f"`{suffix}`" for suffix in one.suffixes), one.use)
        for one in FORMATS
    )
    return _table(("Format", "Files", "For whom"), rows)


def report_variables() -> str:
    """Returns what a template of a report sees."""
    rows = ((f"`{name}`", meaning) for name, meaning in VARIABLES.items())
    return _table(("Variable", "Meaning"), rows)


_ONWARD = {
    Way.SESSION: "in the same session, with its files",
    Way.TREE: "in a fresh session, with its files",
    Way.FRESH: "anew",
}


def failure_classes() -> str:
    """Returns what follows each class of failure."""
    rows = (
        (
            f"`{one.value}`",
            "yes" if one.counted else "no",
            "no" if one.final else "yes",
            _ONWARD[WAYS[one]],
        )
        for one in FailureClass
    )
    return _table(("Class", "Counts as a failure", "Tried again", "The next attempt begins"), rows)


def agent_programs() -> str:
    """Returns the programs behind the backends, with the versions that were tried."""
    rows = (
        (
            f"`{backend.name}`",
            f"{program.title}, `{program.command}`",
            f"`{program.install}`",
            program.minimum,
            program.tried,
            f"{backend.start_gap:g} s",
        )
        for backend in BACKENDS.values()
        if (program := backend.program) is not None
    )
    heads = ("Backend", "Program", "Installed by", "Oldest tried", "Newest tried", "Start gap")
    return _table(heads, rows)


def agent_accounts() -> str:
    """Returns by which variables of its environment it is known who pays for an agent."""
    names = {f"`{name}`": backend.account for name, backend in BACKENDS.items()}
    names["one of [`backends`](plan.md#backends)"] = BACKENDS["command"].account
    rows = ((name, " ".join(f"`{one}`" for one in found)) for name, found in names.items())
    return _table(("Backend", "Variables"), rows)


def agent_fields() -> str:
    """Returns which fields of a task each backend understands."""
    heads = ("Backend", *(f"[`{field}`](plan.md#{field})" for field in AGENT_FIELDS))
    rows = (
        (f"`{name}`", *("yes" if field in one.fields else "-" for field in AGENT_FIELDS))
        for name, one in ABILITIES.items()
    )
    return _table(heads, rows)


def agent_modes() -> str:
    """Returns with which arguments each backend runs tasks, by what they may do."""
    rows = []
    for name, one in ABILITIES.items():
        backend = BACKENDS[name]
        cases = [
            ("a task that writes", Task("a")),
            ("a `read_only` task", Task("a", read_only=True)),
        ]
        if "allowed_tools" in one.fields:
            cases.append(("`allowed_tools`, and no mode", Task("a", allowed_tools=("Edit",))))
        cases += [
            (f"`permission_mode: {mode}`", Task("a", permission_mode=mode)) for mode in one.modes
        ]
        for case, task in cases:
            words = " ".join(backend.mode(task))
            rows.append((f"`{name}`", case, f"`{words}`" if words else "-"))
    return _table(("Backend", "What", "Arguments"), rows)


def agent_failures() -> str:
    """Returns what was recorded of each real agent's failures, and what we make of it."""
    rows = runpy.run_path(str(DOCS.parent / "tests" / "support" / "corpus.py"))["rows"]
    heads = ("What happened", "Class", "Tried again", "What is said")
    return "\n".join(
        f"## {backend.program.title} {backend.program.tried}\n\n{_table(heads, rows(name))}"
        for name, backend in BACKENDS.items()
        if backend.program is not None
    )


def report_keys() -> str:
    """Returns the keys of the JSON report, from its schema."""
    schema = json.loads((DOCS / "reference" / "report.schema.json").read_text(encoding="utf-8"))
    parts = {"The run": schema, "A task": schema["$defs"]["task"]}
    parts["An attempt"] = schema["$defs"]["attempt"]
    parts["The outlook"] = schema["properties"]["outlook"]
    parts["The integration report"] = schema["properties"]["integration_report"]
    parts["A cause"] = schema["$defs"]["task"]["properties"]["cause"]
    text = []
    for title, part in parts.items():
        rows = (
            (f"`{name}`", one.get("description", "")) for name, one in part["properties"].items()
        )
        text.append(f"### {title}\n\n{_table(('Key', 'Meaning'), rows)}")
    return "\n".join(text)


def python_names() -> str:
    """Returns a section for each public name of the package."""
    section = runpy.run_path(str(DOCS / "python_names.py"))["section"]
    names = [name for name in parallel_orchestra.__all__ if not name.startswith("_")]
    return "\n".join(
        section(name, getattr(parallel_orchestra, name), _table, _summary) for name in names
    )


def schema_of_plans() -> str:
    """Returns the JSON Schema of plans; the reference says what its fields mean."""
    text = (DOCS / "reference" / "plan.md").read_text(encoding="utf-8")
    parts = {"plan": "The plan", "task": "A task"}
    found = {key: dict(_meanings(text, title)) for key, title in parts.items()}
    return json.dumps(plan_schema(found), indent=2, ensure_ascii=False) + "\n"


def manual_page() -> str:
    """Returns the manual page, for man(1)."""
    made = runpy.run_path(str(DOCS / "manual_page.py"))["manual_page"]
    return str(made())


def _meanings(text: str, title: str) -> Iterator[tuple[str, str]]:
    """Yields the fields of a chapter with the first paragraph of their sections, as plain text."""
    chapter = text.partition(f"\n## {title}\n")[2].partition("\n## ")[0]
    for section in chapter.split("\n### ")[1:]:
        head, _, body = section.partition("\n\n")
        words = " ".join(body.partition("\n\n")[0].split())
        yield head.partition(" (")[0].strip(), re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", words)


def _details(name: str, place: str) -> str:
    module, _, attribute = place.partition(":")
    command = getattr(import_module(f"parallel_orchestra.cli.{module}"), attribute)
    context = click.Context(command, info_name=f"{PROGRAM} {name}")
    usage = command.get_usage(context).removeprefix("Usage: ")
    shown = f"Example: `{example(name)}`"
    told = [inspect.cleandoc(text) for text in (command.help, command.epilog) if text]
    told += [shown] if shown not in told[-1] else []
    rows = [
        (f"`{' / '.join(_spellings(one))}`", one.help or "")
        for one in command.params
        if isinstance(one, click.Option)
    ]
    options = f"\n{_table(('Option', 'Meaning'), rows)}" if rows else ""
    paragraphs = "\n\n".join(told)
    return f"## {name}\n\n    {' '.join(usage.split())}\n\n{paragraphs}\n{options}"


def _spellings(option: click.Option) -> Iterator[str]:
    values = "" if option.is_flag else f" {_metavar(option)}"
    for word in (*option.opts, *option.secondary_opts):
        yield f"{word}{values}"


def _metavar(option: click.Option) -> str:
    if isinstance(option.type, click.Choice):
        return "|".join(map(str, option.type.choices))
    return option.metavar or option.type.name.upper()


def _summary(thing: Any) -> str:
    return " ".join((inspect.getdoc(thing) or "").partition("\n\n")[0].split())


def _table(heads: tuple[str, ...], rows: Any) -> str:
    lines = [heads, tuple("---" for _ in heads), *rows]
    safe = ([cell.replace("|", "\\|") for cell in cells] for cells in lines)
    return "".join(f"| {' | '.join(cells)} |\n" for cells in safe)


PARTS: dict[str, Callable[[], str]] = {
    "agent-failures": agent_failures,
    "agent-accounts": agent_accounts,
    "agent-fields": agent_fields,
    "agent-modes": agent_modes,
    "agent-programs": agent_programs,
    "state-diagram": state_diagram,
    "transitions": transitions,
    "command-list": command_list,
    "command-details": command_details,
    "variables": variables,
    "events": events,
    "failure-classes": failure_classes,
    "report-formats": report_formats,
    "report-keys": report_keys,
    "report-variables": report_variables,
    "python-names": python_names,
}


#: Whole files that the code decides.
FILES: dict[Path, Callable[[], str]] = {
    SCHEMA_FILE: schema_of_plans,
    DOCS / "parallel-orchestra.1": manual_page,
}


def main() -> None:
    """Brings all pages and files up to date and names those that changed."""
    wanted = {page: filled(page.read_text(encoding="utf-8")) for page in pages()}
    wanted |= {path: made() for path, made in FILES.items()}
    for path, after in wanted.items():
        if not path.exists() or path.read_text(encoding="utf-8") != after:
            path.write_text(after, encoding="utf-8")
            sys.stdout.write(f"{path.relative_to(DOCS.parent)}\n")


if __name__ == "__main__":
    main()
