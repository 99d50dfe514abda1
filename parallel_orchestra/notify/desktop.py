"""The desktop, by the program that it has for that: `notify-send` on Linux, `osascript` on macOS."""

import os
import shutil
import subprocess
from collections.abc import Callable, Mapping
from html import escape

from parallel_orchestra.notify.services import Note
from parallel_orchestra.plain import clean, cut, one_line

#: How the desktop is called among the entries of `notify`.
DESKTOP = "desktop"
#: Seconds that the program may take, and what fits into a bubble, in characters.
TIMEOUT = 10.0
_TITLE, _BODY = 100, 400
_SCRIPT = "on run argv\ndisplay notification (item 2 of argv) with title (item 1 of argv)\nend run"


def desktop(environ: Mapping[str, str]) -> Callable[[Note], str | None]:
    """Returns what shows a note on the desktop, as a sentence if that can't be.

    Where there is no desktop, on a server, say, nobody is stopped for that: a plan may be shared.
    """

    def show(note: Note) -> str | None:
        title = cut(one_line(note.title), _TITLE)
        body = cut(clean(note.body).strip(), _BODY)
        argv = _command(title, body, environ)
        if argv is None:
            return "there is neither `notify-send` nor `osascript`"
        try:
            subprocess.run(
                argv,
                env=dict(environ),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                timeout=TIMEOUT,
                check=True,
            )
        except (OSError, subprocess.SubprocessError):
            return f"`{os.path.basename(argv[0])}` could not show that {title}"
        return None

    return show


def _command(title: str, body: str, environ: Mapping[str, str]) -> list[str] | None:
    path = environ.get("PATH", os.defpath)
    if program := shutil.which("notify-send", path=path):
        # desktops read a body as markup, but no title (Desktop Notifications Specification)
        words = ["--app-name=parallel-orchestra", "--", title, escape(body, quote=False)]
        return [program, *words]
    if program := shutil.which("osascript", path=path):
        return [program, "-e", _SCRIPT, title, body]
    return None
