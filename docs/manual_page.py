"""The manual page, made of the same tables and options as the reference: see `generate.py`.

Roff as man(7) has it. Whatever could be read as a request or an escape is written so that it is text.
"""  # noqa: INP001  # a script of the docs, not a package

import inspect
import re
from collections.abc import Iterator

import click

from parallel_orchestra import __version__
from parallel_orchestra.cli.catalogue import COMMANDS, GROUPS, PROGRAM
from parallel_orchestra.cli.group import program
from parallel_orchestra.cli.topics import EXIT_CODES, VARIABLES

_ABOUT = "carry out one Markdown plan with many coding agents at once"
_TEXT = """\
Carries out a plan, a Markdown file with YAML front matter, with several coding agents at once, each
in a git worktree of its own, and merges what they made into one branch. It can be killed at any
moment: `run --resume` goes on where it was."""
_FILES = {
    "_tasks/": "a run's tasks, logs and journal, in the project; `_tasks/README.md` explains it",
    "~/.cache/parallel-orchestra/": "worktrees, unless PO_WORKTREE_ROOT says where",
}


def manual_page() -> str:
    """Returns the page as roff."""
    lines = [
        f'.TH "{PROGRAM.upper()}" "1" "" "{PROGRAM} {__version__}" "User Commands"',
        ".SH NAME",
        f"{_text(PROGRAM)} \\- {_text(_ABOUT)}",
        ".SH SYNOPSIS",
        f".B {_text(PROGRAM)}",
        r"\fICOMMAND\fR [\fIOPTIONS\fR]",
        ".SH DESCRIPTION",
        *_paragraph(_TEXT),
        ".SH COMMANDS",
    ]
    known = {entry.name: entry for entry in COMMANDS}
    for title, names in GROUPS:
        lines.append(f'.SS "{title}"')
        for name in names.split():
            lines += _command(known[name].name)
    lines += [".SH EXIT STATUS"]
    lines += _terms({str(int(code)): what for code, what in EXIT_CODES.items()})
    lines += [".SH ENVIRONMENT", *_terms(VARIABLES), ".SH FILES", *_terms(_FILES)]
    lines += [".SH SEE ALSO", ".BR git (1),", ".BR git\\-worktree (1)"]
    return "\n".join(lines) + "\n"


def _command(name: str) -> Iterator[str]:
    group = program()
    command = group.get_command(click.Context(group), name)
    assert command is not None  # noqa: S101  # the table has it
    context = click.Context(command, info_name=f"{PROGRAM} {name}")
    usage = " ".join(command.get_usage(context).removeprefix("Usage: ").split())
    yield ".TP"
    yield f".B {_text(usage.removeprefix(f'{PROGRAM} '))}"
    told = [inspect.cleandoc(text) for text in (command.help, command.epilog) if text]
    yield _text(" ".join(told[0].split("\n\n")[0].split()))
    for part in [*told[0].split("\n\n")[1:], *told[1:]]:
        yield ".IP"
        yield _text(" ".join(part.split()))
    options = [one for one in command.params if isinstance(one, click.Option)]
    if options:
        yield ".RS"
        for option in options:
            record = option.get_help_record(context)
            if record is not None:
                yield from (".TP", f".B {_text(record[0])}", _text(record[1]))
        yield ".RE"


def _terms(rows: dict[str, str]) -> Iterator[str]:
    for name, what in rows.items():
        yield from (".TP", f".B {_text(name)}", _text(what))


def _paragraph(text: str) -> Iterator[str]:
    yield _text(" ".join(text.split()))


def _text(words: str) -> str:
    """Returns words as roff that says just them; what stands in backticks is bold."""
    safe = " ".join(words.split()).replace("\\", "\\e").replace("-", "\\-")
    bold = re.sub(r"`([^`]+)`", r"\\fB\1\\fR", safe)
    # A line that begins so would be a request.
    return f"\\&{bold}" if bold.startswith((".", "'")) else bold
