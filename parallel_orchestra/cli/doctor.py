"""`doctor`: everything that is wrong with the surroundings or a run, and what mends it."""

import json
import platform
import sys
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path

import click

from parallel_orchestra import __version__
from parallel_orchestra.api import default_settings, load_plan
from parallel_orchestra.cli.failures import usage
from parallel_orchestra.cli.options import (
    absolute,
    json_option,
    layout_of,
    tasks_dir_option,
)
from parallel_orchestra.cli.pasting import block
from parallel_orchestra.conductor.checkup import Finding, Level, check_up, verdict
from parallel_orchestra.config import Settings
from parallel_orchestra.errors import EnvironmentProblem
from parallel_orchestra.git.call import Git
from parallel_orchestra.isolation import PoolSlot
from parallel_orchestra.process import identity
from parallel_orchestra.report.text import clean, one_line
from parallel_orchestra.store import Layout


@click.command("doctor", short_help="say what is wrong with the surroundings or a run")
@click.argument("plan", type=click.Path(path_type=Path), required=False)
@tasks_dir_option
@json_option
@click.option(
    "--paste",
    is_flag=True,
    help="Print what to paste into a bug report: versions and findings, but no path, user or host.",
)
@click.option("--claude-exe", default="claude", metavar="PROGRAM", help="As for `run`.")
@click.option(
    "--worktree-root", type=click.Path(path_type=Path), metavar="DIR", help="As for `run`."
)
def command(
    plan: Path | None,
    tasks_dir: Path | None,
    as_json: bool,
    paste: bool,
    claude_exe: str,
    worktree_root: Path | None,
) -> int:
    """Look at what a run of PLAN would rest on, and at the run that is here; change nothing.

    Exit code 0 if nothing is a problem, 3 if something is, 4 if it is yours to decide.
    """
    if as_json and paste:
        raise usage("`--json` and `--paste` exclude each other", "give one of them")
    found = default_settings(claude_exe=claude_exe, tasks_dir=absolute(tasks_dir))
    settings = replace(found, worktree_root=absolute(worktree_root) or found.worktree_root)
    loaded = load_plan(plan) if plan is not None else None
    layout: Layout | None = None
    if loaded is not None:
        layout = Layout(settings.tasks_root(loaded))
    else:
        try:
            layout = layout_of(tasks_dir)
        except EnvironmentProblem:
            layout = _here()
    findings = check_up(loaded, layout, settings)
    code = verdict(findings)
    if as_json:
        click.echo(_as_json(findings, int(code)))
    elif paste:
        click.echo(_pasted(findings, settings))
    else:
        click.echo(page(findings))
        if sys.stderr.isatty():
            click.echo("for a bug report: `parallel-orchestra doctor --paste`", err=True)
    return code


def _pasted(findings: Sequence[Finding], settings: Settings) -> str:
    python = f"{platform.python_implementation()} {platform.python_version()}"
    versions = [f"parallel-orchestra {__version__}", f"{python} on {platform.platform()}"]
    try:
        versions.append(Git(settings.environ, settings.directory).run("version").line)
    except EnvironmentProblem as error:
        versions += [problem.what for problem in error.problems]
    own = {settings.directory: "PROJECT", Path.home(): "~"}
    return block(versions, findings, own, identity.host_name())


def page(findings: Sequence[Finding]) -> str:
    """Returns the findings for people, the last line counts them."""
    lines = []
    for one in findings:
        lines.append(f"{one.level.value:<8} {one_line(one.what)}")
        if one.level in (Level.WARNING, Level.PROBLEM) and one.where:
            lines.append(f"          --> {clean(one.where)}")
        if one.command:
            lines.append(f"         mend: {one_line(one.command)}")
    counts = []
    for level in (Level.PROBLEM, Level.WARNING, Level.NOTE):
        number = sum(one.level is level for one in findings)
        counts.append(f"{number} {level.value}{'' if number == 1 else 's'}")
    return "\n".join([*lines, ", ".join(counts)])


def _here() -> Layout | None:
    """Returns the task directory of this folder, also if it has lost its `run.json`."""
    root = Path.cwd() / "_tasks"
    return Layout(root) if root.is_dir() else None


def _as_json(findings: Sequence[Finding], code: int) -> str:
    found = {
        "exit_code": code,
        "findings": [
            {
                "level": one.level.value,
                "what": clean(one.what),
                "where": clean(one.where),
                "command": clean(one.command).strip(),
            }
            for one in findings
        ],
        "pool": [_slot(one, one.slot) for one in findings if one.slot is not None],
    }
    return json.dumps(found, indent=2)


def _slot(about: Finding, slot: PoolSlot) -> dict[str, object]:
    return {
        "name": clean(slot.name),
        "path": clean(str(slot.left.path)),
        "state": slot.state.value,
        "held_by": clean(slot.holder),
        "task": clean(slot.left.task),
        "size_bytes": slot.size_bytes,
        "set_up": {
            name: [clean(one) for one in value] for name, value in asdict(slot.set_up).items()
        },
        "faults": list(slot.faults),
        "reset": about.command.strip("`"),
    }
