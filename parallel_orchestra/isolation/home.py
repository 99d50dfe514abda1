"""From a person's worktree back to the run that it belongs to: a note in its git directory."""

import os
from pathlib import Path

from parallel_orchestra import files

_NOTE = "orchestra-home"
_LINK = "gitdir: "


def note_home(git_dir: Path, tasks_dir: Path) -> None:
    """Notes the task directory that a worktree's task lies in."""
    files.write(git_dir / _NOTE, os.fsencode(tasks_dir))


def home_of(folder: Path) -> Path | None:
    """Returns the task directory whose task the worktree at `folder` is for; None if it is none."""
    link = files.read_text(folder / ".git")
    if link is None or not link.startswith(_LINK):
        return None
    note = files.read_bytes(Path(link.removeprefix(_LINK).rstrip("\n")) / _NOTE)
    return None if note is None else Path(os.fsdecode(note))
