"""Gives agents in a worktree the project's `.claude/`, which is often not committed.

A linked worktree has only tracked files, and an untracked `.claude/agents/x.md` is not found
from there. The copies are never part of a task's work.
"""

import shutil
from collections.abc import Iterator
from pathlib import Path

FOLDER = ".claude"
_LEFT_OUT = frozenset({"logs", "memory", "worktrees", "projects"})


def carry_claude(project: Path, top: Path, target: Path, root: Path) -> tuple[str, ...]:
    """Copies `.claude/` of the project (else of its repository's top) below `target`.

    Files that are there already, as tracked ones are, stay. Returns the copies' paths
    relative to `root`.
    """
    source = next((place for place in (project / FOLDER, top / FOLDER) if place.is_dir()), None)
    if source is None:
        return ()
    copied = []
    for path in _files(source):
        copy = target / FOLDER / path.relative_to(source)
        if copy.exists() or copy.is_symlink():
            continue
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(path, copy)
        copied.append(copy.relative_to(root).as_posix())
    return tuple(copied)


def _files(source: Path) -> Iterator[Path]:
    for path in sorted(source.rglob("*")):
        first, *rest = path.relative_to(source).parts
        if first in _LEFT_OUT or path.is_symlink() or not path.is_file():
            continue
        if first == "reports" and not (len(rest) == 1 and path.match("plan-report-*.md")):
            continue
        yield path
