"""`run`: carries out a plan, with everything that the user sees around it."""

import json
import math
import os
import shlex
import sys
import time
from collections.abc import Iterable, Mapping
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from parallel_orchestra.api import default_settings, load_plan, run_plan
from parallel_orchestra.cli.actions import tell_actions
from parallel_orchestra.cli.briefing import brief
from parallel_orchestra.cli.closing import close
from parallel_orchestra.cli.failures import complain, usage
from parallel_orchestra.cli.folder import write_into_folder
from parallel_orchestra.cli.news import News
from parallel_orchestra.cli.options import (
    absolute,
    crew_options,
    progress_options,
    selection_options,
)
from parallel_orchestra.cli.outputs import check_reports, write_reports
from parallel_orchestra.cli.preview import Part, dry_run, dry_run_record, preview
from parallel_orchestra.cli.screen import Progress, progress_of, screen_for
from parallel_orchestra.cli.signals import signals_lead_to
from parallel_orchestra.conductor import Control, Preflight, examine, past_of
from parallel_orchestra.conductor.exhibits import with_last_words
from parallel_orchestra.conductor.limited import usage_limits_of
from parallel_orchestra.conductor.picture import spent_of
from parallel_orchestra.conductor.selecting import foreseen, narrowed
from parallel_orchestra.config import Settings
from parallel_orchestra.errors import ExitCode, OrchestraError, Problem, UsageError, worst
from parallel_orchestra.events import Event
from parallel_orchestra.frozen import frozen
from parallel_orchestra.garbage import staying, undisturbed
from parallel_orchestra.graph import Graph
from parallel_orchestra.model import Deliver, Halt, Plan
from parallel_orchestra.ownership import NOTHING
from parallel_orchestra.plan.budgets import problems_of
from parallel_orchestra.progress import RunReport, purses
from parallel_orchestra.store import Layout

_PATH = click.Path(path_type=Path)


@frozen
class Options:
    """What stands on the command line of `run`; the names are those of the options."""

    plan: Path
    resume: bool = False
    fresh: bool = False
    dry_run: bool = False
    as_json: bool = False
    yes: bool = False
    max_workers: int | None = None
    base: str = ""
    claude_exe: str = "claude"
    tasks_dir: Path | None = None
    worktree_root: Path | None = None
    keep_worktrees: bool = False
    report: tuple[Path, ...] = ()
    log_dir: Path | None = None
    no_log: bool = False
    min_memory: int | None = None
    max_load: float | None = None
    start_gap: float | None = None
    progress: str | None = None
    quiet: bool = False
    verbose: bool = False
    dashboard: bool | None = None
    halt: str = ""
    deliver: str | None = None
    max_cost: float | None = None
    only: tuple[str, ...] = ()
    skip: tuple[str, ...] = ()
    retry_failed: bool = False
    one_group: bool = False


@click.command(
    "run",
    short_help="carry out a plan",
    epilog="The first Ctrl-C lets running tasks finish, the second ends them at once; "
    "`--resume` goes on.",
)
@click.argument("plan", type=_PATH)
@click.option("--resume", is_flag=True, help="Go on with a run: done tasks stay done.")
@click.option("--fresh", is_flag=True, help="Begin anew: an older run goes to the attic.")
@click.option("--dry-run", is_flag=True, help="Show the order of the tasks and change nothing.")
@click.option("--json", "as_json", is_flag=True, help="Print the dry run as JSON.")
@click.option("-y", "--yes", is_flag=True, help="Do not ask before the first agent starts.")
@click.option(
    "-j",
    "--max-workers",
    type=click.IntRange(min=1),
    metavar="N",
    help="How many agents run at once at most (default: the plan's, else 3).",
)
@click.option(
    "--base",
    default="",
    metavar="BRANCH",
    help="The branch to start from and to deliver to (default: the plan's, else the current one).",
)
@click.option(
    "--halt",
    default="",
    metavar="WHEN[,N]",
    help="Stop when N tasks have failed (or N%): `soon` lets running tasks end, `now` does not; "
    "`keep-going` (default: the plan's, else this) does what it can.",
)
@click.option(
    "--max-cost",
    type=click.FloatRange(min=0, min_open=True),
    metavar="USD",
    help="What all attempts together may cost, in dollars (default: the plan's "
    "`budget.max_cost_usd`, else no limit).",
)
@click.option(
    "--deliver",
    type=click.Choice([one.value for one in Deliver]),
    help="When to deliver: at the `end`, after `each` merge, `never`, or by a pull request, `pr` "
    "(default: the plan's, else `end`).",
)
@click.option(
    "--tasks-dir",
    type=_PATH,
    metavar="DIR",
    help="Where the tasks lie (default: `_tasks` in the project).",
)
@click.option(
    "--report",
    type=_PATH,
    multiple=True,
    metavar="FILE",
    help="Write a report at the end: the ending of FILE (.md, .json ...) chooses its format. "
    "Repeatable.",
)
@click.option(
    "--log-dir",
    type=_PATH,
    metavar="DIR",
    help="Copy the agents' output there (default: `.claude/logs` for plans of version 0.1, `logs` "
    "in the folder for a `cpo` folder).",
)
@click.option("--no-log", is_flag=True, help="Copy no output.")
@selection_options
@crew_options
@progress_options
def command(**options: Any) -> int:
    """Carry out PLAN and deliver what was merged to the branch it started from."""
    return carry_out(Options(**options))


def carry_out(options: Options) -> int:
    """Runs a plan as the options say and returns the exit code.

    Raises:
        OrchestraError: the run could not begin or go on; see `run_plan`.
    """
    if options.as_json and not options.dry_run:
        hint = "a run tells programs how it went with `--report FILE.json`"
        raise usage("`--json` is for `--dry-run`", hint)
    if options.fresh and (options.resume or options.retry_failed):
        other = "--resume" if options.resume else "--retry-failed"
        raise usage(f"`{other}` and `--fresh` exclude each other", "give one of them")
    check_reports(options.report)
    progress = _progress(options)
    with ExitStack() as stack:
        with undisturbed():
            plan = _read(options)
            settings = settings_for(options, plan)
            # What was loaded and read is no garbage, and need not be looked through even once.
            stack.enter_context(staying())
        if options.dry_run:
            return _preview(plan, settings, as_json=options.as_json)
        return _carried_out(plan, settings, options, progress)


def _read(options: Options) -> Plan:
    plan = _costing(_halting(load_plan(options.plan), options.halt), options.max_cost)
    if options.deliver:
        plan = replace(plan, merge=replace(plan.merge, deliver=Deliver(options.deliver)))
    return plan


def _carried_out(plan: Plan, settings: Settings, options: Options, progress: Progress) -> int:
    news = News(plan, settings.environ)
    control = Control()
    root = settings.tasks_root(plan)
    elsewhere = "" if root == plan.cwd / "_tasks" else f" --tasks-dir {shlex.quote(str(root))}"
    screen = screen_for(os.environ, progress, verbose=options.verbose, elsewhere=elsewhere)
    with ExitStack() as stack:

        def begin(found: Preflight) -> None:
            _brief(plan, found, ask=not options.yes, quiet=progress is Progress.QUIET)
            # From here on, Ctrl-C lets tasks finish; at the question it was still a plain no.
            stack.enter_context(screen)
            stack.enter_context(signals_lead_to(control, screen.note))

        def hear(event: Event) -> None:
            screen.hear(event)
            news.hear(event)

        report = run_plan(
            plan,
            settings,
            control=control,
            on_preflight=begin,
            on_event=hear,
            on_snapshot=screen.tell,
        )
    return _conclude(plan, report, options.report, control, news, talk=progress is Progress.JSON)


def _progress(options: Options) -> Progress:
    return progress_of(
        options.progress,
        quiet=options.quiet,
        verbose=options.verbose,
        dashboard=options.dashboard,
    )


def settings_for(options: Options, plan: Plan) -> Settings:
    """Returns the settings that the options mean; they beat the environment."""
    found = default_settings(
        max_workers=options.max_workers,
        # Of what was begun before, both mean the rest.
        resume=options.resume or options.retry_failed or (options.one_group and not options.fresh),
        fresh=options.fresh,
        base=options.base,
        claude_exe=options.claude_exe,
        tasks_dir=absolute(options.tasks_dir),
        log_dir=_log_dir(options, plan),
        min_memory=options.min_memory,
        max_load=options.max_load,
        only=_split(options.only),
        skip=_split(options.skip),
        retry_failed=options.retry_failed,
        one_group=options.one_group,
    )
    return replace(
        found,
        worktree_root=absolute(options.worktree_root) or found.worktree_root,
        keep_worktrees=options.keep_worktrees or found.keep_worktrees,
        start_gap=found.start_gap if options.start_gap is None else options.start_gap,
    )


def _split(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(name.strip() for one in names for name in one.split(",") if name.strip())


def _halting(plan: Plan, halt: str) -> Plan:
    try:
        return replace(plan, halt=Halt.of(halt)) if halt else plan
    except ValueError:
        hint = "write `soon`, `now` or `keep-going`; `soon,3` and `now,20%` wait for more failures"
        raise usage(f"`--halt` can't be `{halt}`", hint) from None


def _costing(plan: Plan, dollars: float | None) -> Plan:
    if dollars is None:
        return plan
    if not math.isfinite(dollars):
        raise usage(f"`--max-cost` can't be {dollars}", "write dollars, such as 2.5")
    plan = replace(plan, budget=replace(plan.budget, max_cost_usd=dollars))
    problems = tuple(problems_of(plan, "`--max-cost`"))
    if problems:
        raise UsageError(*problems)
    return plan


def _log_dir(options: Options, plan: Plan) -> Path | None:
    if options.no_log:
        return None
    if options.log_dir is not None:
        return absolute(options.log_dir)
    if plan.cpo:
        return plan.source.parent / "logs"
    if not plan.published:
        return None
    root = next((top for top in (plan.cwd, *plan.cwd.parents) if (top / ".git").exists()), plan.cwd)
    return root / ".claude" / "logs"


def _brief(plan: Plan, found: Preflight, *, ask: bool, quiet: bool) -> None:
    """Says what is going to happen, if it is not to be quiet; on a terminal it takes a yes to go on.

    Raises:
        click.Abort: the user said no; nothing was changed.
    """
    asks = ask and sys.stdin.isatty() and sys.stderr.isatty()
    if asks or not quiet:
        brief(plan, found)
    if asks:
        click.confirm("Start?", abort=True, err=True)


def _preview(whole: Plan, settings: Settings, *, as_json: bool) -> int:
    plan = narrowed(whole, settings)
    problems: tuple[Problem, ...] = ()
    past: Mapping[str, float] = {}
    tree = NOTHING
    try:
        found = examine(plan, settings)
        workers, tree, past = found.workers, found.tree, past_of(plan, found.repo)
        if not as_json:
            brief(plan, found)
        found.repo.close()
    except OrchestraError as error:
        problems, workers = error.problems, settings.workers(plan)
    chosen, done = foreseen(Layout(settings.tasks_root(plan)), Graph.of(whole.tasks), settings)
    part = Part(chosen, done) if chosen is not None else None
    limit = usage_limits_of(plan, Layout(settings.tasks_root(plan)), time.time())
    shown = preview(plan, workers, settings.enough(plan), past, problems, tree, part, limit)
    if settings.resume:
        spent = spent_of(plan, Layout(settings.tasks_root(plan)), time.time())
        shown = replace(shown, purses=tuple(purses(plan.budget, spent)))
    if as_json:
        click.echo(json.dumps(dry_run_record(shown), indent=2))
    else:
        click.echo(dry_run(shown), nl=False)
    return ExitCode.DONE


def _conclude(
    plan: Plan,
    report: RunReport,
    paths: Iterable[Path],
    control: Control,
    news: News,
    *,
    talk: bool = False,
) -> int:
    """Writes the reports, prints the summary, tells the news; returns the exit code.

    The summary is `talk` where standard output is for programs.
    """
    codes = [ExitCode(report.exit_code), control.exit_code or ExitCode.DONE]
    written = write_reports(report, paths)
    if plan.cpo:
        written = written.with_more(write_into_folder(plan, report))
    report = with_last_words(report)
    close(report, talk=talk)
    for path in written.paths:
        click.echo(f"report: {path}", err=talk)
    for problem in (*written.problems, *tell_actions(report, os.environ)):
        complain(problem)
        codes.append(ExitCode.ENVIRONMENT)
    for trouble in news.end(report):
        click.echo(f"warning: {trouble}", err=True)
    return worst(codes)
