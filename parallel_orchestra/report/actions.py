"""A run for GitHub Actions: annotations, and as much of a page as a step's summary takes.

The limits are GitHub's: ten annotations of a kind and a summary of 1 MiB for each step. A larger summary
would be dropped as a whole. Knows nothing of files or of the environment.
"""

import re
from collections.abc import Iterable, Iterator, Mapping

from parallel_orchestra.progress import Outcome, RunReport
from parallel_orchestra.report.advice import next_step
from parallel_orchestra.report.text import clean

#: What the summaries of one step may have in all, in bytes, and what of it is left for the next.
SUMMARY_LIMIT = 1 << 20
_SPARE = 64 << 10
_MOST = 10
_LONGEST = 4000
_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})(.*)")


def annotations(report: RunReport, file: str = "") -> Iterator[str]:
    """Yields a workflow command for each failed task and each warning, ten of a kind at most.

    They are shown at `file`, the plan as the repository names it, if one is given.
    """
    failed = [
        (f"task {task.id}", f"{task.failure}: {task.reason}\nnext: {next_step(report, task)}")
        for task in report.tasks
        if task.outcome is Outcome.FAILED
    ]
    found = report.integration_report
    must = found.must if found is not None and report.completed == report.total else ()
    failed += [("integration report", one) for one in must]
    odd = [("run", one) for one in report.warnings]
    odd += [(f"task {task.id}", one) for task in report.tasks for one in task.warnings]
    for level, told in (("error", failed), ("warning", odd)):
        for title, words in _few(told, level):
            facts = {"file": file, "title": title}
            yield command(level, {name: one for name, one in facts.items() if one}, words)


def command(level: str, facts: Mapping[str, str], words: str) -> str:
    """Returns a workflow command, one line: what it says is text, and no command of its own."""
    shown = ",".join(
        f"{name}={_escaped(value).replace(':', '%3A').replace(',', '%2C')}"
        for name, value in facts.items()
    )
    return f"::{level}{' ' if shown else ''}{shown}::{_escaped(words)}"


def fitting(page: str, used: int = 0) -> str:
    """Returns as much of a Markdown page as still fits a summary that has `used` bytes already.

    Whole lines, with an open fence closed, and said if it is not all; "" if there is no room.
    """
    room = SUMMARY_LIMIT - used
    if len(page.encode("utf-8", "replace")) <= room:
        return page
    room -= _SPARE
    lines: list[str] = []
    fence = ""
    for line in page.splitlines(keepends=True):
        room -= len(line.encode("utf-8", "replace"))
        if room < 0:
            break
        lines.append(line)
        fence = _fence_after(line, fence)
    if not lines:
        return ""
    closed = f"{fence}\n" if fence else ""
    return f"{''.join(lines)}{closed}\n... cut here: a step's summary takes no more than 1 MiB.\n"


def _fence_after(line: str, fence: str) -> str:
    """Returns the fence that is open after a line; `fence` was before."""
    found = _FENCE.fullmatch(line.rstrip("\n"))
    if found is None:
        return fence
    if not fence:
        return found[1]
    ends = found[1].startswith(fence) and not found[2].strip()
    return "" if ends else fence


def _few(told: list[tuple[str, str]], level: str) -> Iterable[tuple[str, str]]:
    if len(told) <= _MOST:
        return told
    rest = len(told) - _MOST + 1
    return [*told[: _MOST - 1], ("run", f"... and {rest} more {level}s: see the step's summary")]


def _escaped(text: str) -> str:
    words = clean(text)[:_LONGEST]
    return words.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")
