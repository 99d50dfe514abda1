"""Makes `terminal.svg`, the picture of a run on a terminal: `python docs/pictures/terminal.py`.

Runs the demo on a pseudo-terminal, stops the picture when half of it is done, and has rich draw
what stands there. Needs the packages of `dev`.
"""  # noqa: INP001  # a script of the docs, not a package

import io
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import pyte
from rich.console import Console
from rich.style import Style
from rich.text import Text

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests"))

from support.terminal import Terminal  # noqa: E402  # the tests are no package
from support.waiting import wait_until  # noqa: E402  # see above

_COLUMNS, _ROWS = 92, 26
#: What stands on the screen at the moment that is drawn.
_MOMENT = re.compile(rb" [56]/10 .*agent .*agent ", re.DOTALL)


def recorded() -> bytes:
    """Returns what the demo wrote to a terminal until half of it was done."""
    env = {**os.environ, "TERM": "xterm-256color", "PYTHONUTF8": "1"}
    env.pop("CI", None)
    command = [sys.executable, "-m", "parallel_orchestra", "demo", "calc"]
    with tempfile.TemporaryDirectory() as place, Terminal() as terminal:
        terminal.resize(_COLUMNS, _ROWS)
        with subprocess.Popen(
            command,
            cwd=place,
            env=env | {"PYTHONPATH": str(ROOT)},
            stdin=subprocess.DEVNULL,
            stdout=terminal.theirs,
            stderr=terminal.theirs,
        ) as demo:
            wait_until(lambda: _moment(terminal), within=60, what="half of it is done")
            shown = terminal.shown
            while demo.poll() is None:
                # read on, or it waits for room
                terminal.shows(b"")
    # as long as what it stands for, or the box around it is no box any more
    home = b"/home/you/source".ljust(len(place), b"-")[: len(place)]
    return shown.replace(os.fsencode(place), home)


def screen_of(data: bytes) -> Text:
    """Returns what stands on the terminal, with its colours."""
    screen = pyte.Screen(_COLUMNS, _ROWS)
    pyte.ByteStream(screen).feed(data)
    text = Text()
    for row in range(screen.cursor.y + 1):
        if "you are root" in screen.display[row]:
            continue  # it says something of the machine where the picture is made
        for column in range(_COLUMNS):
            cell = screen.buffer[row][column]
            color = None if cell.fg == "default" else cell.fg.replace("brown", "yellow")
            text.append(cell.data, Style(color=color, bold=cell.bold))
        text.append("\n")
    return text


def drawn(text: Text) -> str:
    """Returns the picture as SVG that loads nothing from anywhere."""
    console = Console(record=True, width=_COLUMNS, file=io.StringIO(), legacy_windows=False)
    console.print(text, end="")
    picture = console.export_svg(title="parallel-orchestra demo", unique_id="terminal")
    return re.sub(r"\s*@font-face \{.*?\}", "", picture, flags=re.DOTALL)


def _moment(terminal: Terminal) -> bool:
    terminal.shows(b"")
    last = terminal.shown.rpartition(b"\x1b[?2026h")[2]
    return _MOMENT.search(last) is not None and last.endswith(b"\x1b[?2026l")


if __name__ == "__main__":
    path = Path(__file__).with_name("terminal.svg")
    path.write_text(drawn(screen_of(recorded())), encoding="utf-8")
