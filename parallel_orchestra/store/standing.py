"""What a finished run says of itself, and of which files that is true: `_tasks/standing.json`.

A word, not a fact. It is believed only while the directory looks as it did when it was written, and
the integration branch stands where it stood: whoever finds it otherwise, torn, or written by
another version asks the tasks and the journal, which know. Who moves a task, writes an event, asks
something of the run or merges makes it worthless by that alone.
"""

import contextlib
import json
import os
from collections.abc import Iterator
from pathlib import Path

from parallel_orchestra import __version__, files
from parallel_orchestra.frozen import frozen
from parallel_orchestra.states import TaskState
from parallel_orchestra.store.layout import Layout

_STATES = frozenset(state.value for state in TaskState)
_NAME = "standing.json"
#: What no status tells of: logs, what is put away, locks, the word itself; or what is asked for apart.
_UNTOLD = frozenset(
    ("attempts", "attic", "tmp", "claim.lock", "merge.lock", "run.lock", "journal", _NAME)
)


@frozen
class Sight:
    """What the directory looks like, in full, and the bytes of each writer's events.

    Whatever changes a status changes one of the two.
    """

    look: str
    events: dict[str, int]


@frozen
class Word:
    """The `lines` that `status` says while a file of git, `ref`, has the commit `tip` in it."""

    lines: tuple[str, ...]
    ref: Path
    tip: str


def keep(layout: Layout, word: Word, sight: Sight) -> None:
    """Leaves word of how a run stands, for as long as its directory is seen so.

    Raises:
        OSError: the disk is full or read-only.
    """
    record = {
        "program": __version__,
        "look": sight.look,
        "events": sight.events,
        "ref": str(word.ref),
        "tip": word.tip,
        "lines": word.lines,
    }
    # not synced: what a power cut tears or takes is not believed, or not there
    via = layout.tmp / f"standing.{os.getpid()}.json"
    files.write(via, json.dumps(record).encode())
    os.replace(via, layout.standing_file)


def kept(layout: Layout) -> tuple[str, ...] | None:
    """Returns the lines that a finished run left if they are true still, else None."""
    with contextlib.suppress(OSError, ValueError, KeyError, TypeError, RecursionError):
        record = json.loads(files.content(layout.standing_file))
        if record["program"] != __version__:
            return None
        if Sight(record["look"], record["events"]) != sight_of(layout):
            return None
        # another storage of refs, or packed ones: then git is asked
        if files.content(Path(record["ref"])).decode().rstrip() != record["tip"]:
            return None
        return tuple(map(str, record["lines"]))
    return None


def sight_of(layout: Layout) -> Sight:
    """Returns what the directory looks like at this moment.

    Raises:
        OSError: it can't be read.
    """
    look = "\0".join(_marks(layout.root))
    with os.scandir(layout.journal) as entries:
        return Sight(look, {entry.name: entry.stat().st_size for entry in entries})


def _marks(root: Path) -> Iterator[str]:
    for entry in _sorted(root):
        if entry.name in _UNTOLD:
            continue
        if not entry.is_dir(follow_symlinks=False):
            yield _mark(entry)
        elif entry.name in _STATES:
            # The names say all. A move there and back leaves them as they were, but not the time.
            yield f"{entry.name}/ {entry.stat().st_mtime_ns}"
            yield from sorted(os.listdir(entry.path))
        else:
            yield f"{entry.name}/"
            yield from map(_mark, _sorted(entry.path))


def _sorted(folder: str | Path) -> list[os.DirEntry[str]]:
    with os.scandir(folder) as entries:
        return sorted(entries, key=lambda entry: entry.name)


def _mark(entry: os.DirEntry[str]) -> str:
    facts = entry.stat(follow_symlinks=False)
    return f"{entry.name} {facts.st_ino} {facts.st_size} {facts.st_mtime_ns}"
