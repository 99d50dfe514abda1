"""What the page shows of tasks beyond their own facts: values for the template, all bounded."""

from collections.abc import Iterable
from urllib.parse import quote

from markupsafe import escape

from parallel_orchestra.frozen import frozen
from parallel_orchestra.plain import some_of
from parallel_orchestra.progress import Attempt, Exhibit, Outcome, RunReport, TaskReport
from parallel_orchestra.report.causes import ending
from parallel_orchestra.report.text import clean, counted, cut, one_line, span

#: Bytes of all that agents left, as it stands in the page: those who failed first.
_FAILED_ROOM, _OTHER_ROOM = 500_000, 500_000
#: The most and the least of one file; below the least it is only linked.
_MOST, _MOST_OF_OTHERS, _LEAST = 7_000, 4_000, 600
#: Merges that are listed: the last ones.
_MERGES = 2_000
#: Files of a merge that are listed, and of all merges together.
_FILES, _ALL_FILES = 40, 2_500
#: Characters of a line up to which it is better to scroll sideways.
_WIDE = 140
#: Fewer files of a merge are not worth a list.
_FEW_FILES = 6
#: Names that a line lists.
_NAMED = 12
#: Characters of a reason.
_REASON = 2_000
_UNITS = 1_000

PROMPT = "prompt.md"


@frozen
class Paper:
    """A part of a file that an attempt left, and where the whole file is."""

    name: str
    text: str
    cut: bool
    path: str
    link: str

    @property
    def lines(self) -> int:
        """How many lines are shown."""
        return self.text.count("\n") + 1 if self.text else 0

    @property
    def wide(self) -> bool:
        """Whether it has lines so long that they must be wrapped."""
        return max(map(len, self.text.split("\n"))) > _WIDE


@frozen
class Try:
    """An attempt with its papers, the one that tells most about its end apart."""

    attempt: Attempt
    papers: tuple[Paper, ...]

    @property
    def logs(self) -> tuple[Paper, ...]:
        """What it and its commands printed."""
        return tuple(paper for paper in self.papers if paper.name != PROMPT)

    @property
    def bare(self) -> tuple[Paper, ...]:
        """Those of which nothing is shown."""
        return tuple(paper for paper in self.papers if not paper.text)

    @property
    def folder(self) -> str:
        """The address of the folder that its papers lie in."""
        return self.papers[0].link.rpartition("/")[0] if self.papers else ""

    @property
    def end(self) -> Paper | None:
        """The log that shows why it failed, if that is known."""
        log = ending(self.attempt)
        return next((one for one in self.logs if log is not None and one.name == log.name), None)


@frozen
class Merge:
    """A task's merge: `since` the run began, in seconds, None if nobody knows; bars in percent."""

    task: TaskReport
    since: float | None
    files: tuple[tuple[str, str, str], ...]
    more: int
    added: float
    removed: float


def tries(report: RunReport) -> dict[str, tuple[Try, ...]]:
    """Returns the attempts of each task with what they left, as much as there is room for."""
    failed = [attempt for task in report.tasks for attempt in task.attempts if _bad(attempt)]
    several = sum(len(attempt.exhibits) for attempt in failed)
    others = sum(len(one.exhibits) for task in report.tasks for one in task.attempts) - several
    room = min(_MOST, _FAILED_ROOM // max(several, 1))
    rest = min(_MOST_OF_OTHERS, _OTHER_ROOM // max(others, 1))
    return {
        task.id: tuple(
            Try(one, _papers(report, one, room if _bad(one) else rest)) for one in task.attempts
        )
        for task in report.tasks
    }


def merges(report: RunReport) -> tuple[Merge, ...]:
    """Returns the merges of a run, the first one first."""
    merged = [task for task in report.tasks if task.commit]
    merged.sort(key=lambda task: task.landed.time if task.landed else _ended(task))
    merged = merged[-_MERGES:]
    largest = max((_size(task) for task in merged), default=0) or 1
    each = min(_FILES, _ALL_FILES // max(len(merged), 1))
    each = each if each >= _FEW_FILES else 0
    return tuple(_merge(report, task, largest, each) for task in merged)


def names(tasks: Iterable[str]) -> str:
    """Returns some names as a list, with the number of those that it leaves out."""
    return some_of(list(tasks), _NAMED)


def reason(text: str) -> str:
    """Returns a reason with its lines, bounded."""
    words = clean(text).strip()
    return words if len(words) <= _REASON else f"{words[:_REASON].rstrip()} ..."


def brief(text: str) -> str:
    """Returns the first words of a reason, on one line; code that is cut is closed."""
    words = cut(one_line(text[:_UNITS]), 140)
    return words if words.count("`") % 2 == 0 or not words.endswith(" ...") else f"{words}`"


def link(report: RunReport, path: str) -> str:
    """Returns the address of a file of the run's directory, for a browser on the same machine."""
    return "file://" + quote(f"{report.tasks_dir}/{path}", errors="replace")


def tokens(number: int) -> str:
    """Returns a number of tokens as people say it: `950`, `12.4 k`, `3.1 M`."""
    if number < _UNITS:
        return str(number)
    thousands = number / _UNITS
    if thousands < _UNITS:
        return f"{thousands:.1f} k"
    return f"{thousands / _UNITS:.1f} M"


def at_work(report: RunReport, task: TaskReport) -> str:
    """Returns who has a running task, for how long, and what was printed last; empty for others."""
    if task.outcome is not Outcome.RUNNING or not task.attempts:
        return ""
    attempt = task.attempts[-1]
    who = f"worker {attempt.slot}" if attempt.slot else "by hand"
    words = f"attempt {attempt.number}, {who}"
    if report.killed:
        return f"{words}: was at work when the run was killed"
    words += f", for {span(max(report.seen - attempt.started, 0.0))}"
    lines = attempt.exhibits[-1].text.strip().rsplit("\n", 1) if attempt.exhibits else []
    return f"{words}: {brief(lines[-1])}" if lines and attempt.phases else words


def _bad(attempt: Attempt) -> bool:
    return bool(attempt.failure) or attempt.unseen


def _papers(report: RunReport, attempt: Attempt, room: int) -> tuple[Paper, ...]:
    left = attempt.exhibits or ((Exhibit(attempt.log, ""),) if attempt.log else ())
    return tuple(_paper(report, one, room) for one in left)


def _paper(report: RunReport, exhibit: Exhibit, room: int) -> Paper:
    text = clean(exhibit.text).strip("\n")
    shown = text
    if room < _LEAST:
        shown = ""
    elif len(text) > room // 6:
        shown = _fitting(text, room, beginning=exhibit.name == PROMPT)
    return Paper(
        name=exhibit.name,
        text=shown,
        cut=exhibit.cut or len(shown) < len(text),
        path=f"{report.tasks_dir}/{exhibit.path}",
        link=link(report, exhibit.path),
    )


def _fitting(text: str, room: int, *, beginning: bool) -> str:
    """Returns the beginning or the end of a text, of which the page has so many bytes."""
    lines = text.split("\n")
    if not beginning:
        lines.reverse()
    kept: list[str] = []
    for line in lines:
        room -= len(str(escape(line)).encode("utf-8", "replace")) + 1
        if room < 0:
            break
        kept.append(line)
    if not kept and lines:
        # one line that is longer than all the room
        kept = [cut(lines[0], _LEAST)]
    return "\n".join(kept if beginning else reversed(kept))


def _ended(task: TaskReport) -> float:
    return max((one.started + (one.seconds or 0.0) for one in task.attempts), default=0.0)


def _size(task: TaskReport) -> int:
    return task.landed.added + task.landed.removed if task.landed else 0


def _merge(report: RunReport, task: TaskReport, largest: int, each: int) -> Merge:
    landed = task.landed
    if landed is None:
        return Merge(task, None, (), 0, 0.0, 0.0)
    # the square root: one huge merge does not make all others invisible
    share = (_size(task) / largest) ** 0.5 * 100
    part = landed.added / max(_size(task), 1)
    files = tuple(
        (one.path, _lines("+", one.added), _lines("\N{MINUS SIGN}", one.removed))
        for one in landed.files[:each]
    )
    more = max(len(landed.files) - each, 0)
    since = max(landed.time - report.started, 0.0)
    return Merge(task, since, files, more, share * part, share * (1 - part))


def _lines(sign: str, number: int | None) -> str:
    if number is None:
        return "binary"
    return f"{sign}{number}" if number else ""


def told(report: RunReport) -> str:
    """Returns how the run ended in one sentence that begins with what matters most."""
    failed, skipped = report.count(Outcome.FAILED), report.count(Outcome.SKIPPED)
    of_all = f"of {counted(report.total, 'task')}"
    if not report.total:
        return "No tasks"
    if failed:
        rest = (
            f", {skipped} skipped because of {'it' if failed == 1 else 'them'}" if skipped else ""
        )
        return f"{failed} {of_all} failed{rest}"
    if report.completed == report.total:
        return "The task is done" if report.total == 1 else f"All {report.total} tasks are done"
    return f"{report.completed} {of_all} {'is' if report.completed == 1 else 'are'} done"
