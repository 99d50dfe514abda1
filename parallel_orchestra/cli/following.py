"""The logs of a task's attempts, one after the other, as they grow."""

import json
import os
import re
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from parallel_orchestra import files
from parallel_orchestra.agents.log import GrowingLog
from parallel_orchestra.agents.story import Reader, Story
from parallel_orchestra.conductor.acts import AGENT_LOG, QA_LOG, RESOLVE_LOG, shortened, why_over
from parallel_orchestra.plain import clean
from parallel_orchestra.store import Layout

#: In the order in which an attempt writes them; between them those of its `verify` commands.
_BEFORE = ("setup.log", AGENT_LOG, "expect.log")
_AFTER = (
    "qa-setup.log",
    QA_LOG,
    "merge-verify.log",
    "conflict.log",
    "resolve-setup.log",
    RESOLVE_LOG,
)
_VERIFY = re.compile(r"verify(?:-(\d{1,6}))?\.log")
#: What says that a set-up went well: whose it was has begun.
_HEIRS = {
    "setup.log": (AGENT_LOG, QA_LOG),
    "qa-setup.log": (QA_LOG,),
    "resolve-setup.log": (RESOLVE_LOG,),
}
#: Seconds after which what has begun is shown without waiting for its end.
_PATIENCE = 1.0


class Out:
    """Standard output, for the lines of one task; `name` stands before each of them."""

    def __init__(self, name: str) -> None:
        self._before = f"{name}  ".encode() if name else b""
        #: A terminal obeys what is in an output. A pipe and a file get it byte by byte.
        self.obeys = sys.stdout.isatty()

    def turn_to(self, attempt: int, log: str) -> None:
        """Takes notice of where the next lines are from; headings tell people so."""

    def head(self, title: str) -> None:
        """Prints a heading: another attempt begins, or another log."""
        self.say([f"==> {title} <=="])

    def say(self, lines: list[str]) -> None:
        """Prints lines that are clean."""
        for line in lines:
            self._print(f"{line}\n".encode(errors="replace"))

    def pass_on(self, line: bytes) -> None:
        """Prints a line as it is, with its end; on a terminal cleaned."""
        if self.obeys:
            line = clean(line.decode("utf-8", "replace")).encode()
        if self._before and not line.endswith(b"\n"):
            line += b"\n"
        self._print(line)

    def _print(self, line: bytes) -> None:
        sys.stdout.buffer.write(self._before + line)


class Records(Out):
    """Standard output, where each line is an object of JSON for programs."""

    def __init__(self, task: str) -> None:
        super().__init__("")
        self._place: dict[str, object] = {"task": task}

    def turn_to(self, attempt: int, log: str) -> None:
        """Says so in each of the next objects."""
        self._place |= {"attempt": attempt, "log": log}

    def head(self, title: str) -> None:
        """Prints nothing: the objects say where they are from."""

    def say(self, lines: list[str]) -> None:
        """Prints an object for each line."""
        for line in lines:
            self._print(f"{json.dumps({**self._place, 'text': line})}\n".encode())

    def pass_on(self, line: bytes) -> None:
        """Prints the line as it is, in an object; what is no UTF-8 is replaced."""
        self.say([line.decode("utf-8", "replace").removesuffix("\n")])


@dataclass(frozen=True, slots=True, order=True)
class Attempt:
    """The folder of an attempt; of two with one number, the later one is the later attempt."""

    number: int
    written: float
    folder: Path

    @staticmethod
    def all_of(layout: Layout, task: str) -> list["Attempt"]:
        """Returns a task's attempts that have left something, the first one first."""
        return sorted(_attempts(layout.attempts / task))


class TaskLog:
    """What there is to show of one task: the attempt that was chosen, or the last and its heirs."""

    def __init__(
        self,
        layout: Layout,
        task: str,
        out: Out,
        readers: Mapping[str, Reader],
        number: int | None,
        *,
        raw: bool,
    ) -> None:
        """Takes who reads which log of an agent's."""
        self.task = task
        self._layout = layout
        self._out = out
        self._readers = readers
        self._number = number
        self._raw = raw
        self._shown: set[Path] = set()
        self._current: AttemptLog | None = None

    @property
    def said(self) -> bool:
        """Whether there was a log to show."""
        return self._current is not None and self._current.said

    def attempts(self) -> list[Attempt]:
        """Returns the attempts that may be shown."""
        found = Attempt.all_of(self._layout, self.task)
        return [one for one in found if self._number in (None, one.number)]

    def why_over(self) -> str:
        """Returns why nothing more will come, in a word or a sentence; empty while it may."""
        if self._number is not None and any(
            (one.folder / "result.json").exists() for one in self.attempts()
        ):
            return "ended"
        return why_over(self._layout, self.task)

    def read(self, *, last: bool) -> None:
        """Prints what was added since the last time; all of it, if this is the `last`."""
        found = self.attempts()
        if self._current is None and found:
            self._begin(found[-1], found)
        for one in found:
            if one.folder not in self._shown and self._current is not None:
                # No two attempts are at work at once: the one before is over.
                self._current.read(last=True)
                self._out.head(f"attempt {one.number}")
                self._begin(one, [one])
        if self._current is not None:
            self._current.read(last=last)

    def _begin(self, one: Attempt, passed: list[Attempt]) -> None:
        self._shown |= {each.folder for each in passed}
        self._current = AttemptLog(one, self._out, self._readers, raw=self._raw)


class AttemptLog:
    """The logs of one attempt, each with a heading where there are several."""

    def __init__(self, one: Attempt, out: Out, readers: Mapping[str, Reader], *, raw: bool) -> None:
        self._number = one.number
        self._folder = one.folder
        self._out = out
        self._raw = raw
        self._logs: dict[str, GrowingLog] = {}
        self._stories = {name: Story(reader, shortened) for name, reader in readers.items()}
        self._quiet_since = time.monotonic()

    @property
    def said(self) -> bool:
        """Whether there was a log to show."""
        return bool(self._logs)

    def read(self, *, last: bool) -> None:
        """Prints what was added since the last time, and what has not ended if it is the `last`."""
        for name in self._names():
            path = self._folder / name
            if name not in self._logs:
                if not path.exists() or self._is_past(name):
                    continue
                self._logs[name] = GrowingLog(path)
                if len(self._logs) > 1:
                    self._out.head(name)
            self._out.turn_to(self._number, name)
            for line in self._logs[name].lines(last=last):
                self._show(name, line)
        self._show_what_is_open(last=last)

    def _names(self) -> Iterator[str]:
        """Yields the names of the logs that there may be, in order."""
        yield from _BEFORE
        found = (_VERIFY.fullmatch(name) for name in files.names(self._folder))
        numbered = sorted((int(one[1] or 1), one[0]) for one in found if one is not None)
        yield from (name for _, name in numbered)
        yield from _AFTER

    def _show(self, name: str, line: bytes) -> None:
        self._quiet_since = time.monotonic()
        if self._raw:
            self._out.pass_on(line)
        elif name in self._stories:
            self._out.say(self._stories[name].take(_text(line)))
        else:
            self._out.say(Story(lambda _: None).take(_text(line)))

    def _show_what_is_open(self, *, last: bool) -> None:
        if self._raw:
            return
        for name, story in self._stories.items():
            self._out.turn_to(self._number, name)
            if last:
                self._out.say(story.end())
            elif time.monotonic() - self._quiet_since > _PATIENCE:
                self._out.say(story.so_far())

    def _is_past(self, name: str) -> bool:
        """Returns whether a log is of no interest: that of a set-up that went well, unwatched."""
        return any((self._folder / heir).exists() for heir in _HEIRS.get(name, ()))


def _text(line: bytes) -> str:
    return line.decode("utf-8", "replace").removesuffix("\n")


def _attempts(folder: Path) -> Iterator[Attempt]:
    for name in files.names(folder):
        head = name.partition(".")[0]
        if head.isdecimal() and not name.endswith(".md"):
            path = folder / name
            yield Attempt(int(head), os.path.getmtime(path), path)
