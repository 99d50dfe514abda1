"""Gives agents in a worktree the project's `.claude/`, which is often not committed.

A linked worktree has only tracked files, and an untracked `.claude/agents/x.md` is not found
from there. The copies are never part of a task's work.
"""

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

FOLDER = ".claude"
_IGNORE = ".gitignore"
#: What has a meaning of its own in gitignore(5).
_SPECIAL = re.compile(r"[\\*?\[\]!# ]")
_LEFT_OUT = frozenset({"logs", "memory", "worktrees", "projects"})


def carry_claude(project: Path, top: Path, target: Path, root: Path) -> tuple[str, ...]:
    """Copies `.claude/` of the project (else of its repository's top) below `target`.

    Files that are there already, as tracked ones are, stay. Returns the copies' paths
    relative to `root`. They are hidden from the agent's own `git add --all` as well.
    """
    source = next((place for place in (project / FOLDER, top / FOLDER) if place.is_dir()), None)
    if source is None:
        return ()
    folder, copied = target / FOLDER, []
    for path in _files(source):
        copy = folder / path.relative_to(source)
        # A tracked link may lead out of the worktree.
        strange = not copy.parent.resolve().is_relative_to(target.resolve())
        if strange or copy.exists() or copy.is_symlink():
            continue
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(path, copy)
        copied.append(copy)
    if copied and not (folder / _IGNORE).exists():
        copied.append(folder / _IGNORE)
        names = (copy.relative_to(folder).as_posix() for copy in copied)
        patterns = "".join("/" + _SPECIAL.sub(r"\\\g<0>", name) + "\n" for name in names)
        (folder / _IGNORE).write_text(patterns, encoding="utf-8", errors="surrogateescape")
    return tuple(copy.relative_to(root).as_posix() for copy in copied)


def _files(source: Path) -> Iterator[Path]:
    for path in sorted(source.rglob("*")):
        first, *rest = path.relative_to(source).parts
        if first in _LEFT_OUT or path.is_symlink() or not path.is_file():
            continue
        if first == "reports" and not (len(rest) == 1 and path.match("plan-report-*.md")):
            continue
        yield path
