"""`import`: a plan of ours from what somebody has: a `cpo` folder, a checklist, an old manifest.

Nothing that is there is overwritten, and what is written is read again first.
"""

import os
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path

import click

from parallel_orchestra.api import load_plan
from parallel_orchestra.cli.facts import told
from parallel_orchestra.cli.failures import usage
from parallel_orchestra.cli.options import json_option, verbose_option
from parallel_orchestra.cli.outputs import replace_file
from parallel_orchestra.cli.passing import Passing
from parallel_orchestra.conductor.takeover import take_over
from parallel_orchestra.errors import ExitCode
from parallel_orchestra.frozen import frozen
from parallel_orchestra.git import Repo
from parallel_orchestra.model import Plan
from parallel_orchestra.plan import contents, is_folder, parse
from parallel_orchestra.plan.checklist import is_checklist, read_checklist
from parallel_orchestra.plan.writing import AS_IT_IS, written
from parallel_orchestra.report.text import counted

_STATE = ".po-run-state-"
_MOST_RETRIES = 100


@frozen
class Imported:
    """A plan that was made of something, and what a person should know of how it was made."""

    plan: Plan
    note: str
    remarks: tuple[str, ...] = ()


@click.command("import", short_help="make a plan of a checklist, a `cpo` folder or an old run")
@click.argument("source", metavar="SOURCE", type=click.Path(path_type=Path))
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Write the plan there, if nothing is there yet (default: to standard output).",
)
@verbose_option
@json_option
def command(source: Path, output: Path | None, verbose: bool, as_json: bool) -> int:
    """Make a plan of SOURCE and print it.

    SOURCE is a `cpo` folder, a Markdown checklist, a manifest of version 0.1, or the
    `.po-run-state-*.json` that a run of the published tool left: then what it has done is left out.
    """
    if output is not None and output.exists():
        raise usage(f"`{output}` is there already", "name another file, or move it away")
    with Passing(verbose=verbose) as passing:
        made = _imported(source, passing)
    place = Path.cwd() / (output or "plan.md")
    cwd = os.path.relpath(made.plan.cwd, place.parent.resolve())
    text = written(made.plan, cwd, made.note)
    parse(text.encode(), place, contents, shown="the imported plan")
    if as_json:
        if output is not None:
            replace_file(output, text)
        tasks = [task.id for task in made.plan.tasks]
        plan = None if output is not None else text
        click.echo(told({"path": output, "tasks": tasks, "notes": made.remarks, "plan": plan}))
        return ExitCode.DONE
    for remark in made.remarks:
        click.echo(f"note: {remark}", err=True)
    if output is None:
        click.echo(text, nl=False)
    else:
        replace_file(output, text)
        many = len(made.plan.tasks)
        click.echo(f"{output}: {counted(many, 'task')}, from {source}", err=True)
    return ExitCode.DONE


def _imported(source: Path, passing: Passing) -> Imported:
    def read(file: Path) -> bytes:
        passing.say(f"reading {file}")
        return contents(file)

    if is_folder(source):
        return _folder(source, read)
    if source.name.startswith(_STATE) and source.suffix == ".json":
        return _unfinished(source, passing)
    text = _text(source)
    if text.startswith("---\n") and "po_plan_version" in text:
        plan = load_plan(source, read)
        if plan.version != "0.1":
            hint = f"`parallel-orchestra run {source}` carries it out"
            raise usage(f"`{source}` is a plan of version {plan.version} already", hint)
        return _manifest(plan, plan.warnings)
    if is_checklist(text):
        return _checklist(source, text)
    raise usage(
        f"nothing to import in `{source}`",
        "give a `cpo` folder, a Markdown file with `- [ ]` boxes, a manifest of version 0.1, "
        f"or a `{_STATE}*.json`",
    )


def _text(source: Path) -> str:
    try:
        return contents(source).decode("utf-8-sig").replace("\r\n", "\n")
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "not UTF-8 text"
        hint = "give the path of what is to be imported"
        raise usage(f"can't read `{source}`: {reason.lower()}", hint) from error


def _folder(source: Path, read: Callable[[Path], bytes]) -> Imported:
    plan = load_plan(source, read)
    note = f"Imported from the folder `{source}`. Its waves are barriers: `depends_on` alone is faster."
    return Imported(replace(plan, prompt_template=AS_IT_IS), note, plan.warnings)


def _checklist(source: Path, text: str) -> Imported:
    found = read_checklist(text)
    if not found.tasks:
        raise usage(f"all boxes of `{source}` are ticked", "there is nothing left to do")
    plan = Plan(
        version="0.2",
        name=source.stem,
        source=source,
        cwd=Path.cwd(),
        tasks=found.tasks,
    )
    remarks = [f"open boxes: {len(found.tasks)}; {found.order.value}"]
    if found.ticked:
        remarks.append(f"ticked boxes, left out: {found.ticked}")
    note = f"Imported from `{source}`: {found.order.value}."
    return Imported(plan, note, tuple(remarks))


def _manifest(plan: Plan, remarks: Iterable[str], done: tuple[str, ...] = ()) -> Imported:
    """Returns a 0.1 manifest as a plan of ours, without the tasks that are done."""
    tasks = tuple(
        replace(
            task,
            depends_on=tuple(one for one in task.depends_on if one not in done),
            max_retries=min(task.max_retries, _MOST_RETRIES),
        )
        for task in plan.tasks
        if task.id not in done
    )
    if not tasks:
        raise usage(f"all tasks of `{plan.source}` are done", "there is nothing left to do")
    note = f"Imported from `{plan.source.name}`, a manifest of version 0.1."
    groups = {task.concurrency_group for task in tasks}
    limits = {name: most for name, most in plan.concurrency_limits.items() if name in groups}
    whole = replace(plan, tasks=tasks, concurrency_limits=limits, prompt_template=AS_IT_IS)
    return Imported(whole, note, tuple(remarks))


def _unfinished(state: Path, passing: Passing) -> Imported:
    """Returns what is left of a run of the published tool, by the state that it left."""
    stem = state.name.removeprefix(_STATE).removesuffix(".json")
    manifest = next(
        (path for end in (".md", ".markdown") if (path := state.with_name(stem + end)).is_file()),
        None,
    )
    if manifest is None:
        hint = f"put the manifest `{stem}.md` beside it"
        raise usage(f"the manifest of `{state}` is not there", hint)
    plan = load_plan(manifest)
    passing.say("looking for what is merged")
    repo = Repo.discover(plan.cwd, os.environ)
    try:
        head = repo.head().commit
        before = take_over(plan, repo, head) if head else None
    finally:
        repo.close()
    if before is None or (not before.tasks and not before.remarks):
        none = f"`{state.name}` names no task that is done and merged in this very manifest"
        return _manifest(plan, (*plan.warnings, none))
    return _manifest(plan, (*plan.warnings, *before.remarks), before.tasks)
