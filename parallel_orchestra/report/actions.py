"""A run for GitHub Actions: annotations, ten of a kind for each step at most, as GitHub takes them.

Knows nothing of files or of the environment.
"""

from collections.abc import Iterable, Iterator, Mapping

from parallel_orchestra.progress import Outcome, RunReport, TaskReport
from parallel_orchestra.report.advice import next_step
from parallel_orchestra.report.last_words import last_words
from parallel_orchestra.report.text import clean, cut

_MOST = 10
_LONGEST = 4000
#: Lines of the log that tells why a task failed, and characters of each.
_LAST_WORDS, _LINE = 8, 200


def annotations(report: RunReport, file: str = "") -> Iterator[str]:
    """Yields a workflow command for each failed task and each warning, ten of a kind at most.

    They are shown at `file`, the plan as the repository names it, if one is given.
    """
    failed = [
        (f"task {task.id}", _why(report, task))
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


def _why(report: RunReport, task: TaskReport) -> str:
    printed = (f"| {cut(row, _LINE)}" for row in last_words(task, _LAST_WORDS))
    # half of what there is room for: the way on is to be seen
    reason = cut(f"{task.failure}: {task.reason}", _LONGEST // 2)
    return "\n".join((reason, *printed, f"next: {next_step(report, task)}"))


def _few(told: list[tuple[str, str]], level: str) -> Iterable[tuple[str, str]]:
    if len(told) <= _MOST:
        return told
    rest = len(told) - _MOST + 1
    return [*told[: _MOST - 1], ("run", f"... and {rest} more {level}s: see the step's summary")]


def _escaped(text: str) -> str:
    words = clean(text)[:_LONGEST]
    return words.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")
