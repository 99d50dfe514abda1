"""Whether what a task was to leave behind is there: files, text in them, output of commands."""

import glob
import os
from pathlib import Path

from parallel_orchestra import files
from parallel_orchestra.model import Evidence, as_typed
from parallel_orchestra.process import Ending, Exit

#: How much of what a command printed is told, in characters.
_TOLD = 1000


def lacking_file(directory: Path, expected: Evidence) -> str:
    """Returns what is wrong with the expected path, as a sentence; empty if it is there.

    Of several files that fit a pattern, one with the text is enough.
    """
    found = _found(directory, expected.path)
    if not found:
        return f"there is no `{expected.path}`"
    if not expected.contains:
        return ""
    wanted = expected.contains.encode("utf-8", "surrogateescape")
    if any(wanted in (files.read_bytes(path) or b"") for path in found):
        return ""
    return f"`{expected.path}` does not contain {_quoted(expected.contains)}"


def lacking_output(expected: Evidence, ended: Exit) -> str:
    """Returns what is wrong with a command's end or output, as a sentence; empty if nothing is."""
    command = as_typed(expected.command or "")
    said = ended.stdout_tail + ended.stderr_tail
    if ended.ending is not Ending.EXITED or ended.code != 0:
        return f"`{command}` {ended.how}{_printed(said)}"
    if expected.contains.encode("utf-8", "surrogateescape") in said:
        return ""
    return f"`{command}` did not print {_quoted(expected.contains)}{_printed(said)}"


def _found(directory: Path, pattern: str) -> list[Path]:
    if os.path.lexists(directory / pattern):
        return [directory / pattern]
    return [directory / name for name in glob.glob(pattern, root_dir=directory, recursive=True)]


def _quoted(text: str) -> str:
    return f"`{text}`" if "\n" not in text else f"the text\n{text.rstrip()}"


def _printed(said: bytes) -> str:
    text = said[-4 * _TOLD :].decode("utf-8", "replace").strip()[-_TOLD:]
    return f"; it printed:\n{text}" if text else "; it printed nothing"
