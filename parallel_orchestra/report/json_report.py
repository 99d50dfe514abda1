"""The report for programs: one JSON object, described by `docs/reference/report.schema.json`.

The keys of the published 0.1 tool keep their names and meaning, so what reads its reports
reads these: there `skipped` counts everything that was not tried in this run, resumed or not.
"""

import json
from typing import Any

from parallel_orchestra.plain import UNSAFE
from parallel_orchestra.progress import (
    Attempt,
    Judgement,
    Outcome,
    RunReport,
    TaskReport,
    Wait,
)
from parallel_orchestra.report.advice import next_step, next_steps, session_command
from parallel_orchestra.report.aftermath import aftermath_record
from parallel_orchestra.report.ahead import cause_record, limit_record, outlook_record
from parallel_orchestra.report.budgets import budget_records
from parallel_orchestra.report.figures import Figures, figures, verdict
from parallel_orchestra.report.story import story
from parallel_orchestra.report.text import clean, instant
from parallel_orchestra.report.together import integration_record

SCHEMA_VERSION = 1

# `json.dumps` makes an encoder anew for every text that is not written as by default.
_PAGE = json.JSONEncoder(ensure_ascii=False, indent=2)
_LINE = json.JSONEncoder(ensure_ascii=False)

#: The four words of the published tool; what is still open was not tried to the end: skipped.
_STATUS = {
    Outcome.SUCCEEDED: "succeeded",
    Outcome.BY_HAND: "succeeded",
    Outcome.RESUMED: "resumed",
    Outcome.FAILED: "failed",
}


def record(report: RunReport) -> dict[str, Any]:
    """Returns the report as JSON values; instants in ISO 8601 UTC, durations in seconds."""
    return {**_run(report), "tasks": [_task(report, task) for task in report.tasks]}


def render(report: RunReport) -> str:
    """Returns the report as the text of one JSON object: see `record`."""
    head = _safe(_PAGE.encode(_run(report))).removesuffix("\n}")
    # One line per task: thousands of them can be searched by line, and the C encoder writes them.
    tasks = ",\n    ".join(_safe(_LINE.encode(_task(report, task))) for task in report.tasks)
    return f'{head},\n  "tasks": [\n    {tasks}\n  ]\n}}\n'


def _run(report: RunReport) -> dict[str, Any]:
    numbers = figures(report)
    counted = numbers.outcomes
    succeeded = counted[Outcome.SUCCEEDED] + counted[Outcome.BY_HAND]
    failed = counted[Outcome.FAILED]
    return {
        "schema_version": SCHEMA_VERSION,
        "manifest": report.name,
        "started_at": instant(report.started),
        "finished_at": None if report.ended is None else instant(report.ended),
        "duration_sec": _rounded(numbers.wall),
        "total": report.total,
        "succeeded": succeeded,
        "failed": failed,
        "skipped": report.total - succeeded - failed,
        "completed": report.completed,
        "outcomes": {outcome.value: number for outcome, number in counted.items()},
        "run": report.run,
        "plan": report.source,
        "cwd": report.cwd,
        "tasks_dir": report.tasks_dir,
        "mode": report.mode,
        "mode_reason": clean(report.mode_reason),
        "workers": report.workers,
        "exit_code": report.exit_code,
        "verdict": verdict(report),
        "base": {"branch": report.base_branch, "commit": report.base_commit},
        "integration": {"branch": report.integration, "commit": report.tip},
        "delivery": _delivery(report),
        "figures": _figures(report, numbers),
        "next_steps": next_steps(report),
        "warnings": [clean(warning) for warning in report.warnings],
        "strange": report.strange,
        "paused": clean(report.paused),
        "held": [clean(reason) for reason in report.held],
        "budgets": budget_records(report.purses),
        "usage_limits": [limit_record(limit) for limit in report.limits],
        "waits": [_wait(one) for one in report.waits],
        "integration_report": integration_record(report.integration_report),
        "after_merge": aftermath_record(report.aftermath),
        "outlook": None if report.outlook is None else outlook_record(report.outlook),
    }


def _delivery(report: RunReport) -> dict[str, Any]:
    return {
        "done": report.delivery.done,
        "branch": report.delivery.branch,
        "before": report.delivery.before,
        "after": report.delivery.after,
        "reason": clean(report.delivery.reason),
        "command": report.delivery.command,
        "url": report.delivery.url,
    }


def _figures(report: RunReport, numbers: Figures) -> dict[str, Any]:
    return {
        "attempts": numbers.attempts,
        "work_sec": _rounded(numbers.work),
        "critical_path_sec": _rounded(report.critical_path_seconds),
        "lower_bound_sec": _rounded(numbers.bound),
        "lower_bound_share": _rounded(numbers.share),
        "speed_up": _rounded(numbers.speed_up),
        "cost_usd": numbers.cost_usd,
        "qa_cost_usd": numbers.qa_cost_usd,
        "cost_untold": numbers.untold,
        "input_tokens": numbers.input_tokens,
        "output_tokens": numbers.output_tokens,
    }


def _task(report: RunReport, task: TaskReport) -> dict[str, Any]:
    return {
        "id": task.id,
        "agent": task.agent,
        "status": _STATUS.get(task.outcome, "skipped"),
        "duration_sec": _rounded(task.seconds),
        "retry_count": max(len(task.attempts) - 1, 0),
        "failure_category": task.failure or "none",
        "outcome": task.outcome.value,
        "title": clean(task.title),
        "backend": task.backend,
        "read_only": task.read_only,
        "depends_on": task.depends_on,
        "failures": task.failures,
        "reason": clean(task.reason),
        "commit": task.commit,
        "kept": task.kept,
        "files": task.files,
        "against": task.against,
        "cost_usd": task.cost_usd,
        "next_step": next_step(report, task),
        "warnings": [clean(warning) for warning in task.warnings],
        "cause": cause_record(task.cause, instant),
        "silence": _silence(task),
        "story": story(task),
        "attempts": [_attempt(task, attempt) for attempt in task.attempts],
    }


def _wait(wait: Wait) -> dict[str, Any]:
    return {
        "what": wait.what,
        "reason": clean(wait.reason),
        "started_at": instant(wait.started),
        "ended_at": None if wait.ended is None else instant(wait.ended),
    }


def _silence(task: TaskReport) -> dict[str, Any] | None:
    if task.silence is None:
        return None
    return {"state": task.silence.state, "since": instant(task.silence.since)}


def _attempt(task: TaskReport, attempt: Attempt) -> dict[str, Any]:
    return {
        "number": attempt.number,
        "owner": attempt.owner,
        "slot": attempt.slot,
        "started_at": instant(attempt.started),
        "duration_sec": _rounded(attempt.seconds),
        "failure": attempt.failure,
        "reason": clean(attempt.reason),
        "cost_usd": attempt.cost_usd,
        "input_tokens": attempt.input_tokens,
        "output_tokens": attempt.output_tokens,
        "turns": attempt.turns,
        "session": attempt.session,
        "way": attempt.way,
        "directory": attempt.directory,
        "open": session_command(task, attempt),
        "log": attempt.log,
        "phases": [
            {"phase": one.phase, "started_at": instant(one.started)} for one in attempt.phases
        ],
        "told_in": attempt.told_in,
        "qa": _judgement(attempt.qa),
    }


def _judgement(qa: Judgement | None) -> dict[str, Any] | None:
    if qa is None:
        return None
    return {
        "verdict": qa.verdict,
        "reason": clean(qa.reason),
        "backend": qa.backend,
        "model": qa.model,
        "duration_sec": _rounded(qa.seconds),
        "cost_usd": qa.cost_usd,
        "input_tokens": qa.input_tokens,
        "output_tokens": qa.output_tokens,
        "session": qa.session,
        "log": qa.log,
    }


def _rounded(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds, 3)


def _safe(text: str) -> str:
    if text.isascii() and text.isprintable():
        return text
    # Names of files may hold what JSON lets through and a terminal or a strict decoder does not.
    return UNSAFE.sub(lambda sign: json.dumps(sign[0])[1:-1], text)
