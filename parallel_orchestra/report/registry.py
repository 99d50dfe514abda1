"""Every format of a report, and how it is asked for. Who needs only one imports only that."""

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

from parallel_orchestra.report import html, json_report, junit, markdown
from parallel_orchestra.report.format import Format, Report

#: Every format, in the order of the documentation.
FORMATS = (
    Format("markdown", (".md", ".markdown"), markdown, "for people, here and on GitHub"),
    Format("html", (".html", ".htm"), html, "for everybody: one page, in a browser", exhibits=True),
    Format("json", (".json",), json_report, "for programs"),
    Format("junit", (".xml",), junit, "for dashboards of tests: JUnit XML, a test case per task"),
)
#: Every format by its name.
NAMED: Mapping[str, Report] = MappingProxyType({one.name: one.report for one in FORMATS})
#: Every format, by the suffix of the file that asks for it.
REPORTS: Mapping[str, Report] = MappingProxyType(
    {suffix: one.report for one in FORMATS for suffix in one.suffixes}
)


def format_for(path: Path) -> Report | None:
    """Returns the format that a file's suffix asks for, or None if there is none for it."""
    return REPORTS.get(path.suffix.lower())


def shows_exhibits(report: Report) -> bool:
    """Returns whether a format shows what attempts left: see `progress.Exhibit`."""
    return any(one.exhibits for one in FORMATS if one.report is report)
