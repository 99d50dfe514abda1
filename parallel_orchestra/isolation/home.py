"""From a person's worktree back to the run that it belongs to: a note in its git directory."""

import os
from pathlib import Path

from parallel_orchestra import files

_NOTE = "orchestra-home"
_LINK = "gitdir: "


def note_home(git_dir: Path, tasks_dir: Path, owner: str) -> None:
    """Notes the task directory that a worktree's task lies in, and whose claim it is."""
    files.write(git_dir / _NOTE, os.fsencode(f"{owner}\n{tasks_dir}"))


def home_of(folder: Path) -> tuple[Path, str] | None:
    """Returns the task directory and the owner of the claim whose worktree `folder` is, or None."""
    link = files.read_text(folder / ".git")
    if link is None or not link.startswith(_LINK):
        return None
    note = files.read_bytes(Path(link.removeprefix(_LINK).rstrip("\n")) / _NOTE)
    if note is None:
        return None
    owner, _, tasks_dir = os.fsdecode(note).partition("\n")
    return Path(tasks_dir), owner
