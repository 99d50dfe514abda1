"""The report by a template of a user's, in a process of its own, with limits of time and memory.

It may begin anew, or extend one of ours: the Markdown report or the page of HTML.
"""

import sys
from pathlib import Path

from parallel_orchestra.errors import Problem, UsageError
from parallel_orchestra.process.press import Spoiled, press
from parallel_orchestra.progress import RunReport
from parallel_orchestra.report import html, markdown

#: What the process of the template runs. It needs nothing of HTML, so it starts without that.
_DOOR = (
    f"import sys; sys.path[:] = {list(filter(None, sys.path))!r}; "
    f"import {markdown.__name__} as it; it.main()"
)
_HTML = (".html", ".htm", ".xml", ".html.j2", ".htm.j2", ".xml.j2", ".html.jinja", ".xml.jinja")


def render(template: Path, report: RunReport) -> str:
    """Returns the text that a user's template makes of the report.

    It sees what ours sees, `markdown.VARIABLES`, and may extend ours: `{% extends "markdown.md.j2" %}`
    or `{% extends "page.html.j2" %}`, then only the blocks that are to be different. If it extends
    the page, or its name ends as one of HTML or XML, what it shows is escaped for that.

    Raises:
        UsageError: it can't be read, is not Jinja, asks for what there is not, or takes too much.
        OSError: no process could be started for it.
    """
    try:
        source = template.read_text(encoding="utf-8")
    except (OSError, UnicodeError) as error:
        why = getattr(error, "strerror", None) or "it is not UTF-8"
        raise UsageError(
            Problem(f"cannot read the report's template: {why}", str(template))
        ) from error
    ours = Path(__file__).parent / "templates"
    library = {
        name: (ours / name).read_text(encoding="utf-8") for name in (markdown.TEMPLATE, html.FRAME)
    }
    facts = markdown.facts_of(report)
    if "page" in source:
        # a second of work for a large run
        facts["page"] = html.parts(report)
    try:
        return press(
            source,
            library,
            facts,
            door=_DOOR,
            autoescape=html.FRAME in source or template.name.lower().endswith(_HTML),
        )
    except Spoiled as spoiled:
        where = f"{template}:{spoiled.fault.line}" if spoiled.fault.line else str(template)
        what = f"the report's template is wrong: {spoiled.fault.words}"
        hint = "what a template may use stands in the reference of reports, under Templates"
        raise UsageError(Problem(what, where, hint)) from spoiled
