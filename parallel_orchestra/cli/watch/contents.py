"""What stands in the lower pane of `watch`: a task's log, diff, result or usage, as lines."""

import os
import time
from collections import deque
from collections.abc import Iterator, Mapping

from parallel_orchestra.agents.story import Reader
from parallel_orchestra.cli.following import Out, TaskLog
from parallel_orchestra.cli.ink import Line, Piece
from parallel_orchestra.cli.watch.state import KEYS, Pane
from parallel_orchestra.cli.why import explain
from parallel_orchestra.errors import OrchestraError
from parallel_orchestra.git import Repo
from parallel_orchestra.progress import Attempt, RunReport, TaskReport
from parallel_orchestra.report.budgets import budget_lines
from parallel_orchestra.report.figures import cost, figures
from parallel_orchestra.report.text import clean, one_line, span
from parallel_orchestra.store import Layout

#: Lines of a log and bytes of a diff that are kept; `logs` and git have the rest.
_MOST_LINES = 5000
_MOST_BYTES = 400_000
#: How the first word of a line of a log looks; see `agents.story`.
_WORDS = {"ok": "good", "failed": "bad", "says": "name", "note": "quiet", "...": "act"}


class Kept(Out):
    """Takes the lines of a log, instead of printing them."""

    def __init__(self) -> None:
        super().__init__("")
        self.obeys = True
        self.lines: deque[Line] = deque(maxlen=_MOST_LINES)

    def _print(self, line: bytes) -> None:
        text = line.decode("utf-8", "replace").rstrip("\n")
        word, _, _ = text.partition(" ")
        look = _WORDS.get(word, "odd" if word == "==>" else "")
        self.lines.append((Piece(word, look), Piece(clean(text[len(word) :]).expandtabs())))


class Contents:
    """The lines of the pane; a log goes on where it was, all else is made anew when it may differ."""

    def __init__(self, layout: Layout, readers: Mapping[str, Mapping[str, Reader]]) -> None:
        self._layout = layout
        self._readers = readers
        self._log: tuple[TaskLog, Kept] | None = None
        self._made: tuple[object, tuple[Line, ...]] = (None, ())

    def of(self, pane: Pane, task: TaskReport, report: RunReport) -> tuple[Line, ...]:
        """Returns the lines of a pane for a task as a report shows it."""
        if pane is Pane.LOG:
            return self._log_of(task.id)
        # Everything but a log changes when the task does; the run's usage with any task.
        key = (pane, task, report.cost_usd if pane is Pane.USAGE else None)
        if key != self._made[0]:
            self._made = (key, tuple(self._lines(pane, task, report)))
        return self._made[1]

    def _log_of(self, task: str) -> tuple[Line, ...]:
        if self._log is None or self._log[0].task != task:
            kept = Kept()
            readers = self._readers.get(task, {})
            self._log = (TaskLog(self._layout, task, kept, readers, None, raw=False), kept)
        log, kept = self._log
        log.read(last=False)
        return tuple(kept.lines) or ((Piece("it has printed nothing yet", "quiet"),),)

    def _lines(self, pane: Pane, task: TaskReport, report: RunReport) -> Iterator[Line]:
        if pane is Pane.HELP:
            yield from ((Piece(f"{key:<8}", "name"), Piece(what)) for key, what in KEYS.items())
        elif pane is Pane.DIFF:
            yield from self._diff(task, report)
        elif pane is Pane.RESULT:
            yield from self._result(task)
        else:
            yield from _usage(task, report)

    def _result(self, task: TaskReport) -> Iterator[Line]:
        found = explain(self._layout, task.id, time.time())
        yield (Piece(found.outcome, "name"), Piece(f" {one_line(found.reason)}"))
        yield from ((Piece(f"  {one_line(fact)}"),) for fact in found.facts)
        yield from ((Piece(f"  | {row}", "quiet"),) for row in found.printed)
        if found.next_step:
            yield (Piece("next: ", "quiet"), Piece(one_line(found.next_step), "act"))

    def _diff(self, task: TaskReport, report: RunReport) -> Iterator[Line]:
        ends = _ends(task, report)
        if ends is None:
            yield (Piece("nothing of it was merged or kept yet", "quiet"),)
            return
        try:
            repo = Repo.discover(self._layout.root, os.environ)
            try:
                told = repo.git.run(
                    *("diff", "--no-ext-diff", "--no-textconv", "--no-color", "--stat", "--patch"),
                    *("--end-of-options", *ends, "--"),
                )
            finally:
                repo.close()
        except OrchestraError as error:
            yield (Piece(one_line(str(error)), "bad"),)
            return
        text = told.out[:_MOST_BYTES].decode("utf-8", "replace")
        for line in text.splitlines():
            yield (Piece(clean(line).expandtabs(), _look_of(line)),)
        if len(told.out) > _MOST_BYTES:
            yield (Piece(f"... all of it: git diff {' '.join(ends)}", "odd"),)


def _ends(task: TaskReport, report: RunReport) -> tuple[str, ...] | None:
    """Returns between which commits a task's change lies; None if there is none."""
    if task.commit:
        return f"{task.commit}^1", task.commit
    if task.kept:
        # from where its branch left the one that it was to be merged into
        return (f"{report.tip or report.base_commit}...{task.kept[-1]}",)
    return None


def _look_of(line: str) -> str:
    if line.startswith(("diff ", "index ", "+++", "---")):
        return "name"
    return {"+": "good", "-": "less", "@": "act"}.get(line[:1], "")


def _usage(task: TaskReport, report: RunReport) -> Iterator[Line]:
    for attempt in task.attempts:
        yield (Piece(f"attempt {attempt.number}  ", "name"), Piece(_used(attempt)))
    if not task.attempts:
        yield (Piece("it was not begun yet", "quiet"),)
    numbers = figures(report)
    told = f"{span(numbers.work)} of work"
    if numbers.input_tokens is not None or numbers.output_tokens is not None:
        told += f", {numbers.input_tokens or 0:,} tokens in, {numbers.output_tokens or 0:,} out"
    if said := cost(numbers):
        told += f", {said}"
    yield ()
    yield (Piece("the run    ", "name"), Piece(told))
    yield from ((Piece(line),) for line in budget_lines(report.purses))


def _used(attempt: Attempt) -> str:
    words = [span(attempt.seconds) if attempt.seconds is not None else "not ended"]
    if attempt.turns is not None:
        words.append(f"{attempt.turns} turns")
    if attempt.input_tokens is not None or attempt.output_tokens is not None:
        words.append(f"{attempt.input_tokens or 0:,} tokens in, {attempt.output_tokens or 0:,} out")
    if attempt.cost_usd is not None:
        words.append(f"${attempt.cost_usd:.4f}")
    return ", ".join(words)
