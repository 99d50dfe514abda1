"""`validate`: everything that is wrong with a plan, for people, programs or GitHub."""

import json
import re
from pathlib import Path

import click

from parallel_orchestra.api import load_plan
from parallel_orchestra.cli.failures import words_of
from parallel_orchestra.errors import ExitCode, PlanError, Problem
from parallel_orchestra.graph import Graph, choose_mode
from parallel_orchestra.model import Plan

_WHERE = re.compile(r"(?P<file>.*?):(?P<line>\d+)(?::(?P<column>\d+))?(?: (?P<key>.*))?", re.DOTALL)


@click.command("validate", short_help="say everything that is wrong with a plan")
@click.argument("plan", type=click.Path(path_type=Path))
@click.option(
    "--format",
    "style",
    type=click.Choice(["text", "json", "github"]),
    default="text",
    show_default=True,
    help="`github` annotates the lines of a pull request.",
)
def command(plan: Path, style: str) -> int:
    """Read PLAN, say all that is wrong with it, and run nothing."""
    loaded: Plan | None = None
    problems: tuple[Problem, ...] = ()
    try:
        loaded = load_plan(plan)
    except PlanError as error:
        if style == "text":
            raise
        problems = error.problems
    if style == "json":
        click.echo(_as_json(plan, loaded, problems))
    elif style == "github":
        for problem in problems:
            click.echo(_annotation("error", plan, problem))
        for warning in loaded.warnings if loaded else ():
            click.echo(_annotation("warning", plan, Problem(warning)))
    elif loaded is not None:
        for warning in loaded.warnings:
            click.echo(f"warning: {warning}", err=True)
        mode, reason = choose_mode(Graph.of(loaded.tasks), enough=loaded.fewest_beside)
        number = len(loaded.tasks)
        tasks = "1 task" if number == 1 else f"{number} tasks"
        click.echo(f"{plan}: good, {tasks}; {mode.value}: {reason}")
    return ExitCode.USAGE if problems else ExitCode.DONE


def _as_json(path: Path, plan: Plan | None, problems: tuple[Problem, ...]) -> str:
    found = {
        "plan": str(path),
        "valid": plan is not None,
        "tasks": [task.id for task in plan.tasks] if plan else [],
        "warnings": list(plan.warnings) if plan else [],
        "problems": [
            {"what": one.what, "where": one.where, "hint": one.hint, "words": words_of(one)}
            for one in problems
        ],
    }
    return json.dumps(found, indent=2)


def _annotation(level: str, path: Path, problem: Problem) -> str:
    """Returns a workflow command of GitHub Actions; `%`, line ends, `:` and `,` are escaped."""
    match = _WHERE.fullmatch(problem.where)
    facts = {"file": str(path)}
    words = problem.what + (f" ({problem.hint})" if problem.hint else "")
    if match is not None:
        facts["line"] = match["line"]
        if match["column"]:
            facts["col"] = match["column"]
        if match["key"]:
            words = f"{match['key']}: {words}"
    shown = ",".join(
        f"{name}={_escaped(value).replace(':', '%3A').replace(',', '%2C')}"
        for name, value in facts.items()
    )
    return f"::{level} {shown}::{_escaped(words)}"


def _escaped(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")
