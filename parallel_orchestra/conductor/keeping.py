"""Copies what is worth keeping out of a worktree: screenshots, traces, reports of tests."""

import contextlib
import os
import stat
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO

from parallel_orchestra.frozen import frozen

#: What is kept at most, in files and in bytes together.
MOST_FILES = 1000
MOST_BYTES = 256 << 20
_CHUNK = 1 << 20


@frozen
class Kept:
    """The paths that were copied, sorted; and how many that match were left out."""

    paths: tuple[str, ...] = ()
    left_out: int = 0


def keep(source: Path, patterns: Sequence[str], target: Path) -> Kept:
    """Copies the files below `source` that match, under the same paths below `target`.

    Patterns as in a .gitignore. Regular files only: a link may lead anywhere. What is too much is
    left out.

    Raises:
        OSError: a file can't be written.
    """
    copied: list[str] = []
    left_out, room = 0, MOST_BYTES
    for path in _matching(source, patterns):
        with _regular(source / path) as stream:
            if stream is None:
                continue
            size = os.fstat(stream.fileno()).st_size
            if len(copied) == MOST_FILES or size > room:
                left_out += 1
                continue
            _copy(stream, size, target / path)
            room -= size
            copied.append(path)
    return Kept(tuple(copied), left_out)


def matches(patterns: Sequence[str], paths: Sequence[str]) -> frozenset[str]:
    """Returns those of the paths that match."""
    from pathspec import GitIgnoreSpec  # noqa: PLC0415  # only plans that keep files need it

    return frozenset(GitIgnoreSpec.from_lines(patterns).match_files(paths))


def _matching(source: Path, patterns: Sequence[str]) -> Iterator[str]:
    if not patterns:
        return
    found = []
    for folder, below, names in os.walk(source):
        below[:] = [name for name in below if name != ".git"]
        place = Path(folder).relative_to(source)
        found += [(place / name).as_posix() for name in names]
    yield from sorted(matches(patterns, found))


@contextlib.contextmanager
def _regular(path: Path) -> Iterator[IO[bytes] | None]:
    """Gives a file open for reading; None if it is no regular one, or can't be read."""
    try:
        # Not blocked by a pipe, not led away by a link.
        number = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError:
        yield None
        return
    with open(number, "rb") as stream:
        yield stream if stat.S_ISREG(os.fstat(number).st_mode) else None


def _copy(stream: IO[bytes], size: int, target: Path) -> None:
    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with target.open("wb") as writer:
        # No more than was counted: somebody may write to it still.
        while size > 0 and (data := stream.read(min(size, _CHUNK))):
            writer.write(data)
            size -= len(data)
