"""Report files: checked before anything runs, written when all is over."""

import os
from collections.abc import Callable, Iterable
from pathlib import Path

from parallel_orchestra.cli.failures import usage
from parallel_orchestra.conductor.exhibits import with_exhibits, with_last_words
from parallel_orchestra.errors import Problem
from parallel_orchestra.frozen import frozen
from parallel_orchestra.progress import RunReport
from parallel_orchestra.report import junit, markdown
from parallel_orchestra.report.format import Report
from parallel_orchestra.report.registry import NAMED, REPORTS, format_for, shows_exhibits


@frozen
class Written:
    """What became of the reports: the paths that were written, and what went wrong."""

    paths: tuple[Path, ...]
    problems: tuple[Problem, ...]

    def with_more(self, other: "Written") -> "Written":
        """Returns both together."""
        return Written((*self.paths, *other.paths), (*self.problems, *other.problems))


def check_reports(paths: Iterable[Path], form: str | None = None) -> None:
    """Refuses a report whose format nobody knows, before any agent has cost anything.

    With `form`, the name of a format, all files are of that, whatever they are called.

    Raises:
        UsageError: naming the file and the formats there are.
    """
    for path in paths:
        if form is None and format_for(path) is None:
            known = ", ".join(f"`{suffix}`" for suffix in REPORTS)
            raise usage(f"there is no report format for `{path}`", f"a report ends in {known}")
        if path.is_dir():
            raise usage(f"the report `{path}` is a directory", "name a file")


def write_reports(report: RunReport, paths: Iterable[Path], form: str | None = None) -> Written:
    """Writes the run to each of these files; one that fails does not hide the others.

    In the format of that name if one is given, else in that of the file's suffix.
    """
    return write_texts(paths, lambda path: rendered(report, _style(path, form)))


def write_texts(paths: Iterable[Path], text_of: Callable[[Path], str]) -> Written:
    """Writes to each of these files the text that it is to have; one that fails hides no other."""
    written, problems = [], []
    for path in paths:
        try:
            replace_file(path, text_of(path))
            written.append(path)
        except Exception as error:  # noqa: BLE001  # a report must never hide how the run went
            reason = getattr(error, "strerror", None) or str(error)
            problems.append(Problem(f"cannot write the report: {reason}", str(path)))
    return Written(tuple(written), tuple(problems))


def rendered(report: RunReport, style: Report) -> str:
    """Returns the run in a format, with what attempts left if the format shows that."""
    if shows_exhibits(style):
        return style.render(with_exhibits(report, os.environ))
    return style.render(with_last_words(report) if style in (markdown, junit) else report)


def _style(path: Path, form: str | None) -> Report:
    style = format_for(path) if form is None else NAMED[form]
    assert style is not None  # noqa: S101  # checked before the run
    return style


def replace_file(path: Path, text: str) -> None:
    """Writes a whole file at once, with its folders; an older one is gone.

    Raises:
        OSError: it can't be written; an older one stands.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        draft.write_text(text, encoding="utf-8", errors="replace")
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)
