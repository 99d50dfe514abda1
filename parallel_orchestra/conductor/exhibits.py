"""What attempts left and what merges changed, for reports that show it. Reads, changes nothing.

Bounded: of each file a report has one end, of a log that of a gigabyte as well as of a line.
"""

import contextlib
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from parallel_orchestra import files
from parallel_orchestra.agents.story import Reader, retold
from parallel_orchestra.conductor.acts import log_readers_of, shortened
from parallel_orchestra.conductor.picture import read_record, repository_of
from parallel_orchestra.conductor.present import deserted
from parallel_orchestra.errors import GitError, OrchestraError
from parallel_orchestra.git import Repo, tallies
from parallel_orchestra.plain import clean, cut
from parallel_orchestra.plan import plan_from_json
from parallel_orchestra.progress import (
    Attempt,
    Exhibit,
    FileChange,
    Landed,
    Outcome,
    RunReport,
)
from parallel_orchestra.store import Layout

PROMPT = "prompt.md"
SETUP_LOG = "setup.log"
#: Kinds of logs in the order in which an attempt writes them; of a kind there may be several.
_KINDS = ("setup", "agent", "verify", "expect", "qa", "merge-verify", "conflict", "resolve")
_LOG = re.compile(rf"({'|'.join(_KINDS)})(?:-(\d{{1,6}}))?\.log")
#: Logs of one attempt that are shown.
_LOGS = 12
#: Bytes that are read of a file: events of agents are long, and become short lines.
_READ, _READ_OF_FAILED = 1 << 14, 1 << 16
#: Lines and characters that are shown of a file, and characters of a line.
_LINES, _TEXT, _LINE = 60, 6000, 400
#: Failed tasks whose last words are read.
_FAILED = 40


def with_exhibits(report: RunReport, environ: Mapping[str, str]) -> RunReport:
    """Returns the report with what its attempts left and its merges changed, and whether it lives.

    What can't be read is left out: a report must never hide how the run went.
    """
    layout = Layout(Path(report.tasks_dir))
    try:
        record = read_record(layout)
        readers = log_readers_of(plan_from_json(record.plan))
        repo = repository_of(record, environ)
    except OrchestraError:
        return report
    try:
        landed = _landed(repo, report)
    finally:
        repo.close()
    return replace(
        report,
        killed=deserted(layout) if report.ended is None else "",
        tasks=tuple(
            replace(
                task,
                landed=landed.get(task.commit),
                attempts=tuple(
                    _shown(layout, one, readers.get(task.id, {})) for one in task.attempts
                ),
            )
            for task in report.tasks
        ),
    )


def with_last_words(report: RunReport) -> RunReport:
    """Returns the report with what the last attempts of the failed tasks left, of the first ones.

    That is little to read, also of thousands of tasks.
    """
    layout = Layout(Path(report.tasks_dir))
    failed = [task.id for task in report.tasks if task.outcome is Outcome.FAILED and task.attempts]
    if not failed:
        return report
    try:
        readers = log_readers_of(plan_from_json(read_record(layout).plan))
    except OrchestraError:
        return report
    first = frozenset(failed[:_FAILED])
    return replace(
        report,
        tasks=tuple(
            replace(
                task,
                attempts=(
                    *task.attempts[:-1],
                    _shown(layout, task.attempts[-1], readers.get(task.id, {})),
                ),
            )
            if task.id in first
            else task
            for task in report.tasks
        ),
    )


def end_of_log(layout: Layout, task: str, attempt: int, owner: str, log: str) -> str:
    """Returns the last lines of what a command of an attempt printed; empty if it can't be read."""
    end, _ = _end_of(layout.attempt(task, attempt, owner) / log, _READ)
    return _last_lines(end.decode("utf-8", "replace"))[0]


def _landed(repo: Repo, report: RunReport) -> dict[str, Landed]:
    try:
        found = tallies(repo, [task.commit for task in report.tasks if task.commit])
    except GitError:
        return {}
    return {
        one.commit: Landed(one.time, tuple(FileChange(*file) for file in one.files))
        for one in found
    }


def _shown(layout: Layout, attempt: Attempt, readers: Mapping[str, Reader]) -> Attempt:
    if not attempt.log:
        return attempt
    folder = attempt.log.rpartition("/")[0]
    found = tuple(_exhibits(layout.root, folder, attempt, readers))
    # An agent that printed nothing has no log to lead to.
    return replace(attempt, exhibits=found, log=attempt.log if found else "")


def _exhibits(
    root: Path, folder: str, attempt: Attempt, readers: Mapping[str, Reader]
) -> Iterator[Exhibit]:
    most = _READ_OF_FAILED if attempt.failure or attempt.unseen else _READ
    began, more = _end_of(root / folder / PROMPT, _TEXT, beginning=True)
    if began:
        yield Exhibit(f"{folder}/{PROMPT}", began.decode("utf-8", "replace"), more)
    for name in _logs(root / folder):
        if name == SETUP_LOG and attempt.phases:
            continue
        end, more = _end_of(root / folder / name, most)
        if end:
            words = end.decode("utf-8", "replace")
            if name in readers:
                # the first line of an end is left out: it may be the rest of one
                whole = words if more else f"\n{words}"
                words = retold(whole, readers[name], shortened).strip("\n") or words
            text, less = _last_lines(words)
            yield Exhibit(f"{folder}/{name}", text, more or less)


def _logs(folder: Path) -> list[str]:
    """Returns the names of an attempt's logs, in order; those of what made others ready left out."""
    found: list[re.Match[str]] = []
    with contextlib.suppress(OSError):
        found = [one for name in files.names(folder) if (one := _LOG.fullmatch(name)) is not None]
    found.sort(key=lambda one: (_KINDS.index(one[1]), int(one[2] or 0)))
    return [one[0] for one in found][-_LOGS:]


def _last_lines(words: str) -> tuple[str, bool]:
    # cleaned before it is cut: half an escape sequence would be shown
    lines = clean(words).rstrip().split("\n")
    shown = [cut(line, _LINE) for line in lines[-_LINES:]]
    while len(shown) > 1 and sum(map(len, shown)) > _TEXT:
        shown.pop(0)
    return "\n".join(shown), len(shown) < len(lines)


def _end_of(path: Path, most: int, *, beginning: bool = False) -> tuple[bytes, bool]:
    """Returns one end of a file, and whether it has more; nothing if it can't be read."""
    try:
        with path.open("rb") as stream:
            size = os.fstat(stream.fileno()).st_size
            if size > most and not beginning:
                stream.seek(size - most)
            data = stream.read(most)
    except OSError:
        return b"", False
    return data, size > most
