"""`why`: why a task is where it is, and what to do."""

import json
import os
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, replace
from pathlib import Path

import click

from parallel_orchestra.cli.completing import tasks_here
from parallel_orchestra.cli.ink import Line, Piece
from parallel_orchestra.cli.options import json_option, layout_of, tasks_dir_option
from parallel_orchestra.cli.sharing import words_of_clash
from parallel_orchestra.cli.tinted import say
from parallel_orchestra.conductor.adopting import refusals, words_of
from parallel_orchestra.conductor.byhand import no_such_task
from parallel_orchestra.conductor.byhand.holding import holders
from parallel_orchestra.conductor.checkup.directory import edits
from parallel_orchestra.conductor.exhibits import with_last_words
from parallel_orchestra.conductor.picture import NOBODY, read_record, report_of, repository_of
from parallel_orchestra.conductor.present import deserted
from parallel_orchestra.conductor.territory import tree_of
from parallel_orchestra.errors import ExitCode, Problem
from parallel_orchestra.frozen import frozen
from parallel_orchestra.git import Repo
from parallel_orchestra.graph import clash
from parallel_orchestra.model import Plan
from parallel_orchestra.plan import plan_from_json
from parallel_orchestra.progress import Outcome, RunReport, TaskReport
from parallel_orchestra.report.advice import next_step, resume_step, session_command
from parallel_orchestra.report.ahead import ahead, cause_record
from parallel_orchestra.report.last_words import last_words
from parallel_orchestra.report.silence import silence
from parallel_orchestra.report.story import judged
from parallel_orchestra.report.text import instant, one_line, short, short_ref, span
from parallel_orchestra.schedule import Cause, Hold
from parallel_orchestra.store import Layout, RunRecord, TaskStore, steering
from parallel_orchestra.store.feedback import feedback_for

#: Lines of a log that say what somebody would look for in it first.
_PRINTED = 10


@frozen
class Explanation:
    """Why a task stands so: a word, a sentence, more facts, and what to do (may be empty).

    `printed` is the end of the log that shows why it failed.
    """

    task: str
    outcome: str
    reason: str
    facts: tuple[str, ...]
    next_step: str
    cause: Cause | None = None
    printed: tuple[str, ...] = ()


@click.command("why", short_help="say why a task is where it is, and what to do")
@click.argument("task", shell_complete=tasks_here)
@tasks_dir_option
@json_option
def command(task: str, tasks_dir: Path | None, as_json: bool) -> int:
    """Say why TASK is where it is, and what to do."""
    layout = layout_of(tasks_dir)
    answer = explain(layout, task, time.time())
    if as_json:
        record = {**asdict(answer), "cause": cause_record(answer.cause, instant)}
        click.echo(json.dumps(record, indent=2))
        return ExitCode.DONE
    say(_told(answer))
    return ExitCode.DONE


def _told(answer: Explanation) -> Iterator[Line]:
    look = "bad" if answer.outcome == Outcome.FAILED.value else "name"
    reason = f": {one_line(answer.reason)}" if answer.reason else ""
    yield (Piece(f"{answer.task} "), Piece(answer.outcome, look), Piece(reason))
    yield from ((Piece(f"  {one_line(fact)}"),) for fact in answer.facts)
    yield from ((Piece(f"  | {row}", "quiet"),) for row in answer.printed)
    if answer.next_step:
        yield (Piece("hint", "act"), Piece(f": {answer.next_step}"))


def explain(layout: Layout, task: str, now: float) -> Explanation:
    """Returns why a task stands as it does at `now` (epoch); changes nothing.

    Raises:
        UsageError: the run has no such task.
        EnvironmentProblem: there is no run.
    """
    record = read_record(layout)
    plan = plan_from_json(record.plan)
    if all(one.id != task for one in plan.tasks):
        problems = refusals(layout, plan, task)
        if problems is None:
            raise no_such_task(layout, task, [one.id for one in plan.tasks])
        return _dropped(task, problems)
    repo = repository_of(record, os.environ)
    try:
        report = report_of(layout, repo, now, deserted(layout))
        meeting = _meeting(plan, repo, record.base_commit, report, task)
    finally:
        repo.close()
    found = next(one for one in report.tasks if one.id == task)
    reason, step, cause = _standing(layout, report, found)
    facts = [
        *_edited(layout, record, plan, task),
        *meeting,
        *_facts(layout, found, report.tasks, now),
        *_ahead(report, found),
    ]
    [read] = with_last_words(replace(report, tasks=(found,))).tasks
    printed = last_words(read, _PRINTED, anyhow=True)
    return Explanation(task, found.outcome.value, reason, tuple(facts), step, cause, printed)


def _standing(
    layout: Layout, report: RunReport, found: TaskReport
) -> tuple[str, str, Cause | None]:
    """Returns why a task stands so, what to do, and what holds it up if it waits."""
    reason, step, cause = found.reason, next_step(report, found), found.cause
    if found.outcome is Outcome.WAITING:
        cause = _cause(layout, found)
        reason = cause.words if cause is not None else reason
        if report.paused:
            step = "`parallel-orchestra resume-run` lets the run start tasks again"
        elif cause is not None and cause.kind is Hold.USAGE_LIMIT:
            step = f"wait, or if it is over: `rm {layout.limits}/{found.backend}.*`"
            if report.ended is not None:
                step = f"`parallel-orchestra run {report.source} --resume` goes on then"
        elif report.ended is not None or report.killed:
            step = resume_step(report)[0]
            if cause is None or cause.kind is not Hold.BUDGET:
                step = f"no run is at work: `parallel-orchestra run {report.source} --resume`"
    elif found.outcome is Outcome.RUNNING and (dead := _dead(layout, found.id)):
        reason = f"nobody is at work on it: {dead}"
        step = "`parallel-orchestra recover` frees it"
        if report.killed:
            step = resume_step(report)[0]
    elif found.outcome is Outcome.SKIPPED:
        step = "mend that one: `parallel-orchestra why` with its name says how"
    elif found.failure:
        reason = f"{found.failure}: {found.reason}"
    return reason, step, cause


def _dropped(task: str, problems: Sequence[Problem]) -> Explanation:
    """Returns why the file of a task that a person put into `available/` has not joined the run."""
    told = tuple(words_of(problem) for problem in problems)
    taken = "whoever is at work on the run takes it in, else `parallel-orchestra run PLAN --resume`"
    reason = f"`available/{task}.md` is no task of the run yet"
    return Explanation(task, "not joined", reason, told, f"mend it; {taken}" if told else taken)


def _cause(layout: Layout, task: TaskReport) -> Cause | None:
    """Returns what holds a waiting task up; what people asked for comes first."""
    asked = steering.hold(layout, task.id)
    if not asked:
        return task.cause
    kind = Hold.PAUSED if steering.asked_for(layout, steering.Wish.PAUSE) else Hold.LEFT_OUT
    return Cause(kind, asked)


def _edited(layout: Layout, record: RunRecord, plan: Plan, task: str) -> list[str]:
    """Returns that a person changed a waiting task's file, in vain, if somebody did."""
    listing = TaskStore(layout, NOBODY).listing()
    tasks = [one for one in plan.tasks if one.id == task]
    return [finding.what for finding in edits(layout, record, tasks, listing)]


def _meeting(plan: Plan, repo: Repo, base: str, report: RunReport, task: str) -> list[str]:
    """Returns where a task's files meet those of the one that it waits for, if it does."""
    found = next(one for one in report.tasks if one.id == task)
    if found.cause is None or found.cause.kind is not Hold.OVERLAP:
        return []
    tasks = {one.id: one for one in plan.tasks}
    clashing = clash(tasks[task], tasks[found.cause.tasks[0]], tree_of(plan, repo, base))
    return [words_of_clash(clashing)] if clashing is not None else []


def _dead(layout: Layout, task: str) -> str:
    """Returns why the owner of a locked task is known to be dead; empty if it is not."""
    return next((one.dead for one in holders(layout) if one.entry.task == task), "")


def _ahead(report: RunReport, task: TaskReport) -> list[str]:
    """Returns how the rest of the run will go, seen from a task that is still open."""
    outlook = report.outlook
    if outlook is None or report.killed or task.outcome not in (Outcome.WAITING, Outcome.RUNNING):
        return []
    here = ["on the critical path: whatever holds it up, holds up the end of the run"]
    return [*(here if task.id in outlook.path else []), *ahead(outlook)]


def _facts(layout: Layout, task: TaskReport, others: Sequence[TaskReport], now: float) -> list[str]:
    facts = []
    for attempt in task.attempts:
        if attempt.unseen:
            how = f"by {attempt.owner}; how it ended was not recorded"
        elif attempt.seconds is None:
            how = f"since {span(max(0.0, now - attempt.started))}, by {attempt.owner}"
            how += " by hand" if not attempt.slot else ""
            how += f"; {silence(task.silence, now)}" if task.silence else ""
        else:
            how = f"{attempt.failure or 'good'} after {span(attempt.seconds)}"
            how += f": {attempt.reason}" if attempt.reason else ""
        facts.append(f"attempt {attempt.number}: {how}")
        if attempt.qa is not None:
            said = f": {attempt.qa.reason}" if attempt.qa.reason not in ("", attempt.reason) else ""
            facts.append(f"attempt {attempt.number}: {judged(attempt.qa)}{said}")
    if task.attempts and (session := session_command(task, task.attempts[-1])):
        facts.append(f"session: {session}")
    if task.commit:
        facts.append(f"merged as {short(task.commit)}")
    if task.files:
        facts.append(f"in conflict: {', '.join(task.files)}")
    if task.against:
        titles = {one.id: f" ({one.title})" if one.title else "" for one in others}
        facts += [f"conflicts with: {who}{titles.get(who, '')}" for who in task.against]
    facts += [f"kept: {short_ref(ref)}" for ref in task.kept]
    facts += [f"warning: {warning}" for warning in task.warnings]
    last = task.attempts[-1].number if task.attempts else 0
    said = feedback_for(layout, task.id, last + 1)
    if said:
        facts.append(f"feedback for its next attempt: {said}")
    if task.attempts and task.attempts[-1].log and task.attempts[-1].slot:
        last_one = task.attempts[-1]
        log = _log(layout.root / (last_one.told_in or last_one.log))
        facts.append(f"log: {log}" if log.exists() else "it printed nothing")
    return facts


def _log(path: Path) -> Path:
    """Returns the log of the agent, or that of the set-up after which there was none."""
    setup = path.with_name("setup.log")
    return setup if setup.exists() and not path.exists() else path
