"""The page: one HTML file that needs nothing else, from a Jinja template.

What agents and files say is shown, never obeyed: the template escapes all of it, and a policy in
the page lets no script run but its own (Content Security Policy, level 3).
"""

from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from markupsafe import Markup, escape

from parallel_orchestra.errors import ExitCode
from parallel_orchestra.progress import Outcome, RunReport
from parallel_orchestra.report import text
from parallel_orchestra.report.advice import (
    delivery,
    few_steps,
    next_step,
    session_step,
)
from parallel_orchestra.report.aftermath import aftermath_words
from parallel_orchestra.report.budgets import budget_lines
from parallel_orchestra.report.causes import blocked, causes
from parallel_orchestra.report.figures import cost, figures, verdict
from parallel_orchestra.report.html import lanes, network, views
from parallel_orchestra.report.html.states import State, state_of, word_for
from parallel_orchestra.report.policy import hashed
from parallel_orchestra.report.story import judged
from parallel_orchestra.report.together import verdict_of

if TYPE_CHECKING:
    from jinja2 import Environment

#: The page around its parts; a template of a user may extend it.
FRAME = "page.html.j2"
_PARTS = {
    "symbols": "svg",
    **dict.fromkeys(("head", "attention", "together", "timeline", "graph", "tasks"), "html"),
    **dict.fromkeys(("merges", "facts", "footer", "help"), "html"),
}
#: Failed and unfinished tasks that have a card; the list of all tasks has the others.
_CARDS = 40
#: Causes that the head of the failed tasks lists.
_CAUSES = 10
#: Cards whose last lines are shown without being asked for.
_OPEN, _OPEN_OF_MANY = 6, 3
_UNFINISHED = (Outcome.RUNNING, Outcome.WAITING, Outcome.MISSING)
#: Tasks up to which all is told of those that went well too, and up to which they can be unfolded:
#: a page opens in the time that its elements take.
_SLIM, _DETAILED = 300, 2000
#: How a command begins that a reader may want to copy.
_COMMANDS = ("parallel-orchestra ", "git ", "cd ")


def render(report: RunReport) -> str:
    """Returns the report as a page of HTML."""
    return _environment().get_template(FRAME).render(page=parts(report))


def parts(report: RunReport) -> dict[str, str]:
    """Returns the parts of the page as HTML, by name, with its `style`, `script` and `title`."""
    facts = _facts(report)
    style, script = _files()
    # a style of an element of its own would need a policy that lets anybody style anything
    style = f"{style}.time{{min-width:{facts['timeline'].width}px}}\n"
    environment = _environment()
    made = {
        name: environment.get_template(f"html/{name}.{kind}.j2").render(facts)
        for name, kind in _PARTS.items()
    }
    if facts["slim"]:
        # no text has these signs: they are escaped; as many elements less as there are lines
        made = {name: part.replace(">\n<", "><") for name, part in made.items()}
    end = facts["told"] if report.ended is not None else facts["verdict"]
    return made | {"style": style, "script": script, "title": text.clean(f"{report.name}: {end}")}


def _facts(report: RunReport) -> dict[str, Any]:
    failed = [task for task in report.tasks if task.outcome is Outcome.FAILED]
    unfinished = [task for task in report.tasks if task.outcome in _UNFINISHED]
    numbers = figures(report)
    return {
        "report": report,
        "figures": numbers,
        "verdict": verdict(report),
        "told": views.told(report),
        "look": _look(report),
        "shares": _shares(report),
        "budgets": [line.removeprefix("budget: ") for line in budget_lines(report.purses)],
        "delivery": delivery(report),
        "together": report.integration_report,
        "together_verdict": verdict_of(report.integration_report)
        if report.integration_report
        else "",
        "aftermath": aftermath_words(report),
        "next_steps": few_steps(report),
        "causes": causes(report) if len(failed) > 1 else (),
        "most_causes": _CAUSES,
        "next_step": lambda task: next_step(report, task),
        "session_step": lambda task: session_step(report, task),
        "link": lambda path: views.link(report, path),
        "failed": failed[:_CARDS],
        "carded": {task.id for task in failed[:_CARDS]},
        "failed_more": max(len(failed) - _CARDS, 0),
        "open_cards": _OPEN if len(failed) <= _OPEN else _OPEN_OF_MANY,
        "unfinished": unfinished[:_CARDS],
        "unfinished_more": max(len(unfinished) - _CARDS, 0),
        "blocked": blocked(report) if failed else {},
        "tries": views.tries(report),
        "at_work": lambda task: views.at_work(report, task),
        "timeline": lanes.timeline(report),
        "network": network.network(report),
        "merges": views.merges(report),
        "changed": _changed(report),
        "slim": report.total > _SLIM,
        "detailed": report.total <= _DETAILED,
        "most_detailed": _DETAILED,
        "warned": [task for task in report.tasks if task.warnings],
        "state_of": lambda task: state_of(task.outcome).value,
        "word_for": lambda task: word_for(task.outcome, killed=bool(report.killed)),
    }


def _look(report: RunReport) -> str:
    """Returns the state whose look the whole page has."""
    if report.ended is None:
        return State.SKIPPED.value if report.killed else State.RUNNING.value
    if report.exit_code == ExitCode.DONE:
        return State.OK.value
    if report.count(Outcome.FAILED) or report.exit_code in (ExitCode.USAGE, ExitCode.ENVIRONMENT):
        return State.FAILED.value
    return State.SKIPPED.value


def _shares(report: RunReport) -> list[tuple[str, str, int, float, float]]:
    """Returns the outcomes that there are: look, word, number, and place and width in percent."""
    shares, place = [], 0.0
    for outcome, number in figures(report).outcomes.items():
        if number:
            width = number / report.total * 100
            word = word_for(outcome, killed=bool(report.killed))
            shares.append((state_of(outcome).value, word, number, place, width))
            place += width
    return shares


def _changed(report: RunReport) -> tuple[int, int, int] | None:
    """Returns how many files all merges changed, and lines added and removed; None if unknown."""
    landed = [task.landed for task in report.tasks if task.landed is not None]
    if not landed:
        return None
    files = {file.path for one in landed for file in one.files}
    return len(files), sum(one.added for one in landed), sum(one.removed for one in landed)


def _sentence(words: str) -> Markup:
    """Returns one of our own sentences: what stands in backticks becomes code, commands apart."""
    return _paragraph(text.one_line(words))


def _paragraph(words: str) -> Markup:
    """Returns likewise a text of several lines."""
    parts = text.clean(words).split("`")
    if len(parts) % 2 == 0 or not all(parts[1::2]):
        return escape(text.clean(words))
    return Markup("").join(
        _code(part) if place % 2 else escape(part) for place, part in enumerate(parts)
    )


def _code(part: str) -> Markup:
    kind = ' class="cmd"' if part.startswith(_COMMANDS) else ""
    return Markup("<code{}>{}</code>").format(Markup(kind), part)  # noqa: S704 - our own constant


def _cleaned(value: object) -> object:
    # The last door of all: whatever a template shows went through here.
    return text.clean(value) if isinstance(value, str) and not isinstance(value, Markup) else value


@cache
def _files() -> tuple[str, str]:
    here = files("parallel_orchestra.report") / "templates" / "html"
    style, script = ((here / name).read_text("utf-8") for name in ("style.css", "script.js"))
    return style, script


@cache
def _environment() -> "Environment":
    from jinja2 import Environment, PackageLoader, StrictUndefined  # noqa: PLC0415 - 69 ms, late

    environment = Environment(
        loader=PackageLoader("parallel_orchestra.report"),
        undefined=StrictUndefined,
        autoescape=True,
        finalize=_cleaned,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters |= {
        "hashed": hashed,
        "judged": judged,
        "sentence": _sentence,
        "paragraph": _paragraph,
        "cost": cost,
        "counted": text.counted,
        "span": text.span,
        "instant": text.instant,
        "short": text.short,
        "short_ref": text.short_ref,
        "names": views.names,
        "reason": views.reason,
        "brief": views.brief,
        "tokens": views.tokens,
    }
    return environment
