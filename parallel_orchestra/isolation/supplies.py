"""What a set-up takes from the user's checkout, keeps in a worktree, and depends on.

The user's files are only read. What lies in a worktree already, as tracked files do, is never
replaced, and nothing is written through a link that leads out of it.
"""

import glob
import hashlib
import os
import re
import shutil
import stat
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from parallel_orchestra.git import Repo
from parallel_orchestra.model import Setup

if TYPE_CHECKING:
    from pathspec import GitIgnoreSpec

#: The file of other tools that names ignored files which every worktree needs.
INCLUDE = ".worktreeinclude"
_WILD = re.compile(r"[*?\[\]\\]")


class Supplies:
    """What there is to be had for worktrees in one checkout; usable from several threads."""

    def __init__(self, repo: Repo, project: Path, tasks: Path | None) -> None:
        """Takes the project directory, and that of the tasks, which is put nowhere."""
        self._repo = repo
        self._project = project
        self._tasks = tasks
        self._inside = project.resolve().relative_to(repo.top.resolve())
        self._included: tuple[str, ...] | None = None

    def missing(self, setup: Setup) -> tuple[str, ...]:
        """Returns the paths that a set-up copies or links and that are not there."""
        named = (name for name in (*setup.copy, *setup.symlink) if not _WILD.search(name))
        return tuple(name for name in named if not os.path.lexists(self._project / name))

    def put(self, setup: Setup, root: Path) -> tuple[str, ...]:
        """Copies and links what a set-up names below `root`, the top of a worktree.

        Returns what was put there, relative to the root.

        Raises:
            OSError: something is not there any more, or can't be read or written.
        """
        given: list[str] = []
        for name in self._named(setup.copy):
            for source, place in _files(self._project / name, self._inside / name):
                if not self._avoided(source) and _put(source, root / place, root, link=False):
                    given.append(place.as_posix())
        for name in self._named(setup.symlink):
            place = self._inside / name
            if _put(self._project / name, root / place, root, link=True):
                given.append(place.as_posix())
        for path in self._included_in(setup):
            source = self._repo.top / path
            if source.is_file() and _put(source, root / path, root, link=False):
                given.append(path)
        return tuple(given)

    def inputs_of(self, setup: Setup, base: str) -> str:
        """Returns a digest of what the commands of a set-up may depend on at a commit.

        These are the tracked files that fit `inputs`, all if it names none, and the files that
        are copied.
        """
        digest = hashlib.sha256()
        for name in self._named(setup.copy):
            for source, place in _files(self._project / name, Path(name)):
                seen = source.lstat()
                facts = f"{place}\0{seen.st_size}\0{seen.st_mtime_ns}\0"
                digest.update(facts.encode("utf-8", "surrogateescape"))
        if not setup.inputs:
            digest.update(self._repo.objects.tree_of(base).encode())
            return digest.hexdigest()
        spec = _spec(anchored(pattern, self._inside) for pattern in setup.inputs)
        for path, facts in sorted(self._repo.objects.contents_of(base).items()):
            if spec.match_file(path):
                digest.update(f"{path}\0{facts}\0".encode("utf-8", "surrogateescape"))
        return digest.hexdigest()

    def _named(self, patterns: Iterable[str]) -> Iterator[str]:
        for pattern in patterns:
            if not _WILD.search(pattern) or os.path.lexists(self._project / pattern):
                yield os.path.normpath(pattern)
            else:
                yield from sorted(glob.glob(pattern, root_dir=self._project, recursive=True))

    def _included_in(self, setup: Setup) -> tuple[str, ...]:
        patterns = self._repo.top / INCLUDE
        if not setup.include or not patterns.is_file():
            return ()
        if self._included is None:
            found = self._repo.ignored_that_fit(patterns)
            self._included = tuple(
                path for path in found if not self._avoided(self._repo.top / path)
            )
        return self._included

    def _avoided(self, source: Path) -> bool:
        return self._tasks is not None and source.is_relative_to(self._tasks)


def kept_patterns(setup: Setup, inside: Path) -> tuple[str, ...]:
    """Returns what a set-up keeps, as patterns of a .gitignore at the top of the worktree."""
    return tuple(anchored(pattern, inside) for pattern in setup.keep)


def there(patterns: Iterable[str], directory: Path) -> frozenset[str]:
    """Returns the patterns that something in a directory fits."""
    return frozenset(
        pattern
        for pattern in patterns
        if os.path.lexists(directory / pattern)
        or next(glob.iglob(pattern, root_dir=directory, recursive=True), None) is not None
    )


def is_kept(paths: Iterable[str], patterns: Sequence[str]) -> set[str]:
    """Returns the paths that fit one of the patterns."""
    return set(_spec(patterns).match_files(paths))


def anchored(pattern: str, inside: Path) -> str:
    """Returns a pattern that counts from a folder as one that counts from the top.

    A name without a slash and with wildcards is looked for at any depth, as in a .gitignore;
    without wildcards it is the one that lies in the folder.
    """
    prefix = "/" if inside == Path() else f"/{inside.as_posix()}/"
    bare = pattern.removeprefix("./")
    if "/" not in bare.rstrip("/") and _WILD.search(bare):
        return f"{prefix}**/{bare}"
    return prefix + bare.lstrip("/")


def _spec(patterns: Iterable[str]) -> "GitIgnoreSpec":
    # 40 ms to import, and few plans have a set-up
    from pathspec import GitIgnoreSpec  # noqa: PLC0415

    return GitIgnoreSpec.from_lines(patterns)


def _files(source: Path, place: Path) -> Iterator[tuple[Path, Path]]:
    """Yields all files and links of a path, with their places; repositories' own are left out."""
    if source.is_symlink() or not source.is_dir():
        yield source, place
        return
    for entry in sorted(os.scandir(source), key=lambda one: one.name):
        if entry.name != ".git":
            yield from _files(Path(entry.path), place / entry.name)


def _put(source: Path, target: Path, root: Path, *, link: bool) -> bool:
    """Copies or links a file; returns False if something is there, or the way leads out."""
    mode = source.lstat().st_mode
    strange = not target.parent.resolve().is_relative_to(root.resolve())
    if strange or os.path.lexists(target):
        return False
    if not (link or stat.S_ISREG(mode) or stat.S_ISLNK(mode)):
        # A pipe or a socket belongs to who listens at it.
        return False
    target.parent.mkdir(parents=True, exist_ok=True)
    if link:
        target.symlink_to(source.absolute())
    else:
        shutil.copy2(source, target, follow_symlinks=False)
    return True
