"""The report for people: Markdown from a Jinja template, which a user can replace.

What agents and file names say is shown, never obeyed: see `text`.
"""

from functools import cache
from typing import TYPE_CHECKING, Any

from parallel_orchestra.errors import Problem, UsageError
from parallel_orchestra.progress import Outcome, RunReport
from parallel_orchestra.report import text
from parallel_orchestra.report.advice import delivery, next_step, next_steps
from parallel_orchestra.report.aftermath import aftermath_words
from parallel_orchestra.report.budgets import budget_lines
from parallel_orchestra.report.figures import cost, figures, headline, verdict
from parallel_orchestra.report.together import verdict_of

if TYPE_CHECKING:
    from jinja2.sandbox import SandboxedEnvironment

_TEMPLATE = "markdown.md.j2"
#: Those whose kept work is not shown beside their failure or state.
_CLOSED = (Outcome.SUCCEEDED, Outcome.RESUMED, Outcome.BY_HAND, Outcome.SKIPPED)
_UNFINISHED = (Outcome.RUNNING, Outcome.WAITING, Outcome.MISSING)


def render(report: RunReport, template: str | None = None) -> str:
    """Returns the report as Markdown, by the text of a Jinja template if one is given.

    A template sees what ours sees (`templates/markdown.md.j2`), and may extend it:
    `{% extends "markdown.md.j2" %}`, then only the blocks that are to be different.

    Raises:
        UsageError: the template is not Jinja, or asks for something that there is not.
    """
    if template is None:
        return _environment().get_template(_TEMPLATE).render(_facts(report))
    from jinja2 import TemplateError  # noqa: PLC0415 - 69 ms, and only who writes a report needs it

    try:
        return _environment().from_string(template).render(_facts(report))
    except (
        TemplateError,
        ArithmeticError,
        AttributeError,
        LookupError,
        TypeError,
        ValueError,
    ) as error:
        line = getattr(error, "lineno", None)
        raise UsageError(
            Problem(
                f"the report's template is wrong: {error or type(error).__name__}",
                f"line {line}" if line else "",
                "what a template may use stands in `report/templates/markdown.md.j2`",
            )
        ) from error


def _facts(report: RunReport) -> dict[str, Any]:
    return {
        "report": report,
        "figures": figures(report),
        "budgets": [line.removeprefix("budget: ") for line in budget_lines(report.purses)],
        "headline": headline(report),
        "verdict": verdict(report),
        "delivery": delivery(report),
        "aftermath": aftermath_words(report),
        "next_steps": next_steps(report),
        "next_step": lambda task: next_step(report, task),
        "together": _together(report),
        "failed": [task for task in report.tasks if task.outcome is Outcome.FAILED],
        "skipped": [task for task in report.tasks if task.outcome is Outcome.SKIPPED],
        "unfinished": [task for task in report.tasks if task.outcome in _UNFINISHED],
        "kept": [task for task in report.tasks if task.kept and task.outcome in _CLOSED],
    }


def _together(report: RunReport) -> dict[str, Any] | None:
    found = report.integration_report
    if found is None:
        return None
    return {
        "verdict": verdict_of(found),
        "commit": found.commit,
        "checks": found.checks,
        "must": found.must,
        "should": found.should,
    }


@cache
def _environment() -> "SandboxedEnvironment":
    from jinja2 import PackageLoader, StrictUndefined  # noqa: PLC0415 - as above
    from jinja2.sandbox import SandboxedEnvironment  # noqa: PLC0415 - as above

    environment = SandboxedEnvironment(
        loader=PackageLoader(__package__),
        undefined=StrictUndefined,
        # Markdown, not HTML: the filters below escape
        autoescape=False,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    tools = (
        cost,
        text.escaped,
        text.code,
        text.sentence,
        text.fenced,
        text.span,
        text.instant,
        text.short,
        text.short_ref,
    )
    environment.filters.update({tool.__name__: tool for tool in tools})
    environment.globals["row"] = text.row
    return environment
