"""A run told as text: Markdown, JSON, lines for a terminal. No file is written here.

A new format is one file beside `json_report.py`, one line in `REPORTS`, and it passes the
contract test that all of them pass. Knows nothing of `_tasks/`, git or the terminal.
"""

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

from parallel_orchestra.report import json_report, markdown
from parallel_orchestra.report.format import Report

#: Every format, by the suffix of the file that asks for it.
REPORTS: Mapping[str, Report] = MappingProxyType(
    {
        ".md": markdown,
        ".markdown": markdown,
        ".json": json_report,
    }
)


def format_for(path: Path) -> Report | None:
    """Returns the format that a file's suffix asks for, or None if there is none for it."""
    return REPORTS.get(path.suffix.lower())


__all__ = ["REPORTS", "Report", "format_for"]
