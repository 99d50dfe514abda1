"""The report for people: Markdown from a Jinja template, which a user can replace: see `by_template`.

What agents and file names say is shown, never obeyed: see `text`.
"""

from collections.abc import Callable, Mapping
from dataclasses import asdict
from functools import cache
from typing import TYPE_CHECKING, Any

from parallel_orchestra.process import pressing
from parallel_orchestra.progress import Outcome, RunReport, TaskReport
from parallel_orchestra.report import mermaid, text
from parallel_orchestra.report.advice import delivery, few_steps
from parallel_orchestra.report.aftermath import aftermath_words
from parallel_orchestra.report.budgets import budget_lines
from parallel_orchestra.report.causes import causes, ending
from parallel_orchestra.report.figures import cost, figures, headline
from parallel_orchestra.report.json_report import record
from parallel_orchestra.report.policy import hashed
from parallel_orchestra.report.together import verdict_of

if TYPE_CHECKING:
    from jinja2.sandbox import ImmutableSandboxedEnvironment

TEMPLATE = "markdown.md.j2"
#: What a template may use: filters, and one function.
FILTERS: Mapping[str, Callable[..., str]] = {
    one.__name__: one
    for one in (
        text.escaped,
        text.code,
        text.sentence,
        text.fenced,
        text.span,
        text.short,
        text.short_ref,
        text.clean,
        hashed,
    )
}
NAMES: Mapping[str, Callable[..., str]] = {"row": text.row}
#: What a template sees.
VARIABLES = {
    "report": "the whole [JSON report](#json), with its keys",
    "headline": "the first line of every summary: how many tasks are done",
    "delivery": "where the merged work is, as a sentence; empty if there is none",
    "aftermath": "sentences on what was done after the last merge; none if nothing was",
    "cost": "what the run cost, as far as it is known; empty if nobody told",
    "budgets": "a line for each budget of the run",
    "integration_verdict": "what the integration report comes to in a few words; empty without one",
    "next_steps": "what you can do; of more than 5 failed tasks, a line for all of them",
    "causes": "why tasks failed, those with the same cause together: `failure`, `reason`, `line` (of the "
    "log that shows why; may be empty), `tasks`, `skipped` (for them)",
    "repeated": "the tasks of `report.tasks` that are done, and took more than one attempt",
    "timeline": "all attempts as a Mermaid chart; empty if none has ended",
    "timeline_lacks": "how many attempts are left out of it, the shortest ones",
    "graph": "the tasks with their states as a Mermaid flowchart; empty if it would be too large",
    "failed": "the failed tasks of `report.tasks`; beside its keys, each has `last_lines`, the end of "
    "the log that shows why, and `last_log`, its name; they may be empty",
    "skipped": "those that were skipped",
    "unfinished": "those that run, wait or are missing",
    "kept": "those that are closed, and have kept work of earlier attempts",
}
#: Lines of a failed task's log that are shown.
_LAST_LINES = 20
#: Those whose kept work is not shown beside their failure or state.
_CLOSED = (Outcome.SUCCEEDED, Outcome.RESUMED, Outcome.BY_HAND, Outcome.SKIPPED)
_UNFINISHED = (Outcome.RUNNING, Outcome.WAITING, Outcome.MISSING)


def render(report: RunReport) -> str:
    """Returns the report as Markdown."""
    return _environment().get_template(TEMPLATE).render(facts_of(report))


def facts_of(report: RunReport) -> dict[str, Any]:
    """Returns what a template sees, as JSON values: see `VARIABLES`."""
    found = record(report)
    tasks = found["tasks"]
    unfinished = [outcome.value for outcome in _UNFINISHED]
    done = [outcome.value for outcome in Outcome if outcome.done]
    closed = [outcome.value for outcome in _CLOSED]
    together = report.integration_report
    chart, lacks = mermaid.timeline(report)
    return {
        "report": found,
        "headline": headline(report),
        "delivery": delivery(report),
        "aftermath": list(aftermath_words(report)),
        "cost": cost(figures(report)),
        "budgets": [line.removeprefix("budget: ") for line in budget_lines(report.purses)],
        "integration_verdict": verdict_of(together) if together is not None else "",
        "next_steps": list(few_steps(report)),
        "causes": [asdict(cause) for cause in causes(report)],
        "repeated": [
            task for task in tasks if task["outcome"] in done and len(task["attempts"]) > 1
        ],
        "timeline": chart,
        "timeline_lacks": lacks,
        "graph": mermaid.graph(report),
        "failed": [
            {**told, **_last_words(task)}
            for told, task in zip(tasks, report.tasks, strict=True)
            if task.outcome is Outcome.FAILED
        ],
        "skipped": [task for task in tasks if task["outcome"] == Outcome.SKIPPED.value],
        "unfinished": [task for task in tasks if task["outcome"] in unfinished],
        "kept": [task for task in tasks if task["kept"] and task["outcome"] in closed],
    }


def _last_words(task: TaskReport) -> dict[str, str]:
    """Returns the end of the log that shows why a task failed, if that is known: else of the last."""
    last = task.attempts[-1] if task.attempts else None
    log = ending(last) if last is not None else None
    if log is None:
        return {"last_log": "", "last_lines": ""}
    lines = text.clean(log.text).rstrip().split("\n")
    return {"last_log": log.name, "last_lines": "\n".join(lines[-_LAST_LINES:])}


def main() -> None:
    """Answers a request of `by_template`, in a process of its own."""
    pressing.main(FILTERS, NAMES)


@cache
def _environment() -> "ImmutableSandboxedEnvironment":
    from jinja2 import PackageLoader, StrictUndefined  # noqa: PLC0415 - 69 ms, only for a report
    from jinja2.sandbox import ImmutableSandboxedEnvironment  # noqa: PLC0415 - as above

    environment = ImmutableSandboxedEnvironment(
        loader=PackageLoader(__package__),
        undefined=StrictUndefined,
        # Markdown, not HTML: the filters below escape
        autoescape=False,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters.update(FILTERS)
    environment.globals.update(NAMES)
    return environment
