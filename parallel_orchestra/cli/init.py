"""`init`: a first plan to begin with, or the skeleton of a `cpo` folder; overwrites nothing."""

import json
import re
from collections.abc import Mapping
from pathlib import Path

import click

from parallel_orchestra.cli.facts import told
from parallel_orchestra.cli.failures import usage
from parallel_orchestra.cli.options import json_option
from parallel_orchestra.cli.outputs import replace_file
from parallel_orchestra.errors import ExitCode
from parallel_orchestra.model import CPO_MANIFEST
from parallel_orchestra.plan.cpo.skeleton import (
    PARALLEL_GITIGNORE,
    PARALLEL_README,
    name_in,
    skeleton,
    spec_id,
)

_PLAN = """\
---
po_plan_version: "0.2"
name: {name}
max_workers: 2
defaults:
  timeout: 30m
# What must succeed on each merge, for example your tests:
# verify: pytest -q
tasks:
  - id: first
    title: What the first task is for, in one line
    writes: [src/first/]
  - id: second
    title: What the second task is for
    writes: [src/second/]
  - id: review
    title: What the two of them made, seen by a third
    read_only: true
    depends_on: [first, second]
---

Everything above is for the tool: what runs, after what, and which files it writes. Below, each
heading that is a task's id begins its prompt. This paragraph is for people.

## first

Say what is to be done, where, and how one can tell that it is right. The agent works in a copy of
the project of its own; what it leaves there is committed and merged.

## second

`first` and `second` run at the same time, since neither waits for the other.

## review

Read what `first` and `second` changed, and say what should be mended.
"""

_KINDS = {"pyproject.toml": "python", "package.json": "typescript", "go.mod": "go"}


@click.command("init", short_help="write a first plan, or the skeleton of a `cpo` folder")
@click.argument("directory", type=click.Path(path_type=Path), default=Path())
@click.option("--cpo", is_flag=True, help="Write a `cpo` folder in place of a plan.")
@click.option(
    "-t",
    "--tech-spec",
    "spec",
    default="",
    metavar="SPEC",
    help="Its tech spec: an id such as TS-0042, or a file (default: from the folder's name).",
)
@click.option(
    "-n", "--name", default="", metavar="NAME", help="What it is called (default: as the folder)."
)
@json_option
def command(directory: Path, cpo: bool, spec: str, name: str, as_json: bool) -> int:
    """Write `plan.md` into DIRECTORY (default: here), or with --cpo make DIRECTORY a `cpo` folder."""
    if spec and not cpo:
        raise usage("`--tech-spec` is for `--cpo` folders", "add `--cpo`, or leave it out")
    if cpo:
        return _folder(directory, spec, name, as_json=as_json)
    path = directory / "plan.md"
    if path.exists():
        raise usage(f"`{path}` is there already", "edit it, or name another directory")
    words = name or directory.resolve().name or "plan"
    replace_file(path, _PLAN.format(name=json.dumps(words, ensure_ascii=False)))
    if as_json:
        click.echo(told({"wrote": [path]}))
        return ExitCode.DONE
    click.echo(f"wrote {path}")
    if not any((place / ".git").exists() for place in _upwards(directory)):
        click.echo("note: this is no git repository yet; agents work in one: `git init`", err=True)
    click.echo(f"next: say what is to be done, then `parallel-orchestra validate {path}`")
    return ExitCode.DONE


def _folder(folder: Path, spec: str, name: str, *, as_json: bool) -> int:
    if (folder / CPO_MANIFEST).exists():
        raise usage(f"`{folder}` is a `cpo` folder already", "name another one")
    if folder.exists() and not folder.is_dir():
        raise usage(f"`{folder}` is a file", "name a folder")
    called = folder.resolve().name
    found = spec_id(Path(spec).name if spec else called)
    if not spec and not re.search(r"\d", found):
        raise usage("the folder needs a tech spec", "name it: `-t TS-0042`")
    path = spec if spec and Path(spec).is_file() else ""
    texts = skeleton(name or name_in(called), found, _technology(folder), path)
    wrote = _write_missing(folder, texts)
    if folder.resolve().parent.name == "parallel":
        once = {"README.md": PARALLEL_README, ".gitignore": PARALLEL_GITIGNORE}
        wrote += _write_missing(folder.resolve().parent, once)
    if as_json:
        click.echo(told({"wrote": wrote}))
        return ExitCode.DONE
    click.echo(f"wrote {folder}")
    click.echo(f"next: write its tasks, then `parallel-orchestra validate {folder}`")
    return ExitCode.DONE


def _write_missing(folder: Path, texts: Mapping[str, str]) -> list[Path]:
    """Writes the files that are not there, and returns those."""
    missing = [folder / name for name in texts if not (folder / name).exists()]
    for path in missing:
        replace_file(path, texts[str(path.relative_to(folder))])
    return missing


def _technology(folder: Path) -> str:
    for place in _upwards(folder):
        for mark, kind in _KINDS.items():
            if (place / mark).exists():
                return kind
        if (place / ".git").exists():
            break
    return "python"


def _upwards(folder: Path) -> tuple[Path, ...]:
    whole = folder.resolve()
    return (whole, *whole.parents)
